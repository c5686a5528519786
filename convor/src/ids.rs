//! Ids: one newtype a concept, all UUIDv7, supplied by the core and never by a storage.
//!
//! An id reveals the time at which it was made and is no secret. Its one textual form is the lower-case hyphenated one;
//! everything else is refused, so that two spellings can never name one thing.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The text was not a lower-case hyphenated UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a lower-case hyphenated UUID")]
#[non_exhaustive]
pub struct InvalidId;

fn parse_canonical(text: &str) -> Result<Uuid, InvalidId> {
    let canonical = text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let parsed = if canonical { Uuid::try_parse(text).ok() } else { None };
    parsed.ok_or(InvalidId)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The UUID itself, for a storage to keep.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse_canonical(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
                serializer.serialize_str(self.0.as_hyphenated().encode_lower(&mut buffer))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                parse_canonical(&text).map(Self).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// An organisation; the first argument of every repository method.
    TenantId,
    /// A website of a tenant.
    SiteId,
    /// A technical record of a person on a site.
    VisitorId,
    /// A person who answers.
    OperatorId,
    /// A conversation.
    ConversationId,
    /// A message or a note.
    MessageId,
    /// What a client picks to make a creation repeatable.
    ClientId,
    /// An operator's session, from sign-in to sign-out.
    SessionId,
    /// One connection of a client.
    ConnectionId,
    /// An entry of the audit trail.
    AuditId,
    /// A file that somebody sent.
    UploadId,
    /// An entry of the outbox.
    OutboxId,
    /// A process that serves.
    NodeId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_is_an_id() {
        let canonical = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(canonical.parse::<TenantId>().expect("canonical").to_string(), canonical);
        for other in [
            "01890A5D-AC96-774B-BCCE-B302099A8057",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
            "",
            "x",
        ] {
            assert_eq!(other.parse::<TenantId>(), Err(InvalidId), "{other}");
        }
    }
}
