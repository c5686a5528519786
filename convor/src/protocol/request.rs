//! The bodies of requests. An unknown key is refused.

use serde::{Deserialize, Deserializer};

use crate::domain::{MessageKind, Status};
use crate::ids::{ClientId, OperatorId};
use crate::time::Timestamp;

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(clippy::exhaustive_structs, reason = "a host without HTTP builds it")]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

requests! {
    /// `POST /v1/visitors`
    RegisterRequest {
        /// The site key.
        site: String,
    }
    /// `PATCH /v1/visitor`: absent leaves, `null` clears.
    VisitorRequest {
        /// The name.
        #[serde(default, deserialize_with = "present")]
        name: Option<Option<String>>,
        /// The address.
        #[serde(default, deserialize_with = "present")]
        email: Option<Option<String>>,
    }
    /// `POST /v1/conversations`
    OpenRequest {
        /// The same for each repeat.
        client_id: ClientId,
        /// What it is about.
        #[serde(default)]
        subject: Option<String>,
        /// What is said first.
        #[serde(default)]
        first_message: Option<FirstMessage>,
    }
    /// The first message of a conversation.
    FirstMessage {
        /// The same for each repeat.
        client_id: ClientId,
        /// What it says.
        text: String,
    }
    /// `POST /v1/conversations/{id}/messages`
    MessageRequest {
        /// The same for each repeat.
        client_id: ClientId,
        /// What it says.
        text: String,
        /// A message or a note.
        #[serde(default)]
        kind: MessageKind,
    }
    /// `POST /v1/search`
    SearchRequest {
        /// The words that a message must hold, all of them.
        text: String,
        /// Where the page before ended.
        #[serde(default)]
        cursor: Option<String>,
        /// How many at most.
        #[serde(default)]
        limit: Option<usize>,
    }
    /// `PATCH /v1/conversations/{id}`
    ConversationRequest {
        /// The status.
        #[serde(default)]
        status: Option<Status>,
        /// When it wakes, with `snoozed` only.
        #[serde(default)]
        snoozed_until: Option<Timestamp>,
        /// The assignee; `null` takes it away.
        #[serde(default, deserialize_with = "present")]
        assignee: Option<Option<OperatorId>>,
        /// The tags.
        #[serde(default)]
        tags: Option<Vec<String>>,
    }
}

#[cfg(feature = "accounts")]
requests! {
    /// `POST /v1/sessions`
    SignInRequest {
        /// The tenant key.
        tenant: String,
        /// The address.
        email: String,
        /// The password.
        password: String,
        /// How the session is presented from now on.
        #[serde(default)]
        r#as: Presentation,
    }
}

/// How a session is presented.
#[cfg(feature = "accounts")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Presentation {
    /// As a token in a header: programs.
    #[default]
    Bearer,
    /// As a cookie: browsers.
    Cookie,
}

/// Tells a key that is `null` from one that is absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
