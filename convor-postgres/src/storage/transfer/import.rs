//! Records from another storage, as one object with an array for each table.

use std::fmt::Write as _;

use convor::domain::{
    AuditRecord, BodyDigest, Conversation, CurrentPage, Event, EventKind, Origin, Text, Upload,
};
use convor::ids::TenantId;
use convor::ports::storage::Record;
use convor::ports::{StorageError, StorageErrorKind};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::codes;
use crate::storage::PostgresStorage;

const IMPORT: &str = "SELECT convor.transfer_import($1, $2)";

pub(super) async fn store(
    storage: &PostgresStorage,
    tenant: TenantId,
    records: &[Record],
) -> Result<(), StorageError> {
    let mut tables = Map::new();
    for record in records {
        let (table, row) = row(record).ok_or_else(|| StorageError::new(StorageErrorKind::Unsupported))?;
        if let Value::Array(rows) = tables.entry(table).or_insert_with(|| json!([])) {
            rows.push(row);
        }
    }
    storage.rows(Call::repeatable(IMPORT, tenant).bind(Value::Object(tables))).await.map(drop)
}

/// A record's table, and its columns; `None` if this crate does not keep its group.
fn row(record: &Record) -> Option<(&'static str, Value)> {
    Some(match record {
        Record::Profile(profile) => {
            ("profiles", json!({"name": profile.name, "digest_key": bytes(&profile.digest_key)}))
        }
        Record::Site(site) => (
            "sites",
            json!({
                "id": site.id, "name": site.name, "title": site.title, "greeting": site.greeting,
                "color": site.color.as_str(),
                "origins": site.origins.iter().map(Origin::as_str).collect::<Vec<_>>(),
                "created_at": site.created_at.millis(),
            }),
        ),
        Record::Operator(operator) => (
            "operators",
            json!({
                "id": operator.id, "name": operator.name, "email": operator.email,
                "role": codes::role(operator.role), "created_at": operator.created_at.millis(),
            }),
        ),
        Record::Visitor(visitor) => (
            "visitors",
            json!({
                "id": visitor.id, "site_id": visitor.site, "name": visitor.name, "email": visitor.email,
                "created_at": visitor.created_at.millis(),
            }),
        ),
        Record::Token { visitor, hash } => {
            ("visitor_tokens", json!({"visitor_id": visitor, "token_hash": bytes(hash.bytes())}))
        }
        Record::Page { visitor, page: CurrentPage { url, title, at } } => {
            ("pages", json!({"visitor_id": visitor, "url": url, "title": title, "at": at.millis()}))
        }
        Record::Conversation { conversation, client_id, digest, with_message } => {
            let mut row = conversation_row(conversation);
            row["client_id"] = json!(client_id);
            row["digest"] = json!(digest.as_ref().map(digest_text));
            row["with_message"] = json!(with_message);
            ("conversations", row)
        }
        Record::Event { event, digest } => {
            let mut row = event_row(event);
            row["digest"] = json!(digest.as_ref().map(digest_text));
            ("events", row)
        }
        Record::Read { conversation, reader, up_to } => {
            let (kind, id) = codes::author(*reader);
            let (staff, visitor) = (codes::number(up_to.staff), codes::number(up_to.visitor));
            (
                "reads",
                json!({
                    "conversation_id": conversation, "reader_id": id, "reader_kind": kind, "staff_seq": staff,
                    "visitor_seq": visitor,
                }),
            )
        }
        Record::Upload(upload) => ("uploads", upload_row(upload)),
        Record::RemovableBlob(blob) => ("removable_blobs", json!({"blob": blob.0})),
        Record::Notification { id, notification, attempts, held_until } => {
            let (kind, conversation) = codes::notification(*notification);
            let held_until = held_until.map(convor::time::Timestamp::millis);
            (
                "notifications",
                json!({
                    "id": id, "kind": kind, "conversation_id": conversation, "attempts": attempts,
                    "held_until": held_until,
                }),
            )
        }
        Record::Control { position, event } => {
            let (kind, session) = codes::control_event(*event);
            let position = codes::number(*position);
            ("control_events", json!({"position": position, "kind": kind, "session_id": session}))
        }
        _ => return rest(record),
    })
}

/// The audit trail, and the accounts if this crate keeps them; `None` if it does not. Their records are there if any crate has
/// asked the core for them.
fn rest(record: &Record) -> Option<(&'static str, Value)> {
    #[cfg(feature = "accounts")]
    if let Record::Password { operator, hash } = record {
        return Some(("passwords", json!({"operator_id": operator, "hash": hash.as_str()})));
    }
    #[cfg(feature = "accounts")]
    if let Record::Session { id, operator, token, expires_at } = record {
        let (token, expires_at) = (bytes(token.bytes()), expires_at.millis());
        let row = json!({"id": id, "operator_id": operator, "token_hash": token, "expires_at": expires_at});
        return Some(("sessions", row));
    }
    let Record::Audit(row) = record else {
        return None;
    };
    let (by_kind, by_id) = codes::author(row.actor);
    let AuditRecord { id, action, target } = &row.record;
    let (at, action) = (row.at.millis(), action.name());
    let row =
        json!({"id": id, "by_kind": by_kind, "by_id": by_id, "at": at, "action": action, "target": target});
    Some(("audit", row))
}

fn conversation_row(conversation: &Conversation) -> Value {
    json!({
        "id": conversation.id, "site_id": conversation.site, "visitor_id": conversation.visitor,
        "subject": conversation.subject, "status": codes::status(conversation.status),
        "snoozed_until": conversation.snoozed_until.map(convor::time::Timestamp::millis),
        "assignee": conversation.assignee, "tags": conversation.tags,
        "created_at": conversation.created_at.millis(),
        "updated_staff": conversation.updated_at.staff.millis(),
        "updated_visitor": conversation.updated_at.visitor.millis(),
        "head_staff": codes::number(conversation.heads.staff),
        "head_visitor": codes::number(conversation.heads.visitor),
        "floor_staff": codes::number(conversation.floor.staff),
        "floor_visitor": codes::number(conversation.floor.visitor),
        "epoch": conversation.epoch, "version": codes::number(conversation.version),
    })
}

fn event_row(event: &Event) -> Value {
    let (by_kind, by_id) = codes::author(event.by);
    let mut row = json!({
        "conversation_id": event.conversation, "staff_seq": codes::number(event.position.staff),
        "visitor_seq": event.position.visitor.map(codes::number), "epoch": event.epoch, "at": event.at.millis(),
        "by_kind": by_kind, "by_id": by_id,
    });
    let of_kind = match &event.kind {
        EventKind::Message(message) => json!({
            "kind": 0, "message_id": message.id, "client_id": message.client_id,
            "note": codes::is_note(message.kind), "text": message.text.as_ref().map(Text::as_str),
        }),
        EventKind::Status { from, to, snoozed_until } => json!({
            "kind": 1, "from_status": codes::status(*from), "to_status": codes::status(*to),
            "snoozed_until": snoozed_until.map(convor::time::Timestamp::millis),
        }),
        EventKind::Assigned(assignee) => json!({"kind": 2, "assignee": assignee}),
        EventKind::Tagged(tags) => json!({"kind": 3, "tags": tags}),
    };
    if let (Value::Object(row), Value::Object(of_kind)) = (&mut row, of_kind) {
        row.extend(of_kind);
    }
    row
}

fn upload_row(upload: &Upload) -> Value {
    let (by_kind, by_id) = codes::author(upload.by);
    json!({
        "id": upload.id, "conversation_id": upload.conversation, "by_kind": by_kind, "by_id": by_id,
        "name": upload.name, "media_type": upload.media_type, "blob": upload.blob.0,
        "created_at": upload.created_at.millis(),
        "bytes": upload.content.map(|content| codes::number(content.bytes)),
        "sha256": upload.content.map(|content| bytes(&content.sha256)),
    })
}

fn digest_text(digest: &BodyDigest) -> String {
    bytes(digest.bytes())
}

/// Bytes as PostgreSQL reads them in a text (its documentation, 8.4.1).
fn bytes(bytes: &[u8]) -> String {
    let mut text = String::from("\\x");
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
