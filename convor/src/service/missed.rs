//! What this node does when it may have missed what others have said.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::domain::Author;
use crate::error::Error;
use crate::ids::{TenantId, VisitorId};
use crate::ports::Frame;
use crate::protocol::{ServerFrame, encode};

use super::background::upgrade;
use super::nodes::HEARTBEAT;
use super::{Chat, Inner};

/// Makes up for lost hints, apart from the listening, which must not wait for it. However often something was missed in the
/// meantime, it is done once more.
pub(super) async fn make_up_for_what_was_missed(
    inner: Weak<Inner>,
    missed: Arc<Notify>,
    unfound: Arc<Notify>,
) {
    loop {
        missed.notified().await;
        let Some(chat) = upgrade(&inner) else { return };
        unfound.notify_one();
        chat.make_up().await;
        drop(chat);
        tokio::time::sleep(HEARTBEAT).await;
    }
}

/// Lets visitors hear the conversations that they have opened elsewhere, when a hint of them may have been missed. Where the
/// storage does not answer it is tried again.
pub(super) async fn find_what_was_opened(inner: Weak<Inner>, unfound: Arc<Notify>) {
    let mut failed = HashSet::new();
    loop {
        let due = unfound.notified();
        let all = if failed.is_empty() {
            due.await;
            true
        } else {
            timeout(HEARTBEAT, due).await.is_ok()
        };
        let Some(chat) = upgrade(&inner) else { return };
        failed = chat.let_visitors_hear(|tenant| all || failed.contains(&tenant)).await;
    }
}

impl Chat {
    /// Lets those who listen to an inbox list it again: they may have missed something.
    pub(super) fn let_inbox_be_listed(&self, tenant: TenantId) {
        let reset = ServerFrame::Reset { conversation: None, inbox: Some(true), epoch: None, seq: None };
        let reset = Frame::event(encode(&reset));
        self.hub().roster().inbox(tenant).iter().for_each(|connection| connection.offer(&reset));
    }

    /// Other nodes may have said what this one has not heard: what has listeners here is reread, those who listen to an inbox
    /// list it again, and control logs are obeyed.
    async fn make_up(&self) {
        self.hub().mark_all_stale();
        for tenant in self.hub().roster().tenants_here() {
            self.let_inbox_be_listed(tenant);
        }
        self.confirm_all().await;
    }

    /// The visitors of these tenants hear the conversations that have been opened elsewhere. Answers whose storage has failed;
    /// the others need not wait for it.
    async fn let_visitors_hear(&self, is_due: impl Fn(TenantId) -> bool) -> HashSet<TenantId> {
        let mut visitors = HashMap::<TenantId, Vec<VisitorId>>::new();
        for (tenant, author) in self.hub().roster().principals() {
            if let (Author::Visitor(visitor), true) = (author, is_due(tenant)) {
                visitors.entry(tenant).or_default().push(visitor);
            }
        }
        let reads = Arc::new(Semaphore::new(self.limits().rereads_max.max(1)));
        let parts = self.limits().rereads_per_tenant_max.max(1);
        let mut hearing = JoinSet::new();
        for (tenant, visitors) in visitors {
            for part in visitors.chunks(visitors.len().div_ceil(parts)) {
                let (chat, reads, part) = (self.clone(), Arc::clone(&reads), part.to_vec());
                hearing.spawn(async move {
                    let heard = chat.let_each_hear(tenant, &part, &reads).await;
                    heard.is_err().then_some(tenant)
                });
            }
        }
        hearing.join_all().await.into_iter().flatten().collect()
    }

    async fn let_each_hear(
        &self,
        tenant: TenantId,
        visitors: &[VisitorId],
        reads: &Semaphore,
    ) -> Result<(), Error> {
        for &visitor in visitors {
            let _read = reads.acquire().await;
            let own = self.within(self.conversations_of(tenant, visitor)).await?;
            own.into_iter().for_each(|(id, _)| self.subscribe_visitor((tenant, id), visitor));
        }
        Ok(())
    }
}
