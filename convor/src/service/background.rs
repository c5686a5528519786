//! What happens without being asked for: stale conversations are reread, snoozes end, notifications are delivered.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::domain::Principal;
use crate::error::Error;
use crate::hub::{Hub, TopicKey};
use crate::ids::TenantId;
use crate::ports::storage::{ConversationPatch, StatusChange};
use crate::ports::{Close, Notifier};

use super::control::keep_confirmed;
use super::{Chat, Inner};

/// How many tenants one look at the registry fetches.
const TENANTS: usize = 100;

/// How often it is looked whether something is due.
const INTERVAL: Duration = Duration::from_secs(1);

/// By what conversations that are looked at again later are counted.
const BEAT: Duration = Duration::from_millis(250);

/// Spawns the background work of a node; it ends with the chat.
pub(super) fn spawn(chat: &Chat) {
    let inner = Arc::downgrade(&chat.inner);
    let hub = || Arc::clone(&chat.inner.hub);
    chat.keep(tokio::spawn(reread_stale(inner.clone(), hub())));
    chat.keep(tokio::spawn(beat(hub())));
    chat.keep(tokio::spawn(each_second(inner.clone(), |chat| async move {
        chat.end_expired();
        Ok(())
    })));
    chat.keep(tokio::spawn(each_second(inner.clone(), |chat| async move { chat.wake_all().await })));
    // A notifier may be slow; nothing else waits for it.
    chat.keep(tokio::spawn(each_second(inner.clone(), |chat| async move { chat.notify_all().await })));
    chat.keep(tokio::spawn(each_second(inner.clone(), |chat| async move {
        chat.index_all().await;
        Ok(())
    })));
    let among_others = chat.inner.signals.is_some();
    chat.keep(tokio::spawn(keep_confirmed(inner, Arc::clone(&chat.inner.control_due), among_others)));
}

/// The chat, while anybody else holds it.
pub(super) fn upgrade(inner: &Weak<Inner>) -> Option<Chat> {
    inner.upgrade().map(|inner| Chat { inner })
}

async fn reread_stale(inner: Weak<Inner>, hub: Arc<Hub>) {
    let Some((rereads_max, per_tenant_max)) = upgrade(&inner).map(|chat| {
        let limits = chat.limits();
        (limits.rereads_max.max(1), limits.rereads_per_tenant_max.max(1))
    }) else {
        return;
    };
    let slots = Arc::new(Semaphore::new(rereads_max));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let (key, stale) = hub.begin_reread(per_tenant_max).await;
        let reread = Reread { hub: Arc::clone(&hub), key };
        let Some(chat) = upgrade(&inner) else { return };
        tokio::spawn(async move {
            match chat.reread(key, stale).await {
                Ok(staff_head) => chat.hub().has_reread(key, stale, staff_head),
                Err(error) => {
                    tracing::debug!(code = error.code(), "a conversation could not be reread");
                    if !chat.hub().could_not_reread(key, stale) {
                        chat.let_inbox_be_listed(key.0);
                    }
                }
            }
            drop((slot, reread));
        });
    }
}

/// A conversation that is being reread. A tenant has a part of what is at once, so that one whose storage is slow does not take
/// up all of it.
struct Reread {
    hub: Arc<Hub>,
    key: TopicKey,
}

impl Drop for Reread {
    fn drop(&mut self) {
        self.hub.end_reread(self.key);
    }
}

async fn beat(hub: Arc<Hub>) {
    loop {
        tokio::time::sleep(BEAT).await;
        hub.beat();
    }
}

async fn each_second<F>(inner: Weak<Inner>, work: impl Fn(Chat) -> F)
where
    F: Future<Output = Result<(), Error>>,
{
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(chat) = upgrade(&inner) else { return };
        if let Err(error) = work(chat).await {
            tracing::warn!(code = error.code(), "background work failed and is tried again");
        }
    }
}

impl Chat {
    /// Does the work that is due now, for all tenants: wakes snoozed conversations, makes messages searchable and delivers
    /// notifications. A node does it by itself each second; a simulation calls it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the registry does not answer. What could not be done for a tenant is still due.
    pub async fn work(&self) -> Result<(), Error> {
        self.end_expired();
        self.wake_all().await?;
        self.index_all().await;
        self.notify_all().await
    }

    /// Closes the connections whose credential has ended.
    fn end_expired(&self) {
        for connection in self.hub().roster().expired(self.now()) {
            connection.close(Close::Revoked);
        }
    }

    async fn wake_all(&self) -> Result<(), Error> {
        for tenant in self.due_tenants().await? {
            still_due(tenant, self.wake(tenant).await);
        }
        Ok(())
    }

    async fn notify_all(&self) -> Result<(), Error> {
        let Some(notifier) = &self.inner.notifier else { return Ok(()) };
        for tenant in self.due_tenants().await? {
            still_due(tenant, self.notify(notifier.as_ref(), tenant).await);
        }
        Ok(())
    }

    async fn due_tenants(&self) -> Result<Vec<TenantId>, Error> {
        let mut due = Vec::new();
        loop {
            let after = due.last().copied();
            let page = self.within(self.storage().registry().due(self.now(), after, TENANTS)).await?;
            due.extend_from_slice(&page);
            if page.len() < TENANTS {
                return Ok(due);
            }
        }
    }

    async fn wake(&self, tenant: TenantId) -> Result<(), Error> {
        let limit = self.limits().background_batch_max;
        let due = self.within(self.storage().conversations().due_snoozes(tenant, self.now(), limit)).await?;
        for snooze in due {
            let patch =
                ConversationPatch { status: Some(StatusChange::Open), ..ConversationPatch::default() };
            match self.update(&Principal::system(tenant), snooze.conversation, snooze.version, &patch).await {
                // Somebody, or another node, was faster.
                Ok(()) | Err(Error::PreconditionFailed | Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn notify(&self, notifier: &dyn Notifier, tenant: TenantId) -> Result<(), Error> {
        let (now, limits) = (self.now(), self.limits());
        let until = now.plus(limits.notification_lease);
        let outbox = self.storage().outbox();
        let claimed = self.within(outbox.claim(tenant, now, until, limits.notifications_claimed_max)).await?;
        for claimed in claimed {
            let notifying = notifier.notify(tenant, claimed.id, &claimed.notification);
            match tokio::time::timeout(limits.notification_timeout, notifying).await {
                Ok(Ok(())) => drop(self.within(outbox.settle(tenant, claimed.id)).await?),
                _ => {
                    tracing::info!(%tenant, attempt = claimed.attempt, "a notification is tried again later")
                }
            }
        }
        Ok(())
    }

    /// Lets a task end with the chat.
    pub(super) fn keep(&self, task: tokio::task::JoinHandle<()>) {
        self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task.abort_handle());
    }
}

/// One tenant whose storage fails does not keep the others waiting.
fn still_due(tenant: TenantId, done: Result<(), Error>) {
    if let Err(error) = done {
        tracing::warn!(%tenant, code = error.code(), "a tenant's work failed and is still due");
    }
}
