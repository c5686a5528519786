//! What happens without being asked for: stale conversations are reread, snoozes end, notifications are delivered.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::domain::Principal;
use crate::error::Error;
use crate::hub::Hub;
use crate::ids::TenantId;
use crate::ports::storage::{ConversationPatch, StatusChange};

use super::{Chat, Inner};

/// Conversations that are reread at once.
const REREADS_MAX: usize = 16;

/// How many tenants one look at the registry fetches.
const TENANTS: usize = 100;

/// Spawns the background work of a node that serves alone; it ends with the chat.
pub(super) fn spawn(chat: &Chat) {
    let inner = Arc::downgrade(&chat.inner);
    chat.keep(tokio::spawn(reread_stale(inner.clone(), Arc::clone(&chat.inner.hub))));
    chat.keep(tokio::spawn(work_when_due(inner)));
}

/// The chat, while anybody else holds it.
pub(super) fn upgrade(inner: &Weak<Inner>) -> Option<Chat> {
    inner.upgrade().map(|inner| Chat { inner })
}

async fn reread_stale(inner: Weak<Inner>, hub: Arc<Hub>) {
    let slots = Arc::new(Semaphore::new(REREADS_MAX));
    loop {
        let topics = hub.take_stale().await;
        for (key, stale) in topics {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            let Some(chat) = upgrade(&inner) else { return };
            tokio::spawn(async move {
                if chat.reread(key, stale).await.is_err() {
                    // The storage does not answer: it is asked again, not in a tight loop.
                    tokio::time::sleep(Duration::from_millis(250)).await;
                    chat.hub().mark_stale(key, stale.after);
                }
                drop(slot);
            });
        }
    }
}

async fn work_when_due(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let Some(chat) = upgrade(&inner) else { return };
        if let Err(error) = chat.work().await {
            tracing::warn!(code = error.code(), "background work failed and is tried again");
        }
    }
}

impl Chat {
    /// Does the work that is due now, for all tenants: wakes snoozed conversations and delivers notifications. A node does it by
    /// itself each second; a simulation calls it.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; what was not done is still due.
    pub async fn work(&self) -> Result<(), Error> {
        let mut after = None;
        loop {
            let due = self.storage().registry().due(self.now(), after, TENANTS).await?;
            for tenant in &due {
                self.wake(*tenant).await?;
                self.notify(*tenant).await?;
            }
            after = due.last().copied();
            if due.len() < TENANTS {
                return Ok(());
            }
        }
    }

    async fn wake(&self, tenant: TenantId) -> Result<(), Error> {
        let limit = self.limits().background_batch_max;
        let due = self.storage().conversations().due_snoozes(tenant, self.now(), limit).await?;
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

    async fn notify(&self, tenant: TenantId) -> Result<(), Error> {
        let Some(notifier) = &self.inner.notifier else { return Ok(()) };
        let (now, limits) = (self.now(), self.limits());
        let until = now.plus(limits.notification_lease);
        let outbox = self.storage().outbox();
        for claimed in outbox.claim(tenant, now, until, limits.background_batch_max).await? {
            match notifier.notify(tenant, claimed.id, &claimed.notification).await {
                Ok(()) => {
                    outbox.settle(tenant, claimed.id).await?;
                }
                Err(_) => tracing::info!(attempt = claimed.attempt, "a notification is tried again later"),
            }
        }
        Ok(())
    }

    /// Lets a task end with the chat.
    pub(super) fn keep(&self, task: tokio::task::JoinHandle<()>) {
        self.inner.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(task.abort_handle());
    }
}
