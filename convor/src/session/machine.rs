//! The rules between client and server, as a pure function of frames.

use std::fmt;

use crate::domain::{Audience, MessageKind, Principal};
use crate::error::Error;
use crate::ids::ConversationId;
use crate::ports::Close;
use crate::protocol::{ClientFrame, MessageRequest, Resume, Topic, decode_frame};

/// What a frame means for the one who serves the connection. `Debug` tells only which it is.
pub(super) enum Intent {
    /// Find out who it is, and welcome it.
    Hello { token: Option<String>, resume: Vec<Resume> },
    /// Let it hear.
    Subscribe { reference: String, topic: Topic, after: Option<u64> },
    /// Let it hear no more.
    Unsubscribe { reference: String, topic: Topic },
    /// Store what it says.
    Send { reference: String, conversation: ConversationId, request: MessageRequest },
    /// Tell the others.
    Typing { conversation: ConversationId, active: bool, kind: MessageKind },
    /// Note how far it has read.
    Read { conversation: ConversationId, seq: u64 },
    /// Note where it is.
    Page { url: String, title: Option<String> },
    /// Say what is wrong, and stay.
    Refuse { reference: Option<String>, error: Error },
    /// End the connection.
    End(Close),
}

impl fmt::Debug for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hello { .. } => "Hello",
            Self::Subscribe { .. } => "Subscribe",
            Self::Unsubscribe { .. } => "Unsubscribe",
            Self::Send { .. } => "Send",
            Self::Typing { .. } => "Typing",
            Self::Read { .. } => "Read",
            Self::Page { .. } => "Page",
            Self::Refuse { error, .. } => return write!(f, "Refuse({})", error.code()),
            Self::End(reason) => return write!(f, "End({reason:?})"),
        })
    }
}

impl Intent {
    /// Whether it asks for something to be stored or told.
    pub(super) const fn is_work(&self) -> bool {
        matches!(self, Self::Send { .. } | Self::Typing { .. } | Self::Read { .. } | Self::Page { .. })
    }

    /// The client's name for its request.
    pub(super) fn reference(&self) -> Option<&str> {
        match self {
            Self::Subscribe { reference, .. }
            | Self::Unsubscribe { reference, .. }
            | Self::Send { reference, .. } => Some(reference),
            Self::Refuse { reference, .. } => reference.as_deref(),
            _ => None,
        }
    }
}

/// Where a connection stands.
#[derive(Debug, Default)]
pub(super) struct Machine {
    phase: Phase,
}

#[derive(Debug, Default)]
enum Phase {
    /// Nobody knows who it is.
    #[default]
    Silent,
    /// It has said `hello`.
    Greeted,
    /// It has been recognised.
    Known(Audience),
}

impl Machine {
    /// The principal has been recognised.
    pub(super) const fn greeted(&mut self, principal: Principal) {
        self.phase = Phase::Known(principal.audience());
    }

    /// What a frame means.
    pub(super) fn frame(&mut self, text: &str) -> Intent {
        match (&self.phase, decode_frame(text)) {
            (Phase::Silent, Ok(ClientFrame::Hello(hello))) => {
                self.phase = Phase::Greeted;
                Intent::Hello { token: hello.token, resume: hello.resume }
            }
            (Phase::Silent | Phase::Greeted, _) => Intent::End(Close::ProtocolError),
            (Phase::Known(_), Err((reference, error))) => Intent::Refuse { reference, error },
            (Phase::Known(audience), Ok(frame)) => {
                let reference = reference_of(&frame).map(str::to_owned);
                known(*audience, frame).unwrap_or_else(|error| Intent::Refuse { reference, error })
            }
        }
    }
}

fn reference_of(frame: &ClientFrame) -> Option<&str> {
    let reference = match frame {
        ClientFrame::Subscribe(frame) => &frame.r#ref,
        ClientFrame::Unsubscribe(frame) => &frame.r#ref,
        ClientFrame::Send(frame) => &frame.r#ref,
        _ => return None,
    };
    crate::protocol::is_reference(reference).then_some(reference)
}

/// What a frame of a recognised client means.
fn known(audience: Audience, frame: ClientFrame) -> Result<Intent, Error> {
    let visitor = audience == Audience::Visitor;
    if matches!(frame, ClientFrame::Subscribe(_) | ClientFrame::Unsubscribe(_) | ClientFrame::Send(_))
        && reference_of(&frame).is_none()
    {
        return Err(Error::invalid("ref", "must have 1 to 64 characters"));
    }
    let topic = |conversation, inbox| {
        let topic = Topic::named(conversation, inbox).ok_or_else(|| {
            Error::invalid("conversation", "either a conversation or inbox: true must be named")
        })?;
        if topic == Topic::Inbox && visitor { Err(Error::Forbidden) } else { Ok(topic) }
    };
    let kind = |kind| if kind == MessageKind::Note && visitor { Err(Error::Forbidden) } else { Ok(kind) };
    Ok(match frame {
        ClientFrame::Hello(_) => return Err(Error::invalid("type", "hello has been said")),
        ClientFrame::Unknown => return Err(Error::invalid("type", "is not known")),
        ClientFrame::Subscribe(frame) => {
            let topic = topic(frame.conversation, frame.inbox)?;
            if topic == Topic::Inbox && frame.after.is_some() {
                return Err(Error::invalid("after", "the inbox has no positions"));
            }
            Intent::Subscribe { reference: frame.r#ref, topic, after: frame.after }
        }
        ClientFrame::Unsubscribe(frame) => {
            let topic = topic(frame.conversation, frame.inbox)?;
            if visitor {
                return Err(Error::Forbidden);
            }
            Intent::Unsubscribe { reference: frame.r#ref, topic }
        }
        ClientFrame::Send(frame) => Intent::Send {
            reference: frame.r#ref,
            conversation: frame.conversation,
            request: MessageRequest { client_id: frame.client_id, text: frame.text, kind: kind(frame.kind)? },
        },
        ClientFrame::Typing(frame) => {
            Intent::Typing { conversation: frame.conversation, active: frame.active, kind: kind(frame.kind)? }
        }
        ClientFrame::Read(frame) => Intent::Read { conversation: frame.conversation, seq: frame.seq },
        ClientFrame::Page(_) if !visitor => return Err(Error::Forbidden),
        ClientFrame::Page(frame) => Intent::Page { url: frame.url, title: frame.title },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn visitor() -> Machine {
        let mut machine = Machine::default();
        let id = uuid::Uuid::from_u128(1);
        machine.greeted(Principal::visitor(id.into(), id.into(), id.into()));
        machine
    }

    fn operator() -> Machine {
        let mut machine = Machine::default();
        let id = uuid::Uuid::from_u128(1);
        machine.greeted(Principal::operator(id.into(), id.into(), Role::Operator));
        machine
    }

    fn refused(machine: &mut Machine, text: &str) -> (Option<String>, &'static str) {
        match machine.frame(text) {
            Intent::Refuse { reference, error } => (reference, error.code()),
            other => panic!("not refused but {other:?}"),
        }
    }

    #[test]
    fn nothing_passes_before_hello() {
        for text in
            ["", "{}", r#"{"type":"subscribe","ref":"1","inbox":true}"#, r#"{"type":"hello","who":1}"#]
        {
            assert!(matches!(Machine::default().frame(text), Intent::End(Close::ProtocolError)), "{text}");
        }
        let mut machine = Machine::default();
        assert!(matches!(machine.frame(r#"{"type":"hello","token":"t"}"#), Intent::Hello { .. }));
        assert!(matches!(machine.frame(r#"{"type":"hello"}"#), Intent::End(Close::ProtocolError)));
    }

    #[test]
    fn a_mistake_is_answered_with_its_ref_and_the_socket_stays() {
        let mut machine = operator();
        assert_eq!(refused(&mut machine, "{"), (None, "invalid_request"));
        assert_eq!(refused(&mut machine, r#"{"type":"hello"}"#), (None, "invalid_request"));
        let both = format!(r#"{{"type":"subscribe","ref":"a","inbox":true,"conversation":"{ID}"}}"#);
        assert_eq!(refused(&mut machine, &both), (Some("a".into()), "invalid_request"));
        assert_eq!(
            refused(&mut machine, r#"{"type":"subscribe","ref":"","inbox":true}"#),
            (None, "invalid_request")
        );
        assert!(matches!(
            machine.frame(r#"{"type":"subscribe","ref":"a","inbox":true}"#),
            Intent::Subscribe { topic: Topic::Inbox, .. }
        ));
    }

    #[test]
    fn a_visitor_has_no_inbox_and_writes_no_notes() {
        let note = format!(
            r#"{{"type":"send","ref":"n","conversation":"{ID}","client_id":"{ID}","text":"x","kind":"note"}}"#
        );
        let typing = format!(r#"{{"type":"typing","conversation":"{ID}","active":true,"kind":"note"}}"#);
        for text in [r#"{"type":"subscribe","ref":"n","inbox":true}"#, &note, &typing] {
            assert_eq!(refused(&mut visitor(), text).1, "forbidden");
        }
        assert!(matches!(operator().frame(&note), Intent::Send { .. }));
    }

    #[test]
    fn s52_what_a_frame_holds_hides_from_debug() {
        let hello = Machine::default().frame(r#"{"type":"hello","token":"canary"}"#);
        let send = format!(
            r#"{{"type":"send","ref":"canary","conversation":"{ID}","client_id":"{ID}","text":"canary"}}"#
        );
        let others = [
            operator().frame(&send),
            operator().frame(r#"{"type":"subscribe","ref":"canary","inbox":true}"#),
            operator().frame(r#"{"type":"unsubscribe","ref":"canary","inbox":true}"#),
            operator().frame(r#"{"type":"canary","ref":"canary"}"#),
            operator().frame("canary"),
            visitor().frame(r#"{"type":"page","url":"https://canary.example/","title":"canary"}"#),
        ];
        for intent in others.iter().chain([&hello]) {
            assert!(!format!("{intent:?} {intent:#?}").contains("canary"), "{intent:?}");
        }
    }

    #[test]
    fn only_a_visitor_is_on_a_page() {
        let page = r#"{"type":"page","url":"https://example.org/"}"#;
        assert_eq!(refused(&mut operator(), page).1, "forbidden");
        assert!(matches!(visitor().frame(page), Intent::Page { .. }));
    }
}
