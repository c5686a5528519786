//! What this node does when it may have missed what others have said.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::domain::Author;
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

/// Lets visitors hear the conversations that they have opened elsewhere, when a hint of them may have been missed. Those for whom
/// the storage does not answer have another turn.
pub(super) async fn find_what_was_opened(inner: Weak<Inner>, unfound: Arc<Notify>) {
    let mut left = Visitors::new();
    loop {
        let due = unfound.notified();
        let all = if left.is_empty() {
            due.await;
            true
        } else {
            timeout(HEARTBEAT, due).await.is_ok()
        };
        let Some(chat) = upgrade(&inner) else { return };
        if all {
            left = chat.visitors_here();
        }
        left = chat.let_visitors_hear(left).await;
    }
}

/// Visitors, by tenant.
type Visitors = HashMap<TenantId, VecDeque<VisitorId>>;

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

    fn visitors_here(&self) -> Visitors {
        let mut visitors = Visitors::new();
        for (tenant, author) in self.hub().roster().principals() {
            if let Author::Visitor(visitor) = author {
                visitors.entry(tenant).or_default().push_back(visitor);
            }
        }
        visitors
    }

    /// These visitors hear the conversations that have been opened elsewhere; answers who is left. A tenant whose storage fails
    /// ends its own round only, and begins the next with somebody else. It is no more at once than one tenant may have reread.
    async fn let_visitors_hear(&self, visitors: Visitors) -> Visitors {
        let reads = Arc::new(Semaphore::new(self.limits().rereads_per_tenant_max.max(1)));
        let mut hearing = JoinSet::new();
        for (tenant, mut visitors) in visitors {
            let (chat, reads) = (self.clone(), Arc::clone(&reads));
            hearing.spawn(async move {
                while let Some(visitor) = visitors.pop_front() {
                    let _read = reads.acquire().await;
                    let Ok(own) = chat.within(chat.conversations_of(tenant, visitor)).await else {
                        visitors.push_back(visitor);
                        break;
                    };
                    own.into_iter().for_each(|(id, _)| chat.subscribe_visitor((tenant, id), visitor));
                }
                (tenant, visitors)
            });
        }
        let mut left = Visitors::new();
        while let Some(done) = hearing.join_next().await {
            left.extend(done.ok().filter(|(_, visitors)| !visitors.is_empty()));
        }
        left
    }
}
