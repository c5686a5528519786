//! Fan-out across nodes: hints that may be lost.

use std::fmt;

use async_trait::async_trait;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::domain::{Author, Heads, MessageKind, Position};
use crate::ids::{ConversationId, NodeId, TenantId, VisitorId};

/// Carries signals between the nodes of a cluster, **at most once**. A node that serves alone needs none.
///
/// Signals hold ids and positions only; what is said goes with them only where the broker
/// [keeps it secret](Self::carries_content). The core numbers them for each publishing node and adds a heartbeat each
/// second; on a gap, a vanished publisher or [`Received::Lost`] it rereads the positions of everything it has
/// subscribers for. So a lost signal costs time, and never a message.
///
/// # To ensure correctness
/// - Signals of one publisher arrive in their order, or not at all.
/// - Whenever signals may have been missed (a reconnect, an overflow), the subscription yields [`Received::Lost`] before
///   the next signal. It may say so too often, never too rarely.
/// - A node may or may not receive its own signals; the core ignores them.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait Broker: fmt::Debug + Send + Sync {
    /// Hands a signal to the other nodes.
    ///
    /// # Errors
    /// [`BrokerError`] if it was not handed over; the core goes on, and other nodes find the gap.
    async fn publish(&self, signal: &Signal) -> Result<(), BrokerError>;

    /// Whether it may be handed [`SignalBody::Told`], which holds what has been said. Only a broker that nobody but the nodes can
    /// read says so: one that seals what it carries, or never lets it leave the process.
    fn carries_content(&self) -> bool {
        false
    }

    /// Begins to receive what is published from now on.
    ///
    /// # Errors
    /// [`BrokerError`] if it cannot; the core tries again.
    async fn subscribe(&self) -> Result<Box<dyn Subscription>, BrokerError>;
}

/// What a node receives.
#[async_trait]
pub trait Subscription: fmt::Debug + Send {
    /// The next signal; it may be dropped while it waits, and loses nothing by it.
    async fn next(&mut self) -> Received;
}

/// What a [`Subscription`] yields.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "adapters build it")]
pub enum Received {
    /// A signal.
    Signal(Signal),
    /// Signals may have been missed.
    Lost,
    /// There will be no more; subscribe again.
    Closed,
}

/// What one node tells the others. As JSON it has at most 7,000 bytes, so that it fits into what brokers carry;
/// [`SignalBody::Told`] may have more, by [`Limits::told_bytes_max`](crate::Limits::told_bytes_max) and what escaping adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct Signal {
    /// Who says it.
    pub node: NodeId,
    /// The how-manieth signal of that node it is, from 1.
    pub number: u64,
    /// What it says. What this version cannot read of it is [`SignalBody::Unknown`], so that nodes of two versions can be in
    /// one cluster. The format must describe itself, as JSON does.
    #[serde(deserialize_with = "known_or_unknown")]
    pub body: SignalBody,
}

/// What a signal says. Only ids and positions, but for [`Told`](Self::Told): any role of a database that carries it may read it.
///
/// Its serialized form is spoken between versions: what there is keeps its form, and what is new gets a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignalBody {
    /// A conversation has grown up to these positions.
    Grown {
        /// Whose it is.
        tenant: TenantId,
        /// Which.
        conversation: ConversationId,
        /// Its visitor.
        visitor: VisitorId,
        /// Above which staff position.
        after: u64,
        /// Up to where.
        heads: Heads,
    },
    /// The same, and by which events, so that other nodes need not read them. Only for brokers that
    /// [carry content](Broker::carries_content).
    Told {
        /// Whose it is.
        tenant: TenantId,
        /// Which.
        conversation: ConversationId,
        /// Its visitor.
        visitor: VisitorId,
        /// Above which staff position.
        after: u64,
        /// Up to where.
        heads: Heads,
        /// The lifetime of the positions.
        epoch: u32,
        /// By which events, in order.
        events: Vec<ToldEvent>,
    },
    /// Somebody types, or has stopped.
    Typing {
        /// Whose conversation it is.
        tenant: TenantId,
        /// Where.
        conversation: ConversationId,
        /// Its visitor.
        visitor: VisitorId,
        /// Who.
        author: Author,
        /// Whether it goes on.
        active: bool,
        /// A note is seen by staff only.
        kind: MessageKind,
    },
    /// Somebody has read up to here.
    Read {
        /// Whose conversation it is.
        tenant: TenantId,
        /// Where.
        conversation: ConversationId,
        /// Its visitor.
        visitor: VisitorId,
        /// Who.
        author: Author,
        /// Up to where until now. If only notes lie between, the visitor is not told: it could count them.
        from: Heads,
        /// Up to where.
        up_to: Heads,
    },
    /// A visitor is on another page; the page itself is in the storage.
    PageSeen {
        /// Whose visitor it is.
        tenant: TenantId,
        /// Who.
        visitor: VisitorId,
    },
    /// These have come to the node, or are still there.
    Online {
        /// Who, of which tenant.
        who: Vec<(TenantId, Author)>,
    },
    /// Somebody has left the node.
    Offline {
        /// Whose it is.
        tenant: TenantId,
        /// Who.
        author: Author,
    },
    /// A tenant's control log has grown.
    Control {
        /// Whose it is.
        tenant: TenantId,
    },
    /// The node lives.
    Heartbeat,
    /// The node has begun to listen, and wants to know who is there.
    Hello,
    /// The node ends in good order: nothing is missed when it falls silent.
    Goodbye,
    /// Something that only a newer version knows. It counts as heard, and as a hint that was
    /// missed: the node rereads.
    Unknown,
}

impl SignalBody {
    /// The bytes of what is said in it.
    pub(crate) fn told_bytes(&self) -> usize {
        match self {
            Self::Told { events, .. } => events.iter().map(ToldEvent::bytes).sum(),
            _ => 0,
        }
    }

    /// The same without what is said.
    pub(crate) fn untold(self) -> Self {
        match self {
            Self::Told { tenant, conversation, visitor, after, heads, .. } => {
                Self::Grown { tenant, conversation, visitor, after, heads }
            }
            body => body,
        }
    }
}

/// An event as it is sent to those who listen.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "adapters carry it")]
pub struct ToldEvent {
    /// Where it stands.
    pub position: Position,
    /// The frame for staff, as JSON.
    pub to_staff: String,
    /// The frame for the visitor, if it may see it.
    pub to_visitor: Option<String>,
}

impl ToldEvent {
    /// The bytes of what is said.
    pub(crate) fn bytes(&self) -> usize {
        self.to_staff.len() + self.to_visitor.as_ref().map_or(0, String::len)
    }
}

impl fmt::Debug for ToldEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToldEvent").field("position", &self.position).finish_non_exhaustive()
    }
}

fn known_or_unknown<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignalBody, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Body {
        Known(SignalBody),
        Unknown(IgnoredAny),
    }
    Ok(match Body::deserialize(deserializer)? {
        Body::Known(body) => body,
        Body::Unknown(_) => SignalBody::Unknown,
    })
}

/// The broker could not be reached.
#[derive(Debug, Clone, Copy, Default, thiserror::Error)]
#[error("the broker is not available")]
#[non_exhaustive]
pub struct BrokerError;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn id<I: From<Uuid>>() -> I {
        Uuid::try_parse(ID).expect("an id").into()
    }

    fn read(body: &Value) -> SignalBody {
        let signal = json!({"node": ID, "number": 7, "body": body});
        let signal: Signal = serde_json::from_value(signal).expect("a signal, whatever it says");
        assert_eq!((signal.node, signal.number), (id(), 7));
        signal.body
    }

    #[test]
    fn the_form_in_which_versions_speak_to_each_other_stays() {
        let (tenant, conversation, visitor) = (id(), id(), id());
        let heads = Heads { staff: 3, visitor: 2 };
        let (author, heads_json) = (Author::Visitor(visitor), json!({"staff": 3, "visitor": 2}));
        let forms = [
            (
                SignalBody::Grown { tenant, conversation, visitor, after: 2, heads },
                json!({"grown": {"tenant": ID, "conversation": ID, "visitor": ID, "after": 2, "heads": heads_json}}),
            ),
            (
                SignalBody::Told {
                    tenant,
                    conversation,
                    visitor,
                    after: 2,
                    heads,
                    epoch: 1,
                    events: vec![ToldEvent {
                        position: Position { staff: 3, visitor: None },
                        to_staff: "{}".to_owned(),
                        to_visitor: None,
                    }],
                },
                json!({"told": {"tenant": ID, "conversation": ID, "visitor": ID, "after": 2, "heads": heads_json,
                    "epoch": 1, "events": [{"position": {"staff": 3, "visitor": null}, "to_staff": "{}",
                    "to_visitor": null}]}}),
            ),
            (
                SignalBody::Typing {
                    tenant,
                    conversation,
                    visitor,
                    author,
                    active: true,
                    kind: MessageKind::Note,
                },
                json!({"typing": {"tenant": ID, "conversation": ID, "visitor": ID, "author": {"visitor": ID},
                    "active": true, "kind": "note"}}),
            ),
            (
                SignalBody::Read { tenant, conversation, visitor, author, from: heads, up_to: heads },
                json!({"read": {"tenant": ID, "conversation": ID, "visitor": ID, "author": {"visitor": ID},
                    "from": heads_json, "up_to": heads_json}}),
            ),
            (SignalBody::PageSeen { tenant, visitor }, json!({"page_seen": {"tenant": ID, "visitor": ID}})),
            (
                SignalBody::Online { who: vec![(tenant, Author::Operator(id())), (tenant, Author::System)] },
                json!({"online": {"who": [[ID, {"operator": ID}], [ID, "system"]]}}),
            ),
            (
                SignalBody::Offline { tenant, author },
                json!({"offline": {"tenant": ID, "author": {"visitor": ID}}}),
            ),
            (SignalBody::Control { tenant }, json!({"control": {"tenant": ID}})),
            (SignalBody::Heartbeat, json!("heartbeat")),
            (SignalBody::Hello, json!("hello")),
            (SignalBody::Goodbye, json!("goodbye")),
            (SignalBody::Unknown, json!("unknown")),
        ];
        for (body, form) in forms {
            assert_eq!(serde_json::to_value(&body).expect("it is serializable"), form);
            assert_eq!(read(&form), body);
        }
    }

    #[test]
    fn what_only_a_newer_version_knows_is_read_as_unknown() {
        let newer = [
            json!("yawn"),
            json!({"moved": {"tenant": ID, "to": [1, {"any": null}]}}),
            json!({"control": {"tenants": [ID]}}),
            json!({"offline": {"tenant": ID, "author": {"assistant": ID}}}),
            json!({"heartbeat": {"load": 0.5}}),
            json!([{"grown": {}}]),
            json!(null),
        ];
        for body in newer {
            assert_eq!(read(&body), SignalBody::Unknown, "{body}");
        }
        let more = json!({"control": {"tenant": ID, "since": 5}});
        assert_eq!(read(&more), SignalBody::Control { tenant: id() }, "what is added to it is passed over");
    }

    #[test]
    fn without_its_node_and_number_it_is_no_signal() {
        for signal in [json!({"number": 7, "body": "hello"}), json!({"node": ID, "body": "hello"}), json!(7)]
        {
            assert!(serde_json::from_value::<Signal>(signal).is_err());
        }
    }
}
