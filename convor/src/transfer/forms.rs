//! How the fields of records read as JSON. A form repeats the fields of a type of the domain, so that a field that is added
//! there does not compile until it is here.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::credentials::TokenHash;
use crate::domain::{
    AuditAction, AuditRecord, Author, BodyDigest, Color, ControlEvent, Conversation, CurrentPage, Email,
    Event, EventKind, Heads, Message, MessageKind, Notification, Operator, Origin, PerAudience, Position,
    Role, Site, Status, TenantProfile, TenantRecord, TenantState, Text, Upload, UploadContent, Visitor,
};
use crate::ids::{
    AuditId, ClientId, ConversationId, MessageId, OperatorId, OutboxId, SessionId, SiteId, TenantId,
    UploadId, VisitorId,
};
use crate::ports::BlobKey;
use crate::ports::storage::{AuditRow, Record};
use crate::time::Timestamp;

use super::checked;
use super::digest::hex;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Record", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum RecordForm {
    Profile(#[serde(with = "ProfileForm")] TenantProfile),
    Site(#[serde(with = "SiteForm")] Site),
    Operator(#[serde(with = "OperatorForm")] Operator),
    Visitor(#[serde(with = "VisitorForm")] Visitor),
    Token {
        visitor: VisitorId,
        #[serde(with = "scalar")]
        hash: TokenHash,
    },
    Page {
        visitor: VisitorId,
        #[serde(with = "PageForm")]
        page: CurrentPage,
    },
    Conversation {
        #[serde(with = "ConversationForm")]
        conversation: Conversation,
        client_id: ClientId,
        #[serde(with = "optional")]
        digest: Option<BodyDigest>,
        with_message: bool,
    },
    Event {
        #[serde(with = "EventForm")]
        event: Event,
        #[serde(with = "optional")]
        digest: Option<BodyDigest>,
    },
    Read {
        conversation: ConversationId,
        reader: Author,
        up_to: Heads,
    },
    Upload(#[serde(with = "UploadForm")] Upload),
    RemovableBlob(#[serde(with = "scalar")] BlobKey),
    Notification {
        id: OutboxId,
        #[serde(with = "NotificationForm")]
        notification: Notification,
        attempts: u32,
        held_until: Option<Timestamp>,
    },
    Control {
        position: u64,
        #[serde(with = "ControlForm")]
        event: ControlEvent,
    },
    Audit(#[serde(with = "AuditRowForm")] AuditRow),
    #[cfg(feature = "accounts")]
    Password {
        operator: OperatorId,
        #[serde(with = "scalar")]
        hash: crate::ports::storage::PasswordHash,
    },
    #[cfg(feature = "accounts")]
    Session {
        id: SessionId,
        operator: OperatorId,
        #[serde(with = "scalar")]
        token: TokenHash,
        expires_at: Timestamp,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "TenantRecord", deny_unknown_fields)]
pub(super) struct TenantForm {
    id: TenantId,
    #[serde(deserialize_with = "checked::region")]
    region: String,
    #[serde(with = "TenantStateForm")]
    state: TenantState,
    created_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "TenantState", rename_all = "snake_case")]
enum TenantStateForm {
    Active,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "TenantProfile", deny_unknown_fields)]
struct ProfileForm {
    #[serde(with = "scalar")]
    name: Text,
    #[serde(with = "scalar")]
    digest_key: [u8; 32],
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Site", deny_unknown_fields)]
struct SiteForm {
    id: SiteId,
    #[serde(with = "scalar")]
    name: Text,
    #[serde(with = "scalar")]
    title: Text,
    #[serde(with = "scalar")]
    greeting: Text,
    #[serde(with = "scalar")]
    color: Color,
    #[serde(with = "list")]
    origins: Vec<Origin>,
    created_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Operator", deny_unknown_fields)]
struct OperatorForm {
    id: OperatorId,
    #[serde(with = "scalar")]
    name: Text,
    #[serde(with = "scalar")]
    email: Email,
    role: Role,
    created_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Visitor", deny_unknown_fields)]
struct VisitorForm {
    id: VisitorId,
    site: SiteId,
    #[serde(with = "optional")]
    name: Option<Text>,
    #[serde(with = "optional")]
    email: Option<Email>,
    created_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CurrentPage", deny_unknown_fields)]
struct PageForm {
    #[serde(with = "scalar")]
    url: Text,
    #[serde(with = "optional")]
    title: Option<Text>,
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Conversation", deny_unknown_fields)]
struct ConversationForm {
    id: ConversationId,
    site: SiteId,
    visitor: VisitorId,
    #[serde(with = "optional")]
    subject: Option<Text>,
    status: Status,
    snoozed_until: Option<Timestamp>,
    assignee: Option<OperatorId>,
    #[serde(with = "list")]
    tags: Vec<Text>,
    created_at: Timestamp,
    updated_at: PerAudience<Timestamp>,
    heads: Heads,
    floor: Heads,
    epoch: u32,
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Event", deny_unknown_fields)]
struct EventForm {
    conversation: ConversationId,
    #[serde(with = "PositionForm")]
    position: Position,
    epoch: u32,
    at: Timestamp,
    by: Author,
    #[serde(with = "EventKindForm")]
    kind: EventKind,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Position", deny_unknown_fields)]
struct PositionForm {
    staff: u64,
    visitor: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "EventKind", rename_all = "snake_case", deny_unknown_fields)]
enum EventKindForm {
    Message(#[serde(with = "MessageForm")] Message),
    Status { from: Status, to: Status, snoozed_until: Option<Timestamp> },
    Assigned(Option<OperatorId>),
    Tagged(#[serde(with = "list")] Vec<Text>),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Message", deny_unknown_fields)]
struct MessageForm {
    id: MessageId,
    client_id: ClientId,
    kind: MessageKind,
    #[serde(with = "optional")]
    text: Option<Text>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Upload", deny_unknown_fields)]
struct UploadForm {
    id: UploadId,
    conversation: ConversationId,
    by: Author,
    #[serde(with = "scalar")]
    name: Text,
    #[serde(deserialize_with = "checked::media_type")]
    media_type: String,
    #[serde(with = "scalar")]
    blob: BlobKey,
    created_at: Timestamp,
    #[serde(with = "content")]
    content: Option<UploadContent>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "UploadContent", deny_unknown_fields)]
struct ContentForm {
    bytes: u64,
    #[serde(with = "scalar")]
    sha256: [u8; 32],
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Notification", rename_all = "snake_case", deny_unknown_fields)]
enum NotificationForm {
    MessageWaiting { conversation: ConversationId },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ControlEvent", rename_all = "snake_case", deny_unknown_fields)]
enum ControlForm {
    SessionEnded(SessionId),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AuditRow", deny_unknown_fields)]
struct AuditRowForm {
    actor: Author,
    at: Timestamp,
    #[serde(with = "AuditRecordForm")]
    record: AuditRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AuditRecord", deny_unknown_fields)]
struct AuditRecordForm {
    id: AuditId,
    #[serde(with = "scalar")]
    action: AuditAction,
    target: Uuid,
}

/// What is one text in a record.
trait Scalar: Sized {
    fn write(&self) -> Cow<'_, str>;

    /// `None` if it is not one, so that what stands in an archive is held to what the domain promises.
    fn read(text: &str) -> Option<Self>;
}

macro_rules! scalars {
    ($($scalar:ty: $write:expr, $read:expr;)*) => {$(
        impl Scalar for $scalar {
            fn write(&self) -> Cow<'_, str> {
                let write: fn(&Self) -> Cow<'_, str> = $write;
                write(self)
            }

            fn read(text: &str) -> Option<Self> {
                let read: fn(&str) -> Option<Self> = $read;
                read(text)
            }
        }
    )*};
}

scalars! {
    Text: |text| text.as_str().into(), |text| Self::prose(text, usize::MAX).ok();
    Email: |email| email.as_str().into(), |text| {
        let line = Text::line(text, usize::MAX).ok()?;
        Some(Self::from_stored(line.as_str().to_owned()))
    };
    Color: |color| color.as_str().into(), Self::parse;
    Origin: |origin| origin.as_str().into(), Self::parse;
    AuditAction: |action| action.name().into(), Self::from_name;
    [u8; 32]: |bytes| hex::encode(bytes).into(), hex::decode;
    BodyDigest: |digest| hex::encode(digest.bytes()).into(), |text| hex::decode(text).map(Self::from);
    TokenHash: |hash| hex::encode(hash.bytes()).into(), |text| hex::decode(text).map(Self::from);
    BlobKey: |key| key.0.as_hyphenated().to_string().into(), |text| Uuid::try_parse(text).ok().map(Self);
}

#[cfg(feature = "accounts")]
scalars! {
    crate::ports::storage::PasswordHash: |hash| hash.as_str().into(), checked::password_hash;
}

/// A [`Scalar`], wherever there may be none or several.
struct Plain<T>(T);

impl<T: Scalar> Serialize for Plain<&T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.write())
    }
}

impl<'de, T: Scalar> Deserialize<'de> for Plain<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        T::read(&text).map(Self).ok_or_else(|| serde::de::Error::custom("not a value of this field"))
    }
}

mod scalar {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Plain, Scalar};

    pub(super) fn serialize<T: Scalar, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        Plain(value).serialize(serializer)
    }

    pub(super) fn deserialize<'de, T: Scalar, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        Plain::deserialize(deserializer).map(|Plain(value)| value)
    }
}

mod optional {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Plain, Scalar};

    pub(super) fn serialize<T: Scalar, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Plain).serialize(serializer)
    }

    pub(super) fn deserialize<'de, T: Scalar, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        Option::<Plain<T>>::deserialize(deserializer).map(|value| value.map(|Plain(value)| value))
    }
}

mod list {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Plain, Scalar};

    pub(super) fn serialize<T: Scalar, S: Serializer>(
        values: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(Plain))
    }

    pub(super) fn deserialize<'de, T: Scalar, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        Vec::<Plain<T>>::deserialize(deserializer)
            .map(|values| values.into_iter().map(|Plain(value)| value).collect())
    }
}

mod content {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{ContentForm, UploadContent};

    #[derive(Serialize, Deserialize)]
    struct Content(#[serde(with = "ContentForm")] UploadContent);

    pub(super) fn serialize<S: Serializer>(
        value: &Option<UploadContent>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.map(Content).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<UploadContent>, D::Error> {
        Option::<Content>::deserialize(deserializer).map(|value| value.map(|Content(content)| content))
    }
}
