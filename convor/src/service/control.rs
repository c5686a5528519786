//! What every node must obey: sessions that have ended, and the connections that go with them.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::domain::ControlEvent;
use crate::error::Error;
use crate::ids::TenantId;
use crate::ports::{Close, SignalBody};

use super::background::upgrade;
use super::{Chat, Inner};

/// How many control events one read fetches.
const PAGE: usize = 100;

/// How often a node that serves alone looks: its own change may be committed long after it was given up.
const ALONE: Duration = Duration::from_secs(30);

/// How many times in a row a control log may not be read, within [`Limits::control_lag_max`](crate::Limits).
const TRIES: u32 = 3;

/// Reads control logs when they are said to have grown and, now and then, also if nobody says so: hints may be lost.
pub(super) async fn keep_confirmed(inner: Weak<Inner>, due: Arc<Notify>, among_others: bool) {
    let Some(interval) = upgrade(&inner).map(|chat| chat.control_interval()) else { return };
    loop {
        let patience = if among_others { interval } else { ALONE };
        let _ = timeout(patience, due.notified()).await;
        let Some(chat) = upgrade(&inner) else { return };
        chat.confirm_all().await;
        drop(chat);
        tokio::time::sleep(interval / 4).await;
    }
}

impl Chat {
    /// How often control logs are read. A few tries fit into the time after which nobody may be trusted any more.
    fn control_interval(&self) -> Duration {
        (self.limits().control_lag_max / (TRIES + 1)).max(Duration::from_millis(10))
    }

    /// Obeys the control logs of all tenants that have sessions here. One read finds out which of many logs have grown, and
    /// only those are read; all are if it fails.
    pub(super) async fn confirm_all(&self) {
        let tenants = self.hub().roster().tenants_to_confirm();
        let reads = Arc::new(Semaphore::new(self.limits().control_reads_max.max(1)));
        // One that hangs must not hold up the others.
        let mut confirming = JoinSet::new();
        for tenants in tenants.chunks(self.limits().control_heads_max.max(1)) {
            confirming.spawn(self.clone().confirm_each(tenants.to_vec(), Arc::clone(&reads)));
        }
        confirming.join_all().await;
    }

    async fn confirm_each(self, tenants: Vec<TenantId>, reads: Arc<Semaphore>) {
        // Half of the time is for this one read, the other half for the logs, their turn to be read included.
        let patience = self.control_interval() / 2;
        let heads = timeout(patience, async {
            let _read = reads.acquire().await;
            self.storage().registry().control_heads(&tenants).await
        });
        let heads = heads.await.ok().and_then(Result::ok).filter(|heads| heads.len() == tenants.len());
        let mut confirming = JoinSet::new();
        for (place, tenant) in tenants.into_iter().enumerate() {
            // What fails for many together may succeed for each alone.
            if heads.as_ref().is_some_and(|heads| self.has_obeyed(tenant, heads[place])) {
                continue;
            }
            let (chat, reads) = (self.clone(), Arc::clone(&reads));
            confirming.spawn(async move {
                let obeying = async {
                    let _read = reads.acquire().await;
                    chat.obey_control(tenant).await
                };
                chat.confirm_within(tenant, patience, obeying).await;
            });
        }
        confirming.join_all().await;
    }

    /// Whether this node has obeyed a control log up to its end; if so, that is noted.
    fn has_obeyed(&self, tenant: TenantId, head: u64) -> bool {
        let roster = self.hub().roster();
        let position = roster.begin_to_obey(tenant, head);
        let obeyed = head <= position;
        if obeyed {
            roster.obeyed(tenant, position);
        }
        obeyed
    }

    /// Obeys a tenant's control log.
    pub(super) async fn confirm_control(&self, tenant: TenantId) {
        self.confirm_within(tenant, self.control_interval(), self.obey_control(tenant)).await;
    }

    async fn confirm_within(
        &self,
        tenant: TenantId,
        patience: Duration,
        obeying: impl Future<Output = Result<(), Error>>,
    ) {
        if !matches!(timeout(patience, obeying).await, Ok(Ok(()))) {
            self.could_not_confirm(tenant);
        }
    }

    /// Notes that a control log could not be read. If that has been so for too long, nobody knows whose connections may still
    /// be here: those with sessions are sent away, and come back if they may.
    fn could_not_confirm(&self, tenant: TenantId) {
        self.inner.control_due.notify_one();
        if self.hub().roster().could_not_obey(tenant) >= TRIES {
            tracing::warn!("a control log cannot be read; its tenant's sessions are sent away");
            for connection in self.hub().roster().all_of(tenant) {
                if connection.session().is_some() {
                    connection.close(Close::PositionLost);
                }
            }
        }
    }

    /// The same as [`obey_control`](Self::obey_control), once for all who ask for it at the same time.
    pub(crate) async fn obey_control_together(&self, tenant: TenantId) -> Result<(), Error> {
        let obey = |turn| async move {
            let _turn = turn;
            self.within(self.obey_control(tenant)).await
        };
        self.inner.obeying.read(tenant, self.read_turn(tenant), obey).await?
    }

    /// Reads a tenant's control log from where this node has obeyed it, and obeys. A node that has just got its first
    /// connection of a tenant begins at the log's end.
    pub(crate) async fn obey_control(&self, tenant: TenantId) -> Result<(), Error> {
        let control = self.storage().control();
        let mut position = match self.hub().roster().control(tenant) {
            Some(position) => position,
            None => {
                let head = control.head(tenant).await?;
                // Another connection may have begun earlier, and have obeyed less.
                self.hub().roster().begin_to_obey(tenant, head)
            }
        };
        loop {
            let events = control.after(tenant, position, PAGE).await?;
            for (at, event) in &events {
                self.obey(tenant, *event);
                position = *at;
            }
            self.hub().roster().obeyed(tenant, position);
            if events.len() < PAGE {
                return Ok(());
            }
        }
    }

    fn obey(&self, tenant: TenantId, event: ControlEvent) {
        match event {
            ControlEvent::SessionEnded(session) => self.hub().roster().close_session(tenant, session),
        }
    }

    /// Whatever becomes of a change of a tenant's control log, also if nobody waits for it: it is looked at.
    pub(super) fn control_may_grow(&self, tenant: TenantId) -> impl Drop + use<> {
        MayGrow { chat: self.clone(), tenant }
    }

    /// Obeys a control log that has grown. That it could not be read at once is no failure of what has been committed: it is
    /// read again soon.
    pub(super) async fn control_grew(&self, tenant: TenantId) -> Result<(), Error> {
        self.confirm_control(tenant).await;
        Ok(())
    }
}

/// Looks at a tenant's control log when it is dropped, here and on other nodes.
struct MayGrow {
    chat: Chat,
    tenant: TenantId,
}

impl Drop for MayGrow {
    fn drop(&mut self) {
        self.chat.signal(SignalBody::Control { tenant: self.tenant });
        self.chat.inner.control_due.notify_one();
    }
}
