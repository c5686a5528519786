//! What there is to do for tenants: the registry, notifications, and what every node must obey.

use convor::async_trait;
use convor::domain::{ControlEvent, Conversation, TenantRecord, TenantState};
use convor::ids::{OutboxId, TenantId};
use convor::ports::storage::{
    ClaimedNotification, ControlRepository, OutboxRepository, Record, RecordKind, TenantRegistry,
};
use convor::ports::{Change, StorageError};
use convor::time::Timestamp;
use redb::ReadableTable;

use crate::failure::{CORRUPT, Result};
use crate::kept::Owed;
use crate::store::Reading;
use crate::{RedbStorage, keys};

#[async_trait]
impl TenantRegistry for RedbStorage {
    async fn insert(&self, record: &TenantRecord) -> Result<bool, StorageError> {
        let (key, line) = (keys::tenant(record.id), encode(record));
        self.write(move |store| {
            let free = store.tenants.get(key.as_bytes())?.is_none();
            if free {
                store.tenants.insert(key.as_bytes(), &*line)?;
                store.changed = true;
            }
            Ok(free)
        })
        .await
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantRecord>, StorageError> {
        self.read(move |store| {
            let line = store.tenants.get(keys::tenant(tenant).as_bytes())?;
            line.map(|line| decode(tenant, line.value())).transpose()
        })
        .await
    }

    async fn list(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>, StorageError> {
        self.read(move |store| {
            let tenants = store.tenants.range(keys::above(after).as_bytes()..)?.take(limit);
            tenants
                .map(|entry| {
                    let (key, line) = entry?;
                    decode(keys::owner(key.value()).ok_or(CORRUPT)?, line.value())
                })
                .collect()
        })
        .await
    }

    async fn control_heads(&self, tenants: &[TenantId]) -> Result<Vec<u64>, StorageError> {
        let tenants = tenants.to_vec();
        self.read(move |store| tenants.into_iter().map(|tenant| store.control_head(tenant)).collect()).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StorageError> {
        self.read(move |store| {
            let (mut found, mut last) = (Vec::new(), after);
            while found.len() < limit
                && let Some(tenant) = store.busy(last)?
            {
                if is_due(store, tenant, now)? {
                    found.push(tenant);
                }
                last = Some(tenant);
            }
            Ok(found)
        })
        .await
    }
}

fn is_due(store: &Reading, tenant: TenantId, now: Timestamp) -> Result<bool> {
    let snooze = store.due::<Conversation>(tenant, now)?.next().transpose()?;
    Ok(snooze.is_some() || store.due::<Owed>(tenant, now)?.next().transpose()?.is_some())
}

/// A tenant in the registry: when it was made, and its region. A second state would need a place of its own, and does not
/// compile before it has one.
fn encode(record: &TenantRecord) -> Vec<u8> {
    let TenantRecord { id: _, region, state: TenantState::Active, created_at } = record;
    [&created_at.millis().to_be_bytes(), region.as_bytes()].concat()
}

fn decode(id: TenantId, line: &[u8]) -> Result<TenantRecord> {
    let (millis, region) = line.split_first_chunk().ok_or(CORRUPT)?;
    let region = String::from_utf8(region.to_vec()).map_err(|_| CORRUPT)?;
    let created_at = Timestamp::from_millis(i64::from_be_bytes(*millis));
    Ok(TenantRecord { id, region, state: TenantState::Active, created_at })
}

#[async_trait]
impl OutboxRepository for RedbStorage {
    /// It passes over what others hold, which is as much as they have claimed.
    async fn claim(
        &self,
        tenant: TenantId,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<ClaimedNotification>, StorageError> {
        self.write(move |store| {
            let owed = store.records::<Owed>(keys::records(tenant, RecordKind::Notification).all())?;
            let is_free =
                |owed: &Result<Owed>| !matches!(owed, Ok((.., Some(held_until))) if *held_until > now);
            let free = owed.filter(is_free).take(limit).collect::<Result<Vec<_>>>()?;
            let mut claimed = Vec::new();
            for (id, notification, attempts, _) in free {
                let (attempt, held_until) = (attempts.saturating_add(1), Some(until));
                let record = Record::Notification { id, notification, attempts: attempt, held_until };
                store.put(tenant, &record)?;
                claimed.push(ClaimedNotification { id, notification, attempt });
            }
            Ok(claimed)
        })
        .await
    }

    async fn settle(&self, tenant: TenantId, id: OutboxId) -> Result<bool, StorageError> {
        let key = keys::with_id(tenant, RecordKind::Notification, id.uuid());
        self.write(move |store| store.remove(tenant, &key)).await
    }
}

#[async_trait]
impl ControlRepository for RedbStorage {
    async fn append(&self, tenant: TenantId, change: &Change) -> Result<(), StorageError> {
        let change = change.clone();
        self.write(move |store| store.carry(tenant, &change)).await
    }

    async fn head(&self, tenant: TenantId) -> Result<u64, StorageError> {
        self.read(move |store| store.control_head(tenant)).await
    }

    async fn after(
        &self,
        tenant: TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, ControlEvent)>, StorageError> {
        let log = keys::control(tenant);
        let range = log.clone().number(after).end()..log.end();
        self.read(move |store| store.records(range)?.take(limit).collect()).await
    }
}
