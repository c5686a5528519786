//! Every object and frame of the server, byte for byte as clients get it.

use uuid::Uuid;

use super::*;
use crate::domain::{
    Audience, Author, Conversation, CurrentPage, Email, Event, EventKind, Heads, Message, MessageKind,
    Operator, PerAudience, Position, Role, Site, Status, Text, Visitor,
};
use crate::ports::storage::{ConversationView, EventPage};
use crate::time::Timestamp;

const AT: &str = "2026-03-04T09:30:00.000Z";

fn id<I: From<Uuid>>(number: u128) -> I {
    Uuid::from_u128(number).into()
}

/// The text of [`id`].
fn hex(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

fn at() -> Timestamp {
    Timestamp::from_millis(1_772_616_600_000)
}

fn text(text: &str) -> Text {
    Text::from_stored(text.to_owned())
}

fn json<T: serde::Serialize>(object: &T) -> String {
    String::from_utf8(encode(object).to_vec()).expect("UTF-8")
}

fn anna() -> Operator {
    let email = Email::from_stored("anna@example.org".into());
    Operator { id: id(5), name: text("Anna"), email, role: Role::Owner, created_at: at() }
}

fn visitor() -> Visitor {
    Visitor { id: id(3), site: id(2), name: Some(text("Vic")), email: None, created_at: at() }
}

fn event(staff: u64, visitor: Option<u64>, by: Author, kind: EventKind) -> Event {
    Event { conversation: id(7), position: Position { staff, visitor }, epoch: 1, at: at(), by, kind }
}

fn message(by: Author, kind: MessageKind) -> Event {
    let message = Message { id: id(8), client_id: id(9), kind, text: Some(text("Hi \"there\"")) };
    let visitor = (kind == MessageKind::Message).then_some(3);
    event(4, visitor, by, EventKind::Message(message))
}

fn seen(event: &Event, audience: Audience) -> Option<String> {
    EventObject::new(event, audience, &Names::of(vec![anna()])).map(|object| json(&object))
}

fn head(seq: u64) -> String {
    format!(r#"{{"conversation":"{}","seq":{seq},"epoch":1,"at":"{AT}","#, hex(7))
}

#[test]
fn a_message() {
    let event = message(Author::Operator(id(5)), MessageKind::Message);
    let rest = |author: &str| {
        format!(
            r#""kind":"message","message":{{"id":"{}","kind":"message","author":{author},"text":"Hi \"there\"","client_id":"{}"}}}}"#,
            hex(8),
            hex(9)
        )
    };
    let staff = format!(r#"{{"kind":"operator","name":"Anna","id":"{}"}}"#, hex(5));
    assert_eq!(seen(&event, Audience::Staff).expect("seen"), head(4) + &rest(&staff));
    let visitor = r#"{"kind":"operator","name":"Anna"}"#;
    assert_eq!(seen(&event, Audience::Visitor).expect("seen"), head(3) + &rest(visitor));
}

#[test]
fn what_a_visitor_does_not_see() {
    for kind in [
        EventKind::Assigned(Some(id(5))),
        EventKind::Tagged(vec![text("a")]),
        EventKind::Status { from: Status::Open, to: Status::Snoozed, snoozed_until: Some(at()) },
    ] {
        assert_eq!(seen(&event(4, None, Author::System, kind), Audience::Visitor), None);
    }
    assert_eq!(seen(&message(Author::Operator(id(5)), MessageKind::Note), Audience::Visitor), None);
}

#[test]
fn the_other_events() {
    let by = format!(r#""by":{{"kind":"operator","name":"Anna","id":"{}"}}}}"#, hex(5));
    let staff = |kind| seen(&event(4, None, Author::Operator(id(5)), kind), Audience::Staff).expect("seen");
    let assigned = format!(r#""kind":"assigned","assignee":{{"id":"{}","name":"Anna"}},"#, hex(5));
    assert_eq!(staff(EventKind::Assigned(Some(id(5)))), head(4) + &assigned + &by);
    assert_eq!(staff(EventKind::Assigned(None)), head(4) + r#""kind":"assigned","assignee":null,"# + &by);
    assert_eq!(staff(EventKind::Tagged(vec![text("a")])), head(4) + r#""kind":"tagged","tags":["a"],"# + &by);
    let snoozed = EventKind::Status { from: Status::Open, to: Status::Snoozed, snoozed_until: Some(at()) };
    let expected = format!(r#""kind":"status","status":"snoozed","snoozed_until":"{AT}","#);
    assert_eq!(staff(snoozed), head(4) + &expected + &by);
    let closed = EventKind::Status { from: Status::Open, to: Status::Closed, snoozed_until: None };
    let closed = event(4, Some(3), Author::System, closed);
    assert_eq!(
        seen(&closed, Audience::Visitor).expect("seen"),
        head(3) + r#""kind":"status","status":"closed","by":{"kind":"system","name":null}}"#
    );
}

#[test]
fn a_conversation() {
    let conversation = Conversation {
        id: id(7),
        site: id(2),
        visitor: id(3),
        subject: None,
        status: Status::Snoozed,
        snoozed_until: Some(at()),
        assignee: Some(id(5)),
        tags: vec![text("billing")],
        created_at: at(),
        updated_at: PerAudience { staff: at().plus(std::time::Duration::from_secs(1)), visitor: at() },
        heads: Heads { staff: 4, visitor: 3 },
        floor: Heads::default(),
        epoch: 1,
        version: 2,
    };
    let page = Some(CurrentPage { url: text("https://example.org/"), title: None, at: at() });
    let view = ConversationView {
        conversation,
        visitor: visitor(),
        page,
        last_message: None,
        read: 1,
        other_read: 2,
        unread: 1,
    };
    let names = Names::default();
    let visitor = json(&ConversationObject::new(&view, Audience::Visitor, &names, true));
    let common = |status: &str, updated: &str, seq: u64| {
        format!(
            r#"{{"id":"{}","status":"{status}","subject":null,"created_at":"{AT}","updated_at":"{updated}","seq":{seq},"epoch":1,"floor":0,"unread":1,"read_seq":1,"other_read_seq":2,"last_message":null"#,
            hex(7)
        )
    };
    assert_eq!(visitor, common("open", AT, 3) + "}");
    let staff = json(&ConversationObject::new(&view, Audience::Staff, &names, true));
    let rest = format!(
        r#","site":"{}","visitor":{{"id":"{}","site":"{}","name":"Vic","email":null,"created_at":"{AT}","online":true,"page":{{"url":"https://example.org/","title":null,"at":"{AT}"}}}},"assignee":"{}","tags":["billing"],"snoozed_until":"{AT}","version":2}}"#,
        hex(2),
        hex(3),
        hex(2),
        hex(5)
    );
    assert_eq!(staff, common("snoozed", "2026-03-04T09:30:01.000Z", 4) + &rest);
}

#[test]
fn the_other_objects() {
    let site = Site {
        id: id(2),
        name: text("Shop"),
        title: text("Talk"),
        greeting: text("Hello"),
        color: crate::domain::Color::parse("#0B6E4F").expect("a colour"),
        origins: Vec::new(),
        created_at: at(),
    };
    assert_eq!(
        json(&SiteObject::new(&site, true)),
        r##"{"name":"Shop","title":"Talk","greeting":"Hello","color":"#0b6e4f","online":true}"##
    );
    let operator = format!(
        r#"{{"id":"{}","name":"Anna","email":"anna@example.org","role":"owner","online":false}}"#,
        hex(5)
    );
    assert_eq!(json(&OperatorObject::new(&anna(), false)), operator);
    let posted = PostedObject { message_id: id(8), seq: 3, at: at(), duplicate: false };
    assert_eq!(
        json(&posted),
        format!(r#"{{"message_id":"{}","seq":3,"at":"{AT}","duplicate":false}}"#, hex(8))
    );
    let heads = Heads { staff: 4, visitor: 3 };
    let page = EventPage { events: Vec::new(), visitor: id(3), heads, floor: Heads::default(), epoch: 1 };
    let page = json(&EventPageObject::new(&page, Audience::Visitor, &Names::default()));
    assert_eq!(page, r#"{"data":[],"seq":3,"epoch":1,"floor":0}"#);
    assert_eq!(json(&ListObject::new(vec![1], None)), r#"{"data":[1],"next_cursor":null}"#);
}

#[test]
fn the_frames_of_the_server() {
    let names = Names::of(vec![anna()]);
    let author = AuthorObject::new(Author::Operator(id(5)), Audience::Visitor, &names);
    let anna = r#"{"kind":"operator","name":"Anna"}"#;
    let conversation = id(7);
    let seven = hex(7);
    let name = text("Anna");
    let principal = PrincipalObject::Operator { id: id(5), name: Some(&name), role: Role::Owner };
    let page = CurrentPage { url: text("https://example.org/"), title: Some(text("Home")), at: at() };
    let note = MessageKind::Note;
    let (reference, code, title) = ("r", "conflict", "no");
    for (frame, expected) in [
        (
            ServerFrame::Welcome { session: id(1), principal, heartbeat_ms: 25_000 },
            format!(
                r#"{{"type":"welcome","session":"{}","principal":{{"kind":"operator","id":"{}","name":"Anna","role":"owner"}},"heartbeat_ms":25000}}"#,
                hex(1),
                hex(5)
            ),
        ),
        (
            ServerFrame::Subscribed {
                r#ref: reference,
                conversation: Some(conversation),
                inbox: None,
                seq: Some(4),
                epoch: Some(1),
            },
            format!(r#"{{"type":"subscribed","ref":"r","conversation":"{seven}","seq":4,"epoch":1}}"#),
        ),
        (
            ServerFrame::Subscribed {
                r#ref: reference,
                conversation: None,
                inbox: Some(true),
                seq: None,
                epoch: None,
            },
            r#"{"type":"subscribed","ref":"r","inbox":true}"#.into(),
        ),
        (ServerFrame::Unsubscribed { r#ref: reference }, r#"{"type":"unsubscribed","ref":"r"}"#.into()),
        (
            ServerFrame::Ack {
                r#ref: reference,
                conversation,
                client_id: id(9),
                message_id: id(8),
                seq: 3,
                at: at(),
                duplicate: true,
            },
            format!(
                r#"{{"type":"ack","ref":"r","conversation":"{seven}","client_id":"{}","message_id":"{}","seq":3,"at":"{AT}","duplicate":true}}"#,
                hex(9),
                hex(8)
            ),
        ),
        (
            ServerFrame::Typing { conversation, author: author.clone(), active: true, kind: note },
            format!(
                r#"{{"type":"typing","conversation":"{seven}","author":{anna},"active":true,"kind":"note"}}"#
            ),
        ),
        (
            ServerFrame::Read { conversation, author: author.clone(), seq: 3 },
            format!(r#"{{"type":"read","conversation":"{seven}","author":{anna},"seq":3}}"#),
        ),
        (ServerFrame::Presence { author: None, online: true }, r#"{"type":"presence","online":true}"#.into()),
        (
            ServerFrame::Presence { author: Some(author), online: false },
            format!(r#"{{"type":"presence","author":{anna},"online":false}}"#),
        ),
        (
            ServerFrame::Page { visitor: id(3), page: PageObject::new(&page) },
            format!(
                r#"{{"type":"page","visitor":"{}","page":{{"url":"https://example.org/","title":"Home","at":"{AT}"}}}}"#,
                hex(3)
            ),
        ),
        (
            ServerFrame::Reset {
                conversation: Some(conversation),
                inbox: None,
                epoch: Some(2),
                seq: Some(9),
            },
            format!(r#"{{"type":"reset","conversation":"{seven}","epoch":2,"seq":9}}"#),
        ),
        (ServerFrame::Heartbeat, r#"{"type":"heartbeat"}"#.into()),
        (
            ServerFrame::Error { r#ref: None, conversation: None, code, title, retry_after_ms: Some(1) },
            r#"{"type":"error","code":"conflict","title":"no","retry_after_ms":1}"#.into(),
        ),
        (
            ServerFrame::Closing { code: 4001, reason: "draining", reconnect_after_ms: Some(7) },
            r#"{"type":"closing","code":4001,"reason":"draining","reconnect_after_ms":7}"#.into(),
        ),
    ] {
        assert_eq!(json(&frame), expected);
    }
    let event = message(Author::Visitor(id(3)), MessageKind::Message);
    let event = EventObject::new(&event, Audience::Visitor, &names).expect("seen");
    let alone = json(&event);
    assert_eq!(json(&ServerFrame::Event(event)), alone.replacen('{', r#"{"type":"event","#, 1));
}
