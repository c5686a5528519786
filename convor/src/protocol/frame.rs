//! The frames of the WebSocket, one JSON object each, with its `type`.

use std::fmt;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::domain::{MessageKind, Role, Text};
use crate::ids::{ClientId, ConnectionId, ConversationId, MessageId, VisitorId};
use crate::protocol::{AuthorObject, EventObject, PageObject};
use crate::time::Timestamp;

/// A frame of a client.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientFrame {
    /// Who is there, and what it holds.
    Hello(Hello),
    /// Wants to hear.
    Subscribe(Subscribe),
    /// Wants to hear no more.
    Unsubscribe(Unsubscribe),
    /// Says something.
    Send(Send),
    /// Types, or has stopped.
    Typing(Typing),
    /// Has read.
    Read(Read),
    /// Is on a page.
    Page(Page),
    /// A type that this version does not know; never the outcome of decoding.
    #[doc(hidden)]
    Unknown,
}

macro_rules! client_frames {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $name {
            #[serde(rename = "type")]
            _type: IgnoredAny,
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

client_frames! {
    /// The first frame: who is there, and what it holds.
    Hello {
        /// The token; absent where a cookie came with the upgrade.
        #[serde(default)]
        token: Option<String>,
        /// What the client holds.
        #[serde(default)]
        resume: Vec<Resume>,
    }
    /// The client wants to hear what happens.
    Subscribe {
        /// The client's name for this request.
        r#ref: String,
        /// Where: this or `inbox`.
        #[serde(default)]
        conversation: Option<ConversationId>,
        /// The tenant's inbox.
        #[serde(default)]
        inbox: Option<bool>,
        /// The last position that the client holds.
        #[serde(default)]
        after: Option<u64>,
    }
    /// The client wants to hear no more.
    Unsubscribe {
        /// The client's name for this request.
        r#ref: String,
        /// Where: this or `inbox`.
        #[serde(default)]
        conversation: Option<ConversationId>,
        /// The tenant's inbox.
        #[serde(default)]
        inbox: Option<bool>,
    }
    /// The client says something.
    Send {
        /// The client's name for this request.
        r#ref: String,
        /// Where.
        conversation: ConversationId,
        /// The same for each repeat.
        client_id: ClientId,
        /// What.
        text: String,
        /// A message or a note.
        #[serde(default)]
        kind: MessageKind,
    }
    /// The client's user types, or has stopped.
    Typing {
        /// Where.
        conversation: ConversationId,
        /// Whether it goes on.
        active: bool,
        /// A message or a note.
        #[serde(default)]
        kind: MessageKind,
    }
    /// The client's user has read.
    Read {
        /// Where.
        conversation: ConversationId,
        /// Up to which position.
        seq: u64,
    }
    /// The visitor is on a page.
    Page {
        /// Its address.
        url: String,
        /// Its title.
        #[serde(default)]
        title: Option<String>,
    }
}

/// How much a client holds of a conversation.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Resume {
    /// Which.
    pub conversation: ConversationId,
    /// In which lifetime of its positions.
    pub epoch: u32,
    /// Up to which position.
    pub after: u64,
}

/// To what one can subscribe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Topic {
    /// A conversation.
    Conversation(ConversationId),
    /// The tenant's inbox.
    Inbox,
}

impl Topic {
    /// Exactly one of the two must be named.
    #[must_use]
    pub const fn named(conversation: Option<ConversationId>, inbox: Option<bool>) -> Option<Self> {
        match (conversation, inbox) {
            (Some(conversation), None) => Some(Self::Conversation(conversation)),
            (None, Some(true)) => Some(Self::Inbox),
            _ => None,
        }
    }
}

/// A frame of the server. `Debug` tells only which one it is.
#[derive(Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServerFrame<'a> {
    /// The client is known.
    Welcome {
        /// The connection's id.
        session: ConnectionId,
        /// Who the client is.
        principal: PrincipalObject<'a>,
        /// How often a heartbeat comes.
        heartbeat_ms: u64,
    },
    /// The client hears from now on.
    Subscribed {
        /// The client's name for its request.
        r#ref: &'a str,
        /// Where.
        #[serde(skip_serializing_if = "Option::is_none")]
        conversation: Option<ConversationId>,
        /// The tenant's inbox.
        #[serde(skip_serializing_if = "Option::is_none")]
        inbox: Option<bool>,
        /// The last position there is.
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        /// The lifetime of the positions.
        #[serde(skip_serializing_if = "Option::is_none")]
        epoch: Option<u32>,
    },
    /// The client hears no more.
    Unsubscribed {
        /// The client's name for its request.
        r#ref: &'a str,
    },
    /// It is stored.
    Ack {
        /// The client's name for its request.
        r#ref: &'a str,
        /// Where.
        conversation: ConversationId,
        /// The client's id for it.
        client_id: ClientId,
        /// Its id.
        message_id: MessageId,
        /// Its position.
        seq: u64,
        /// When.
        at: Timestamp,
        /// Whether it had been stored before.
        duplicate: bool,
    },
    /// Something happened in a conversation.
    Event(EventObject<'a>),
    /// Somebody types, or has stopped.
    Typing {
        /// Where.
        conversation: ConversationId,
        /// Who.
        author: AuthorObject<'a>,
        /// Whether it goes on.
        active: bool,
        /// What is being typed.
        kind: MessageKind,
    },
    /// Somebody has read.
    Read {
        /// Where.
        conversation: ConversationId,
        /// Who.
        author: AuthorObject<'a>,
        /// Up to which position, in the receiver's numbering.
        seq: u64,
    },
    /// Somebody has come or gone.
    Presence {
        /// Who; for visitors it is absent, and stands for all operators.
        #[serde(skip_serializing_if = "Option::is_none")]
        author: Option<AuthorObject<'a>>,
        /// Whether somebody is there.
        online: bool,
    },
    /// A visitor is on another page.
    Page {
        /// Who.
        visitor: VisitorId,
        /// Where.
        page: PageObject<'a>,
    },
    /// What the client holds is not a prefix of the truth.
    Reset {
        /// Where.
        #[serde(skip_serializing_if = "Option::is_none")]
        conversation: Option<ConversationId>,
        /// The tenant's inbox: list it again.
        #[serde(skip_serializing_if = "Option::is_none")]
        inbox: Option<bool>,
        /// The lifetime of the positions.
        #[serde(skip_serializing_if = "Option::is_none")]
        epoch: Option<u32>,
        /// The position above which events follow.
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
    },
    /// The connection lives.
    Heartbeat,
    /// A request was not carried out.
    Error {
        /// The client's name for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        r#ref: Option<&'a str>,
        /// The conversation that could not be resumed.
        #[serde(skip_serializing_if = "Option::is_none")]
        conversation: Option<ConversationId>,
        /// The stable code.
        code: &'static str,
        /// What it means.
        title: &'a str,
        /// When it is worth trying again.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// The connection ends.
    Closing {
        /// The close code.
        code: u16,
        /// What it means.
        reason: &'static str,
        /// When to come back.
        #[serde(skip_serializing_if = "Option::is_none")]
        reconnect_after_ms: Option<u64>,
    },
}

impl fmt::Debug for ServerFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Welcome { .. } => "Welcome",
            Self::Subscribed { .. } => "Subscribed",
            Self::Unsubscribed { .. } => "Unsubscribed",
            Self::Ack { .. } => "Ack",
            Self::Event(_) => "Event",
            Self::Typing { .. } => "Typing",
            Self::Read { .. } => "Read",
            Self::Presence { .. } => "Presence",
            Self::Page { .. } => "Page",
            Self::Reset { .. } => "Reset",
            Self::Heartbeat => "Heartbeat",
            Self::Error { .. } => "Error",
            Self::Closing { .. } => "Closing",
        })
    }
}

/// Who the client is.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PrincipalObject<'a> {
    /// A visitor.
    Visitor {
        /// The id.
        id: VisitorId,
        /// The name.
        name: Option<&'a Text>,
    },
    /// An operator.
    Operator {
        /// The id.
        id: crate::ids::OperatorId,
        /// The name.
        name: Option<&'a Text>,
        /// What the operator may do.
        role: Role,
    },
    /// The host.
    System,
}
