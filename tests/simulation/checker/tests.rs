//! Each rule is broken once by hand.

use uuid::Uuid;

use super::*;

const OPEN: &str = "canary-a-v-open";
const NOTE: &str = "canary-a-v-note";

fn id<I: From<Uuid>>(number: u128) -> I {
    Uuid::from_u128(number).into()
}

fn at() -> Place {
    (id(1), id(10))
}

/// A conversation with its visitor and an operator, in which a message and a note are stored.
struct Scene {
    checker: Checker,
    visitor: ReaderId,
    operator: ReaderId,
}

impl Scene {
    fn new() -> Self {
        let mut checker = Checker::default();
        let reader = |name: &str, tenant, visitor, secrets: &str| Reader {
            name: name.to_owned(),
            tenant: id(tenant),
            visitor,
            wants: Wants::Logs,
            secrets: secrets.to_owned(),
        };
        let visitor = checker.admit(reader("visitor", 1, Some(id(5)), OPEN));
        let operator = checker.admit(reader("operator", 1, None, "canary-a-"));
        checker.saw(&Observation::Opened { at: at(), visitor: id(5) });
        let mut scene = Self { checker, visitor, operator };
        scene.said(100, OPEN);
        scene.said(101, NOTE);
        scene.sees(Observation::Stored { at: at(), record: record(1, Some(1), 100) });
        scene.sees(Observation::Stored { at: at(), record: record(2, None, 101) });
        scene
    }

    fn said(&mut self, client_id: u128, text: &str) {
        self.sees(Observation::Said { client_id: id(client_id), text: text.to_owned() });
    }

    fn sees(&mut self, observation: Observation) -> &mut Self {
        self.checker.saw(&observation);
        self
    }

    fn takes(&mut self, reader: ReaderId, seq: u64, entry: &str) -> &mut Self {
        self.sees(Observation::Took { reader, at: at(), seq, entry: entry.to_owned() })
    }

    fn acks(&mut self, reader: ReaderId, client_id: u128, seq: u64, duplicate: bool) -> &mut Self {
        let (client_id, message) = (id(client_id), id(client_id + 1_000));
        self.sees(Observation::Acknowledged { reader, at: at(), client_id, message, seq, duplicate })
    }

    /// Everybody has what is for it.
    fn complete(&mut self) -> &mut Self {
        let (visitor, operator) = (self.visitor, self.operator);
        self.acks(visitor, 100, 1, false).acks(operator, 101, 2, false);
        self.takes(visitor, 1, "event 100").takes(operator, 1, "event 100").takes(operator, 2, "event 101")
    }

    fn rule(&self) -> Option<&'static str> {
        self.checker.violation().map(|violation| violation.rule)
    }
}

fn record(staff: u64, visitor: Option<u64>, client_id: u128) -> Record {
    let text = if visitor.is_some() { OPEN } else { NOTE };
    Record {
        staff,
        visitor,
        to_staff: format!("event {client_id}"),
        to_visitor: format!("event {client_id}"),
        message: Some((id(client_id), text.to_owned())),
        id: Some(id(client_id + 1_000)),
        internal: visitor.is_none(),
    }
}

#[test]
fn a_sound_conversation_breaks_no_rule() {
    let mut scene = Scene::new();
    scene.complete();
    scene.checker.stands(at(), Audience::Visitor, &[(1, "event 100".to_owned())]);
    scene.checker.finish();
    assert_eq!(scene.checker.violation(), None);
}

#[test]
fn what_is_stored_wrongly_is_found() {
    let stored = |record: Record| {
        let mut scene = Scene::new();
        scene.said(102, OPEN);
        scene.sees(Observation::Stored { at: at(), record });
        scene.rule()
    };
    assert_eq!(stored(record(3, Some(2), 102)), None);
    assert_eq!(stored(record(4, Some(2), 102)), Some("staff's positions are gapless and in order"));
    assert_eq!(stored(record(3, Some(3), 102)), Some("the visitor's positions are gapless and in order"));
    assert_eq!(stored(record(3, Some(2), 100)), Some("what is said is stored once"));
    assert_eq!(stored(record(3, Some(2), 999)), Some("what is stored was said"));
    assert_eq!(stored(record(3, None, 102)), Some("what is stored was said like this"));
    let shown = Record { internal: true, ..record(3, Some(2), 102) };
    assert!(stored(shown).is_some_and(|rule| rule.starts_with("what is internal")));
}

#[test]
fn a_wrong_acknowledgement_is_found() {
    let acknowledged = |client_id, seq, twice| {
        let mut scene = Scene::new();
        let reader = scene.operator;
        scene.acks(reader, client_id, seq, false);
        if twice {
            scene.acks(reader, client_id, seq, false);
        }
        scene.rule()
    };
    assert_eq!(acknowledged(101, 2, false), None);
    assert_eq!(acknowledged(102, 3, false), Some("what is acknowledged is stored"));
    assert_eq!(acknowledged(101, 1, false), Some("an acknowledgement names the stored position"));
    assert_eq!(acknowledged(101, 2, true), Some("what is said is new once"));
}

#[test]
fn what_is_held_wrongly_is_found() {
    let takes = |taken: &[(u64, &str)]| {
        let mut scene = Scene::new();
        let reader = scene.operator;
        for (seq, entry) in taken {
            scene.takes(reader, *seq, entry);
        }
        scene.rule()
    };
    assert_eq!(takes(&[(1, "event 100"), (2, "event 101")]), None);
    assert_eq!(takes(&[(2, "event 101")]), Some("what is held has no hole"));
    assert_eq!(takes(&[(1, "event 100"), (1, "event 100")]), Some("nothing is held twice"));
    assert_eq!(takes(&[(1, "event 101")]), Some("what is held is what is stored"));
    let ahead = takes(&[(1, "event 100"), (2, "event 101"), (3, "event 102")]);
    assert_eq!(ahead, Some("what is heard is stored"));
}

#[test]
fn a_hole_on_a_connection_is_found() {
    let hears = |began: Option<u64>, seqs: &[u64]| {
        let mut scene = Scene::new();
        let (reader, line) = (scene.operator, 7);
        if let Some(after) = began {
            scene.sees(Observation::Began { line, at: at(), after });
        }
        for seq in seqs {
            scene.sees(Observation::Heard { reader, line, at: at(), seq: *seq });
        }
        scene.rule()
    };
    assert_eq!(hears(None, &[5, 6, 5, 6, 7]), None);
    assert_eq!(hears(Some(4), &[5, 6]), None);
    assert_eq!(hears(Some(4), &[6]), Some("what a connection brings has no hole"));
    assert_eq!(hears(None, &[5, 7]), Some("what a connection brings has no hole"));
}

#[test]
fn a_reset_that_is_not_followed_is_found() {
    let mut scene = Scene::new();
    let reader = scene.complete().operator;
    scene.sees(Observation::Reset { reader, at: at() });
    scene.checker.finish();
    assert_eq!(scene.rule(), Some("a reset is answered by reading again"));
    let mut scene = Scene::new();
    scene.sees(Observation::Reset { reader, at: at() }).takes(reader, 1, "event 100");
    assert_eq!(scene.rule(), Some("after a reset nothing is added to what was held"));
    let mut scene = Scene::new();
    scene
        .complete()
        .sees(Observation::Reset { reader, at: at() })
        .sees(Observation::Dropped { reader, at: at() });
    scene.takes(reader, 1, "event 100").takes(reader, 2, "event 101");
    scene.sees(Observation::Reread { reader, at: at() });
    scene.checker.finish();
    assert_eq!(scene.checker.violation(), None);
}

#[test]
fn what_is_not_for_a_reader_is_found() {
    let overhears = |text: &str, names| {
        let mut scene = Scene::new();
        let visitor = scene.visitor;
        scene.checker.overheard(visitor, text, names);
        scene.rule()
    };
    assert_eq!(overhears("\"canary-a-v-open-3\"", Some(id(10))), None);
    let secret = Some("what is said reaches only those for whom it is");
    assert_eq!(overhears("\"canary-a-v-note-3\"", None), secret);
    assert_eq!(overhears("\"canary-a-w-open-3\"", None), secret);
    assert_eq!(overhears("\"canary-b-v-open-3\"", None), secret);
    assert_eq!(overhears("", Some(id(11))), Some("a reader hears of its own conversations only"));
}

#[test]
fn what_is_missing_in_the_end_is_found() {
    let mut scene = Scene::new();
    scene.checker.finish();
    assert_eq!(scene.rule(), Some("what is said is acknowledged in the end"));
    let mut scene = Scene::new();
    let (visitor, operator) = (scene.visitor, scene.operator);
    scene.acks(visitor, 100, 1, false).acks(operator, 101, 2, false).takes(visitor, 1, "event 100");
    scene.checker.finish();
    assert_eq!(scene.rule(), Some("in the end everybody has everything"));
    let mut scene = Scene::new();
    scene.checker.stands(at(), Audience::Staff, &[(1, "event 100".to_owned())]);
    assert_eq!(scene.rule(), Some("what is stored stays"));
}
