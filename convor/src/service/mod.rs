//! What can be done, one use case a file. Each takes a [`Principal`], whose tenant comes from a
//! verified credential, checks what it may do, commits, and only then lets anybody know.

mod arrivals;
mod authenticate;
mod background;
mod builder;
mod change;
mod coalesced;
mod contact;
mod control;
mod history;
mod inbox;
mod missed;
mod nodes;
mod open;
mod operators;
mod page_seen;
mod peers;
mod post;
mod presence;
mod publish;
mod queue;
mod rates;
mod read;
mod register;
mod replay;
mod search;
#[cfg(feature = "accounts")]
mod sign_in;
mod tellers;
mod tenancy;
#[cfg(test)]
mod tests;
mod typing;
mod work;

use std::collections::HashMap;
use std::fmt;
use std::future::ready;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;
use uuid::Uuid;

use crate::config::{Limits, PageDetail};
use crate::domain::{Audience, AuditAction, AuditRecord, Author, Conversation, Principal, Text};
use crate::error::Error;
use crate::hub::{Hub, TopicKey, Turn};
use crate::ids::{ConversationId, NodeId, TenantId};
use crate::ports::{Authenticator, Change, Clock, Entropy, Notifier, Storage};

pub use authenticate::StoredTokens;
pub use builder::ChatBuilder;
pub use history::History;
pub use inbox::{Inbox, InboxFilter, Viewed};
pub use open::Opened;
pub use operators::OperatorList;
pub use search::Found;
#[cfg(feature = "accounts")]
pub use sign_in::{CurrentSession, SignedIn};
pub use tenancy::{NewOperator, NewSite};
pub use work::Work;

use coalesced::Coalesced;
use rates::Rates;
pub(crate) use replay::Replay;

/// The chat of all tenants on this node. Cloning it is cheap; its background work ends with the last clone.
#[derive(Clone)]
pub struct Chat {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    node: NodeId,
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    authenticator: Arc<dyn Authenticator>,
    notifier: Option<Arc<dyn Notifier>>,
    limits: Limits,
    page_detail: PageDetail,
    hub: Arc<Hub>,
    rates: Rates,
    works: work::Works,
    arrivals: arrivals::Arrivals,
    signals: Option<nodes::Outgoing>,
    /// Whether other nodes may be told what is said, and not only where.
    tells_content: bool,
    /// Hints of other nodes may have been lost.
    missed: Arc<Notify>,
    /// A control log has grown, or could not be read.
    control_due: Arc<Notify>,
    /// What other nodes tell that is told on, at once.
    telling: Arc<Semaphore>,
    /// What clients that come back have missed.
    replays: replay::Replays,
    /// Control logs that are read for a new connection.
    obeying: Coalesced<TenantId, Result<(), Error>>,
    /// Whether the storage is there.
    pings: Coalesced<(), bool>,
    /// How many calls the storage has answered.
    answers: AtomicU64,
    /// Where messages may not be searchable yet.
    unindexed: search::Unindexed,
    /// The keys of the tenants' digests; they never change.
    digest_keys: Mutex<HashMap<TenantId, [u8; 32]>>,
    draining: AtomicBool,
    #[cfg(feature = "accounts")]
    passwords: sign_in::Passwords,
    tasks: Mutex<Vec<tokio::task::AbortHandle>>,
}

impl Chat {
    /// The bounds in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// The present time, by the clock that was given.
    #[must_use]
    pub fn now(&self) -> crate::time::Timestamp {
        self.inner.clock.now()
    }

    /// Whether the storage answers and this node is not draining. All who ask at the same time share one look, and one that is
    /// asked for too much to look in [`Limits::readiness_timeout`] is there all the same, as long as it answers others.
    pub async fn is_ready(&self) -> bool {
        let answers = || self.inner.answers.load(Ordering::Relaxed);
        let ping = |()| async {
            let before = answers();
            let pinging = timeout(self.limits().readiness_timeout, self.storage().ping());
            pinging.await.map_or_else(|_| answers() != before, |answered| answered.is_ok())
        };
        !self.is_draining()
            && self.inner.pings.read((), ready(Ok::<_, Error>(())), ping).await.unwrap_or(false)
    }

    /// Whether this node is going away.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.inner.draining.load(Ordering::Relaxed)
    }

    /// Sixteen bytes from the generator that was given, for a transport's own ids.
    #[must_use]
    pub fn random_bytes(&self) -> [u8; 16] {
        self.inner.entropy.bytes_16()
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        self.inner.storage.as_ref()
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    /// A new id, of the present time.
    pub(crate) fn new_id<I: From<Uuid>>(&self) -> I {
        let random = self.random_bytes();
        let random: [u8; 10] = std::array::from_fn(|index| random[index]);
        let millis = u64::try_from(self.now().millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().into()
    }

    pub(crate) fn change(&self, principal: &Principal) -> Change {
        Change::new(principal.author(), self.now())
    }

    pub(crate) fn audited(&self, principal: &Principal, action: AuditAction, target: Uuid) -> Change {
        let audit = Some(AuditRecord { id: self.new_id(), action, target });
        Change { audit, ..self.change(principal) }
    }

    /// The conversation, if the principal is a member of it.
    async fn member(
        &self,
        principal: &Principal,
        conversation: ConversationId,
    ) -> Result<Conversation, Error> {
        let conversations = self.storage().conversations();
        let found = self.within(conversations.find(principal.tenant(), conversation)).await?;
        match (found, principal) {
            (Some(found), Principal::Visitor { visitor, .. }) if found.visitor == *visitor => Ok(found),
            (Some(found), Principal::Operator { .. } | Principal::System { .. }) => Ok(found),
            _ => Err(Error::NotFound),
        }
    }

    /// Waits for the storage, but not for ever: what holds a turn must not hold it up for everybody. Whether it has
    /// happened is unknown then.
    pub(crate) async fn within<T, E: Into<Error>>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        let answered = self.in_time(call).await?;
        self.inner.answers.fetch_add(1, Ordering::Relaxed);
        Ok(answered)
    }

    /// The same of what may be answered by somebody else than the storage.
    async fn in_time<T, E: Into<Error>>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
        match timeout(self.limits().storage_timeout, call).await {
            Ok(answered) => answered.map_err(Into::into),
            Err(_) => {
                tracing::warn!("the storage did not answer in time");
                Err(Error::Unavailable)
            }
        }
    }

    /// Waits for this node's turn to change a conversation, but not for ever: nothing has been stored yet.
    async fn turn(&self, key: TopicKey) -> Result<Turn<'_>, Error> {
        timeout(self.limits().storage_timeout, self.hub().turn(key)).await.map_err(|_| Error::Unavailable)
    }

    /// The key of a tenant's digests.
    async fn digest_key(&self, tenant: TenantId) -> Result<[u8; 32], Error> {
        let keys = || self.inner.digest_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys().get(&tenant) {
            return Ok(*key);
        }
        let profile = self.within(self.storage().tenants().find(tenant)).await?.ok_or(Error::NotFound)?;
        let mut keys = keys();
        if keys.len() >= self.limits().tenants_cached_max
            && let Some(other) = keys.keys().next().copied()
        {
            keys.remove(&other);
        }
        keys.insert(tenant, profile.digest_key);
        Ok(profile.digest_key)
    }

    /// How many entries a page has.
    fn page_limit(&self, asked: Option<usize>) -> Result<usize, Error> {
        let limits = self.limits();
        match asked {
            None => Ok(limits.page_default),
            Some(limit) if (1..=limits.page_max).contains(&limit) => Ok(limit),
            Some(_) => Err(Error::invalid("limit", format!("must be 1 to {}", limits.page_max))),
        }
    }
}

/// Reads a text that somebody typed.
fn parse<T>(field: &'static str, parsed: Result<T, crate::domain::InvalidText>) -> Result<T, Error> {
    parsed.map_err(|problem| Error::invalid(field, problem))
}

/// Only staff may do this.
fn staff_only(principal: &Principal) -> Result<(), Error> {
    if principal.audience() == Audience::Staff { Ok(()) } else { Err(Error::Forbidden) }
}

/// A name, a subject: one line.
fn line(field: &'static str, text: &str, chars_max: usize) -> Result<Text, Error> {
    parse(field, Text::line(text, chars_max))
}

/// Stable within a process: by which newer droppable frames replace older ones.
fn frame_key(kind: &str, conversation: Option<ConversationId>, author: Option<Author>) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (kind, conversation, author).hash(&mut hasher);
    hasher.finish()
}

impl Drop for Inner {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().for_each(tokio::task::AbortHandle::abort);
    }
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").field("node", &self.inner.node).finish_non_exhaustive()
    }
}
