//! Tells people who are not connected, and other systems.

use std::fmt;

use async_trait::async_trait;

use crate::domain::Notification;
use crate::ids::{OutboxId, TenantId};

/// Tells people who are not connected (e-mail) and other systems (webhooks). It is fed from the outbox.
///
/// # To ensure correctness
/// - A notification comes **at least once**: `id` is the same each time, and what must not happen twice is recognised
///   by it.
/// - It holds ids only. What the message says is read at the time of delivery, so that an erased text is not sent.
/// - `Ok` means delivered or deliberately dropped, and it does not come again; an error makes it come again later.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait Notifier: fmt::Debug + Send + Sync {
    /// Delivers one notification.
    ///
    /// # Errors
    /// [`NotifyError`] if it should be tried again.
    async fn notify(
        &self,
        tenant: TenantId,
        id: OutboxId,
        notification: &Notification,
    ) -> Result<(), NotifyError>;
}

/// A notification could not be delivered, and is to be tried again.
#[derive(Debug, Clone, Copy, Default, thiserror::Error)]
#[error("the notification could not be delivered")]
#[non_exhaustive]
pub struct NotifyError;
