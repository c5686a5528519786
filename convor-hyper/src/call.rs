//! One request, once it has been let in.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use convor::domain::Principal;
use convor::ids::ConversationId;
use convor::protocol::decode_body;
use convor::{Chat, Error};
use http::header::IF_MATCH;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::credential::Credential;
use crate::origin::Source;
use crate::peer::Peer;
use crate::problem::Refusal;
use crate::query::Query;
use crate::service::Inner;

/// One request, once it has been let in: what a handler reads.
///
/// A handler reads the id in the path last. A path without a thing behind it then reads the same whether the id is
/// malformed, made up or somebody else's, also where something else is wrong with the request.
pub(crate) struct Call {
    pub(crate) service: Arc<Inner>,
    pub(crate) parts: Parts,
    pub(crate) query: Query,
    pub(crate) source: Source,
    pub(crate) caller: Option<Caller>,
    /// What stands in the place of the path's `{id}`.
    pub(crate) id: Option<String>,
    pub(crate) body: Bytes,
}

/// Who asks, and by what that is known.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    #[cfg_attr(not(feature = "accounts"), expect(dead_code, reason = "only sessions are read back"))]
    pub(crate) credential: Credential,
}

impl Call {
    pub(crate) fn chat(&self) -> &Chat {
        &self.service.chat
    }

    /// Who asks. The gate lets nobody else come to a route that is not public.
    pub(crate) fn caller(&self) -> Result<&Caller, Refusal> {
        self.caller.as_ref().ok_or(Refusal::Core(Error::Unauthenticated))
    }

    pub(crate) fn principal(&self) -> Result<&Principal, Refusal> {
        self.caller().map(|caller| &caller.principal)
    }

    /// The body, as this type.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        Ok(decode_body(&self.body)?)
    }

    /// The conversation that the path names.
    pub(crate) fn conversation(&self) -> Result<ConversationId, Refusal> {
        let id = self.id.as_deref().and_then(|id| id.parse().ok());
        id.ok_or(Refusal::Core(Error::NotFound))
    }

    /// How many entries a page is to have.
    pub(crate) fn limit(&self) -> Result<Option<usize>, Refusal> {
        Ok(self.query.number("limit")?)
    }

    /// The version that `If-Match` (RFC 9110, 13.1.1) names.
    pub(crate) fn version(&self) -> Result<u64, Refusal> {
        let mut values = self.parts.headers.get_all(IF_MATCH).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Err(Refusal::PreconditionRequired),
            (Some(value), None) => value.to_str().unwrap_or_default().trim(),
            (Some(_), Some(_)) => "",
        };
        let tag = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let tag = tag.filter(|tag| !tag.contains('"'));
        let tag = tag.ok_or_else(|| Refusal::invalid("if-match", "must be one strong entity tag"))?;
        // No state has ever had a tag of another form.
        let canonical = |version: &u64| version.to_string() == tag;
        tag.parse().ok().filter(canonical).ok_or(Refusal::Core(Error::PreconditionFailed))
    }

    /// From where the client speaks, if the host says so.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.peer().map(|peer| peer.0)
    }

    pub(crate) fn peer(&self) -> Option<Peer> {
        let peer = self.parts.extensions.get::<Peer>().copied();
        if peer.is_none() {
            self.service.say_that_peers_are_missing();
        }
        peer
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("caller", &self.caller).finish_non_exhaustive()
    }
}
