//! What stands in a message, and on which subject it is sent.
//!
//! The first byte says in which form: `{` begins `{"convor":1,"signal":…}`, with the signal in the form that `serde` gives it; 1
//! is followed by a nonce and the same sealed, with the time as `at`; 0 begins the echo with which a node tries its connection, and which no other
//! node heeds. New kinds of signals and new fields change none of this: a node that does not know them reads
//! [`SignalBody::Unknown`], or passes over them.

use bytes::Bytes;
use convor::ids::TenantId;
use convor::ports::{Signal, SignalBody};
use serde::{Deserialize, Serialize};

use crate::key::{Keys, SEAL_BYTES, unique};

/// The envelope that this version writes, and the only one it reads.
const VERSION: u32 = 1;

/// How long, in milliseconds, what is said counts as just said, by the clocks of two nodes. Somebody who has recorded it may
/// send it again, when it has been erased: after that it is a hint, and is read from the storage or not found there.
const FRESH_MILLIS: u64 = 10_000;

/// What an open message has at most, as [`Signal`] says of all that holds nothing of what is said. Nobody is trusted
/// to have kept to it.
const OPEN_BYTES_MAX: usize = 7_000;

/// Begins an echo.
const ECHO: u8 = 0;

/// Begins what is sealed.
const SEALED: u8 = 1;

/// How a cluster speaks.
#[derive(Debug)]
pub(crate) struct Wire {
    /// What all of its subjects begin with.
    prefix: String,
    keys: Option<Keys>,
}

#[derive(Serialize)]
struct Written<'a> {
    convor: u32,
    /// When it is sent, if it is sealed, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
    signal: &'a Signal,
}

#[derive(Deserialize)]
struct Read {
    convor: u32,
    at: Option<u64>,
    signal: Signal,
}

/// What a message turns out to be.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    Signal(Signal),
    /// A node tries its connection.
    Echo,
    /// It may have been a signal.
    Unreadable(Why),
}

/// Why it cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// It is not sealed, and this node has a key.
    Open,
    /// It is sealed, and this node has no key.
    WithoutKey,
    /// It is sealed with another key, or has been changed on its way.
    OtherKey,
    /// A newer version has written it, or somebody who is no node.
    Foreign,
}

impl Why {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Open => "it is not sealed: a node has no cluster key, or somebody makes signals up",
            Self::WithoutKey => "it is sealed, and this node has no cluster key",
            Self::OtherKey => "it is sealed with another cluster key, or has been changed on its way",
            Self::Foreign => "a newer version has written it, or somebody who is no node",
        }
    }
}

impl Wire {
    pub(crate) fn new(cluster: &str, keys: Option<Keys>) -> Self {
        Self { prefix: format!("convor.{cluster}"), keys }
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.keys.is_some()
    }

    /// Everything that the cluster says.
    pub(crate) fn all(&self) -> String {
        format!("{}.>", self.prefix)
    }

    /// What concerns no tenant, or several.
    pub(crate) fn of_nodes(&self) -> String {
        format!("{}.node", self.prefix)
    }

    fn subject(&self, body: &SignalBody) -> String {
        match tenant(body) {
            Some(tenant) => format!("{}.{tenant}", self.prefix),
            None => self.of_nodes(),
        }
    }

    /// A subject and a message of at most so many bytes. What is said goes out as a hint if it does not fit, or cannot be kept
    /// secret. `None` if even that does not fit. `now` is in milliseconds since 1970.
    pub(crate) fn write(&self, signal: &Signal, now: u64, bytes_max: usize) -> Option<(String, Bytes)> {
        let subject = self.subject(&signal.body);
        let hint = hint(signal);
        if hint.is_none() || self.is_sealed() {
            match self.message(&subject, signal, now, bytes_max) {
                Some(message) => return Some((subject, message)),
                None if hint.is_none() => return None,
                None => {}
            }
        }
        let message = self.message(&subject, &hint?, now, bytes_max)?;
        Some((subject, message))
    }

    fn message(&self, subject: &str, signal: &Signal, now: u64, bytes_max: usize) -> Option<Bytes> {
        let at = self.is_sealed().then_some(now);
        let json = serde_json::to_vec(&Written { convor: VERSION, at, signal }).ok()?;
        let Some(keys) = &self.keys else {
            return (json.len() <= bytes_max).then(|| json.into());
        };
        if 1 + SEAL_BYTES + json.len() > bytes_max {
            return None;
        }
        let mut message = keys.seal(subject, &json)?;
        message.insert(0, SEALED);
        Some(message.into())
    }

    /// Reads what anyone may have written, `now` in milliseconds since 1970.
    pub(crate) fn read(&self, subject: &str, message: &[u8], now: u64) -> Heard {
        match (message.split_first(), &self.keys) {
            (Some((&ECHO, _)), _) => Heard::Echo,
            (Some((&SEALED, sealed)), Some(keys)) => match keys.open(subject, sealed) {
                Some(json) => understand(&json, |at| at.is_some_and(|at| at.abs_diff(now) <= FRESH_MILLIS)),
                None => Heard::Unreadable(Why::OtherKey),
            },
            (Some((&SEALED, _)), None) => Heard::Unreadable(Why::WithoutKey),
            (_, Some(_)) => Heard::Unreadable(Why::Open),
            (_, None) if message.len() > OPEN_BYTES_MAX => Heard::Unreadable(Why::Foreign),
            // Anyone may have made it up, so it says at most where something has been said, and never what.
            (_, None) => understand(message, |_| false),
        }
    }
}

/// A signal, without what has been said unless that is to be told.
fn understand(json: &[u8], is_told: impl FnOnce(Option<u64>) -> bool) -> Heard {
    match serde_json::from_slice(json) {
        Ok(Read { convor: VERSION, at, signal }) => match hint(&signal) {
            Some(hint) if !is_told(at) => Heard::Signal(hint),
            _ => Heard::Signal(signal),
        },
        _ => Heard::Unreadable(Why::Foreign),
    }
}

/// An echo that nobody else makes; `None` if there is no randomness to be had.
pub(crate) fn echo() -> Option<Bytes> {
    let unique = unique()?;
    Some([&[ECHO][..], &unique].concat().into())
}

/// Whom alone it concerns.
fn tenant(body: &SignalBody) -> Option<TenantId> {
    match body {
        SignalBody::Grown { tenant, .. }
        | SignalBody::Told { tenant, .. }
        | SignalBody::Typing { tenant, .. }
        | SignalBody::Read { tenant, .. }
        | SignalBody::PageSeen { tenant, .. }
        | SignalBody::Offline { tenant, .. }
        | SignalBody::Control { tenant } => Some(*tenant),
        _ => None,
    }
}

/// The same signal without what has been said; `None` if it holds nothing of that.
fn hint(signal: &Signal) -> Option<Signal> {
    let SignalBody::Told { tenant, conversation, visitor, after, heads, .. } = signal.body else {
        return None;
    };
    let body = SignalBody::Grown { tenant, conversation, visitor, after, heads };
    Some(Signal { body, ..*signal })
}

#[cfg(test)]
mod tests {
    use convor::domain::{Author, Heads, Position};
    use convor::ports::ToldEvent;
    use uuid::Uuid;

    use super::*;
    use crate::key::ClusterKey;

    const MANY: usize = 1 << 20;
    const NOW: u64 = 1_700_000_000_000;

    fn id<I: From<Uuid>>(number: u128) -> I {
        Uuid::from_u128(number).into()
    }

    fn signal(body: SignalBody) -> Signal {
        Signal { node: id(1), number: 7, body }
    }

    fn told() -> Signal {
        let (tenant, conversation, visitor) = (id(2), id(3), id(4));
        let heads = Heads { staff: 5, visitor: 4 };
        let position = Position { staff: 5, visitor: None };
        let events = vec![ToldEvent { position, to_staff: "canary".repeat(20), to_visitor: None }];
        signal(SignalBody::Told { tenant, conversation, visitor, after: 4, heads, epoch: 1, events })
    }

    fn sealed() -> Wire {
        Wire::new("test", Some(Keys { seals: ClusterKey::new(&[1; 32]), opens_too: None }))
    }

    fn open() -> Wire {
        Wire::new("test", None)
    }

    fn passed(wire: &Wire, signal: &Signal, bytes_max: usize) -> (String, Bytes, Heard) {
        let (subject, message) = wire.write(signal, NOW, bytes_max).expect("it fits");
        let heard = wire.read(&subject, &message, NOW);
        (subject, message, heard)
    }

    #[test]
    fn the_form_stays() {
        let (_, message) = open().write(&signal(SignalBody::Hello), NOW, MANY).expect("it fits");
        let node = "00000000-0000-0000-0000-000000000001";
        let written = format!(r#"{{"convor":1,"signal":{{"node":"{node}","number":7,"body":"hello"}}}}"#);
        assert_eq!(message, written);
        let (_, message) = sealed().write(&signal(SignalBody::Hello), NOW, MANY).expect("it fits");
        let at = format!(r#""at":{NOW},"#);
        assert_eq!((message[0], message.len()), (1, 1 + 24 + written.len() + at.len() + 16));
    }

    #[test]
    fn what_concerns_one_tenant_has_its_subject_and_everything_else_that_of_the_nodes() {
        let tenant: TenantId = id(2);
        let of_tenant = format!("convor.test.{tenant}");
        let author = Author::System;
        for (body, subject) in [
            (SignalBody::Control { tenant }, of_tenant.as_str()),
            (SignalBody::Offline { tenant, author }, &of_tenant),
            (told().body, &of_tenant),
            (SignalBody::Heartbeat, "convor.test.node"),
            (SignalBody::Online { who: vec![(tenant, author)] }, "convor.test.node"),
        ] {
            let signal = signal(body);
            let (on, _, heard) = passed(&open(), &signal, MANY);
            assert_eq!(on, subject, "{signal:?}");
            assert_eq!(heard, Heard::Signal(hint(&signal).unwrap_or(signal)));
        }
    }

    #[test]
    fn what_is_said_is_carried_sealed_and_becomes_a_hint_otherwise() {
        let (told, hint) = (told(), hint(&told()).expect("a hint"));
        let (_, message, heard) = passed(&sealed(), &told, MANY);
        assert_eq!(heard, Heard::Signal(told.clone()));
        let whole = message.len();
        assert_eq!(passed(&sealed(), &told, whole).2, Heard::Signal(told.clone()));
        assert_eq!(passed(&sealed(), &told, whole - 1).2, Heard::Signal(hint.clone()), "it does not fit");
        assert_eq!(passed(&open(), &told, MANY).2, Heard::Signal(hint), "it would be read");
        assert_eq!(sealed().write(&told, NOW, 100), None, "not even a hint fits");
    }

    #[test]
    fn what_somebody_makes_up_is_never_told() {
        let told = told();
        let forged = serde_json::to_vec(&Written { convor: 1, at: Some(NOW), signal: &told })
            .expect("it is serializable");
        assert_eq!(open().read("convor.test.x", &forged, NOW), Heard::Signal(hint(&told).expect("a hint")));
        assert_eq!(sealed().read("convor.test.x", &forged, NOW), Heard::Unreadable(Why::Open));
    }

    #[test]
    fn what_is_sent_again_later_is_a_hint() {
        let (told, hint) = (told(), hint(&told()).expect("a hint"));
        let (subject, message) = sealed().write(&told, NOW, MANY).expect("it fits");
        for (read_at, heard) in [
            (NOW, &told),
            (NOW + FRESH_MILLIS, &told),
            (NOW - FRESH_MILLIS, &told),
            (NOW + FRESH_MILLIS + 1, &hint),
            (NOW - FRESH_MILLIS - 1, &hint),
        ] {
            assert_eq!(sealed().read(&subject, &message, read_at), Heard::Signal(heard.clone()));
        }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let (subject, message) = sealed().write(&told(), NOW, MANY).expect("it fits");
        let other = Wire::new("test", Some(Keys { seals: ClusterKey::new(&[2; 32]), opens_too: None }));
        assert_eq!(open().read(&subject, &message, NOW), Heard::Unreadable(Why::WithoutKey));
        assert_eq!(other.read(&subject, &message, NOW), Heard::Unreadable(Why::OtherKey));
        assert_eq!(sealed().read("convor.test.node", &message, NOW), Heard::Unreadable(Why::OtherKey));
        for foreign in
            ["", "{", "null", r#"{"convor":2,"signal":{}}"#, &"[".repeat(6_000), &" ".repeat(7_001)]
        {
            assert_eq!(open().read(&subject, foreign.as_bytes(), NOW), Heard::Unreadable(Why::Foreign));
        }
        let echo = echo().expect("randomness");
        assert!([open(), sealed()].iter().all(|wire| wire.read(&subject, &echo, NOW) == Heard::Echo));
    }

    #[test]
    fn what_a_newer_version_says_is_unknown() {
        let node = "00000000-0000-0000-0000-000000000001";
        let newer = format!(
            r#"{{"convor":1,"since":2,"signal":{{"node":"{node}","number":7,"body":{{"moved":1}}}}}}"#
        );
        let heard = open().read("convor.test.node", newer.as_bytes(), NOW);
        assert_eq!(heard, Heard::Signal(signal(SignalBody::Unknown)));
    }
}
