//! What stands in a notification: `{"convor":1,"signals":[…]}`, each signal in the form that `serde` gives it.
//!
//! The version is that of this envelope. New kinds of signals and new fields do not change it: a node that does not know
//! them reads [`SignalBody::Unknown`](convor::ports::SignalBody::Unknown), or passes over them.

use convor::ports::Signal;
use serde::Deserialize;

/// The envelope that this version writes, and the only one it reads.
const VERSION: u32 = 1;

/// PostgreSQL takes payloads of less than 8,000 bytes.
const PAYLOAD_BYTES_MAX: usize = 7_999;

const OPENING: &str = r#"{"convor":1,"signals":["#;
const CLOSING: &str = "]}";

/// A signal on its way into a payload: not longer than fits.
#[derive(Debug)]
pub(super) struct Encoded(String);

impl Encoded {
    /// `None` if the signal does not fit into a payload.
    pub(super) fn new(signal: &Signal) -> Option<Self> {
        let json = serde_json::to_string(signal).ok()?;
        (OPENING.len() + json.len() + CLOSING.len() <= PAYLOAD_BYTES_MAX).then_some(Self(json))
    }
}

/// Puts signals into as few payloads as hold them, in their order.
pub(super) fn pack(signals: impl IntoIterator<Item = Encoded>) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for Encoded(signal) in signals {
        match payloads.last_mut() {
            Some(last) if last.len() + 1 + signal.len() + CLOSING.len() <= PAYLOAD_BYTES_MAX => {
                last.push(',');
                last.push_str(&signal);
            }
            _ => payloads.push(format!("{OPENING}{signal}")),
        }
    }
    payloads.iter_mut().for_each(|payload| payload.push_str(CLOSING));
    payloads
}

/// What a payload turns out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Payload {
    /// Signals in their order.
    Signals(Vec<Signal>),
    /// It is of a node, but this one cannot read it: signals are lost.
    Unreadable,
    /// Somebody else's; anyone may notify on any channel.
    Foreign,
}

/// Reads what anyone may have written.
pub(super) fn read(payload: &str) -> Payload {
    #[derive(Deserialize)]
    struct Envelope {
        convor: u32,
        signals: Vec<Signal>,
    }
    #[derive(Deserialize)]
    struct Version {
        #[serde(rename = "convor")]
        _version: u32,
    }
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Payload::Foreign;
    }
    match serde_json::from_str(payload) {
        Ok(Envelope { convor: VERSION, signals }) => Payload::Signals(signals),
        _ if serde_json::from_str::<Version>(payload).is_ok() => Payload::Unreadable,
        _ => Payload::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use convor::domain::Author;
    use convor::ports::SignalBody;
    use uuid::Uuid;

    use super::*;

    fn signal(number: u64, body: SignalBody) -> Signal {
        Signal { node: Uuid::from_u128(1).into(), number, body }
    }

    fn online(people: usize) -> SignalBody {
        let who = (0..people).map(|_| (Uuid::from_u128(2).into(), Author::System)).collect();
        SignalBody::Online { who }
    }

    fn encoded(signal: &Signal) -> Encoded {
        Encoded::new(signal).expect("it fits")
    }

    #[test]
    fn the_form_stays() {
        let payloads = pack([
            encoded(&signal(1, SignalBody::Hello)),
            encoded(&signal(2, SignalBody::Control { tenant: Uuid::from_u128(2).into() })),
        ]);
        let written = r#"{"convor":1,"signals":[
            {"node":"00000000-0000-0000-0000-000000000001","number":1,"body":"hello"},
            {"node":"00000000-0000-0000-0000-000000000001","number":2,
             "body":{"control":{"tenant":"00000000-0000-0000-0000-000000000002"}}}]}"#;
        assert_eq!(payloads, [written.split_ascii_whitespace().collect::<String>()]);
    }

    #[test]
    fn signals_of_any_length_come_out_as_they_went_in() {
        let lengths = [0, 1, 90, 95, 3, 0, 120, 60, 60, 60, 1, 1, 1];
        let signals: Vec<_> =
            (1..).zip(lengths).map(|(number, people)| signal(number, online(people))).collect();
        let payloads = pack(signals.iter().map(encoded));
        assert!(payloads.iter().all(|payload| payload.len() <= PAYLOAD_BYTES_MAX));
        assert!(payloads.len() < signals.len(), "what fits goes together");
        let read: Vec<_> = payloads
            .iter()
            .flat_map(|payload| match read(payload) {
                Payload::Signals(signals) => signals,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(read, signals);
    }

    #[test]
    fn a_payload_is_filled_to_the_last_byte_and_not_beyond() {
        let id = Uuid::from_u128(2);
        // An operator takes one byte more than a visitor.
        let with = |operators: usize| {
            let author = |place| {
                if place < operators { Author::Operator(id.into()) } else { Author::Visitor(id.into()) }
            };
            let who = (0..85).map(|place| (id.into(), author(place))).collect();
            signal(1, SignalBody::Online { who })
        };
        let least = pack(Encoded::new(&with(0)))[0].len();
        let operators = PAYLOAD_BYTES_MAX - least;
        assert!(operators < 85, "{least} bytes");
        let full = with(operators);
        let payloads = pack([encoded(&full), encoded(&full)]);
        assert!(payloads.iter().map(String::len).eq([PAYLOAD_BYTES_MAX; 2]));
        assert_eq!(read(&payloads[0]), Payload::Signals(vec![full]));
        assert!(Encoded::new(&with(operators + 1)).is_none());
    }

    #[test]
    fn what_a_newer_version_says_is_heard_or_missed_and_never_ignored() {
        let newer = r#"{"convor":1,"since":2,"signals":[
            {"node":"00000000-0000-0000-0000-000000000001","number":3,"body":{"moved":{"to":4}},"urgent":true}]}"#;
        assert_eq!(read(newer), Payload::Signals(vec![signal(3, SignalBody::Unknown)]));
        for unreadable in
            [r#"{"convor":2,"signals":[]}"#, r#"{"convor":2}"#, r#"{"convor":1,"signals":[{"number":1}]}"#]
        {
            assert_eq!(read(unreadable), Payload::Unreadable, "{unreadable}");
        }
    }

    #[test]
    fn what_strangers_say_is_foreign() {
        let (deep, long) = ("[".repeat(7_000), format!("{}]}}", OPENING.to_owned() + &" ".repeat(8_000)));
        for foreign in
            ["", "{", "null", "{}", r#"{"convor":"1"}"#, r#"{"convor":-1}"#, "\u{1F98A}", &deep, &long]
        {
            assert_eq!(read(foreign), Payload::Foreign, "{}", foreign.len());
        }
    }
}
