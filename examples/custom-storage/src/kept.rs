//! What is read of records.

use convor::domain::{
    BodyDigest, ControlEvent, Conversation, CurrentPage, Event, Heads, Notification, Operator, Site,
    TenantProfile, Visitor,
};
use convor::ids::{OutboxId, VisitorId};
use convor::ports::storage::{AuditRow, Record, RecordKind};
use convor::time::Timestamp;

use crate::failure::{CORRUPT, Result};

/// What is read of a record.
pub(crate) trait Kept: Sized + Send + 'static {
    /// Of which kind the record is.
    const KIND: RecordKind;

    /// Takes it out of the record.
    fn of(record: Record) -> Result<Self>;
}

/// A notification, how often it was tried, and until when somebody holds it.
pub(crate) type Owed = (OutboxId, Notification, u32, Option<Timestamp>);

macro_rules! kept {
    ($($kind:ident: $pattern:pat => $what:expr, $type:ty;)*) => {$(
        impl Kept for $type {
            const KIND: RecordKind = RecordKind::$kind;

            fn of(record: Record) -> Result<Self> {
                if let $pattern = record { Ok($what) } else { Err(CORRUPT) }
            }
        }
    )*};
}

kept! {
    Profile: Record::Profile(profile) => profile, TenantProfile;
    Site: Record::Site(site) => site, Site;
    Operator: Record::Operator(operator) => operator, Operator;
    Visitor: Record::Visitor(visitor) => visitor, Visitor;
    Token: Record::Token { visitor, .. } => visitor, VisitorId;
    Page: Record::Page { page, .. } => page, CurrentPage;
    Conversation: Record::Conversation { conversation, .. } => conversation, Conversation;
    Conversation: Record::Conversation { conversation, digest, with_message, .. } =>
        (conversation, digest, with_message), (Conversation, Option<BodyDigest>, bool);
    Event: Record::Event { event, .. } => event, Event;
    Event: Record::Event { event, digest } => (event, digest), (Event, Option<BodyDigest>);
    Read: Record::Read { up_to, .. } => up_to, Heads;
    Notification: Record::Notification { id, notification, attempts, held_until } =>
        (id, notification, attempts, held_until), Owed;
    Control: Record::Control { position, event } => (position, event), (u64, ControlEvent);
    Audit: Record::Audit(row) => row, AuditRow;
}

/// A record, from the core's form of it.
pub(crate) fn whole(line: &[u8]) -> Result<Record> {
    convor::transfer::decode(line).map_err(|_| CORRUPT)
}
