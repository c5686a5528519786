//! A record in its canonical form, and back.

use serde::{Deserialize, Serialize};

use crate::ports::storage::{Record, RecordKind};

use super::forms::RecordForm;

/// The line is no record in its canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a record of this format")]
#[non_exhaustive]
pub struct InvalidRecord;

/// The record's line, without a line break.
#[must_use]
pub fn encode(record: &Record) -> Vec<u8> {
    to_json(&Writing(record))
}

/// The record on a line.
///
/// # Errors
/// [`InvalidRecord`] if it is none, or if its canonical form is another line.
pub fn decode(line: &[u8]) -> Result<Record, InvalidRecord> {
    let Reading(record) = serde_json::from_slice(line).map_err(|_| InvalidRecord)?;
    if encode(&record) == line { Ok(record) } else { Err(InvalidRecord) }
}

/// JSON of what has only string keys, and so cannot fail.
pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("nothing in it has a key that is no string")
}

#[derive(Serialize)]
struct Writing<'a>(#[serde(with = "RecordForm")] &'a Record);

#[derive(Deserialize)]
struct Reading(#[serde(with = "RecordForm")] Record);

impl RecordKind {
    /// Its stable name, for canonical forms and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Site => "site",
            Self::Operator => "operator",
            #[cfg(feature = "accounts")]
            Self::Password => "password",
            #[cfg(feature = "accounts")]
            Self::Session => "session",
            Self::Visitor => "visitor",
            Self::Token => "token",
            Self::Page => "page",
            Self::Conversation => "conversation",
            Self::Event => "event",
            Self::Read => "read",
            Self::Upload => "upload",
            Self::RemovableBlob => "removable_blob",
            Self::Notification => "notification",
            Self::Control => "control",
            Self::Audit => "audit",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}
