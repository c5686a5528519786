//! What an event says and who says it, in one line, from the storage and from the wire.

use convor::domain::{Audience, Author, Event, EventKind, MessageKind, Status};
use convor::ids::ClientId;
use serde_json::Value;

/// An event as the storage has committed it.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// Its position for staff.
    pub(crate) staff: u64,
    /// Its position for the visitor, if the visitor sees it.
    pub(crate) visitor: Option<u64>,
    /// What it says to staff.
    pub(crate) to_staff: String,
    /// What it says to the visitor.
    pub(crate) to_visitor: String,
    /// Under which id it was said, with its text, if it is a message or a note.
    pub(crate) message: Option<(ClientId, String)>,
    /// The message's own id.
    pub(crate) id: Option<convor::ids::MessageId>,
    /// Whether it is for staff only.
    pub(crate) internal: bool,
}

impl Record {
    /// What was committed.
    pub(crate) fn of(event: &Event) -> Self {
        let message = event.kind.message();
        let text =
            |message: &convor::domain::Message| message.text.as_ref().map(|text| text.as_str().to_owned());
        Self {
            staff: event.position.staff,
            visitor: event.position.visitor,
            to_staff: said(event, Audience::Staff),
            to_visitor: said(event, Audience::Visitor),
            message: message.map(|message| (message.client_id, text(message).unwrap_or_default())),
            id: message.map(|message| message.id),
            internal: !event.kind.visible_to_visitor(),
        }
    }
}

/// What a stored event says to an audience.
fn said(event: &Event, audience: Audience) -> String {
    match &event.kind {
        EventKind::Message(message) => {
            let kind = if message.kind == MessageKind::Note { "note" } else { "message" };
            let text = message.text.as_ref().map_or("", convor::domain::Text::as_str);
            let (by, who) = author(event.by, audience);
            format!("{kind} {} {} {by} {who} {} {text}", message.id, message.client_id, event.epoch)
        }
        EventKind::Status { to, .. } => {
            let status = match to.seen_by(audience) {
                Status::Open => "open",
                Status::Snoozed => "snoozed",
                Status::Closed => "closed",
            };
            format!("status {status}")
        }
        EventKind::Assigned(None) => "assigned -".to_owned(),
        EventKind::Assigned(Some(operator)) => format!("assigned {operator}"),
        EventKind::Tagged(tags) => {
            let tags: Vec<_> = tags.iter().map(convor::domain::Text::as_str).collect();
            format!("tagged {}", tags.join(" "))
        }
    }
}

/// What sort of author it is, and which, as far as an audience gets to know it.
fn author(author: Author, audience: Audience) -> (&'static str, String) {
    let (kind, id) = match author {
        Author::Visitor(id) => ("visitor", id.to_string()),
        Author::Operator(id) => ("operator", id.to_string()),
        Author::System => ("system", "-".to_owned()),
    };
    (kind, if audience == Audience::Staff { id } else { "-".to_owned() })
}

/// What an event says as it came over the wire.
pub(crate) fn heard(event: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    match event["kind"].as_str().unwrap_or_default() {
        "message" => {
            let message = &event["message"];
            let author = ["kind", "id"].map(|key| text(&message["author"][key])).join(" ");
            let [kind, id, client, said] = ["kind", "id", "client_id", "text"].map(|key| text(&message[key]));
            format!("{kind} {id} {client} {author} {} {said}", event["epoch"])
        }
        "status" => format!("status {}", text(&event["status"])),
        "assigned" => format!("assigned {}", text(&event["assignee"]["id"])),
        "tagged" => {
            let tags: Vec<_> = event["tags"].as_array().into_iter().flatten().map(text).collect();
            format!("tagged {}", tags.join(" "))
        }
        other => format!("unknown {other}"),
    }
}
