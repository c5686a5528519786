//! What one transaction sees and does. The records are those of the core's own transfer format, each under its key; all
//! else is derived from them and changes with them.

use std::collections::BTreeSet;
use std::ops::Range;

use convor::domain::{ControlEvent, Conversation, OutboxEntry};
use convor::ids::TenantId;
use convor::ports::Change;
use convor::ports::storage::{AuditRow, Record, RecordKind};
use convor::time::Timestamp;
use convor::transfer::encode;
use redb::{
    ReadOnlyTable, ReadTransaction, ReadableTable, Table, TableDefinition, TableError, WriteTransaction,
};
use uuid::Uuid;

use crate::failure::{CORRUPT, Result, TAKEN};
use crate::index;
use crate::kept::{Kept, whole};
use crate::keys::{self, Key};

type Bytes = &'static [u8];

/// The tables, as one transaction sees them.
pub(crate) struct Store<T> {
    /// The registry.
    pub(crate) tenants: T,
    /// Every record, as the core encodes it.
    records: T,
    /// By what else a record is found, and its key.
    index: T,
    /// With which records there is work, and from when on. It is apart, so that a tenant without work costs nothing there.
    due: T,
    /// Whether there is something to commit.
    pub(crate) changed: bool,
}

pub(crate) type Reading = Store<ReadOnlyTable<Bytes, Bytes>>;
pub(crate) type Writing<'a> = Store<Table<'a, Bytes, Bytes>>;

impl Reading {
    pub(crate) fn of(transaction: &ReadTransaction) -> Result<Self> {
        Self::open(|table| transaction.open_table(table))
    }
}

impl<'a> Writing<'a> {
    pub(crate) fn of(transaction: &'a WriteTransaction) -> Result<Self> {
        Self::open(|table| transaction.open_table(table))
    }
}

impl<T: ReadableTable<Bytes, Bytes>> Store<T> {
    fn open(table: impl Fn(TableDefinition<Bytes, Bytes>) -> Result<T, TableError>) -> Result<Self> {
        Ok(Self {
            tenants: table(TableDefinition::new("tenants"))?,
            records: table(TableDefinition::new("records"))?,
            index: table(TableDefinition::new("index"))?,
            due: table(TableDefinition::new("due"))?,
            changed: false,
        })
    }

    /// A record by its id.
    pub(crate) fn get<K: Kept>(&self, tenant: TenantId, id: Uuid) -> Result<Option<K>> {
        self.at(&keys::with_id(tenant, K::KIND, id))
    }

    /// A record by its key.
    pub(crate) fn at<K: Kept>(&self, key: &Key) -> Result<Option<K>> {
        self.record(key)?.map(K::of).transpose()
    }

    /// A record, whole.
    fn record(&self, key: &Key) -> Result<Option<Record>> {
        self.records.get(key.as_bytes())?.map(|line| whole(line.value())).transpose()
    }

    /// The record to which an entry leads.
    pub(crate) fn find<K: Kept>(&self, entry: &Key) -> Result<Option<K>> {
        let key = self.index.get(entry.as_bytes())?.map(|key| Key::from(key.value()));
        key.map_or(Ok(None), |key| self.at(&key))
    }

    /// The records in a range of keys.
    pub(crate) fn records<K: Kept>(
        &self,
        range: Range<Key>,
    ) -> Result<impl DoubleEndedIterator<Item = Result<K>>> {
        Ok(scan(&self.records, &range)?.map(|found| K::of(whole(found?.1.value())?)))
    }

    /// The keys of the records in a range.
    pub(crate) fn keys(&self, range: Range<Key>) -> Result<Vec<Key>> {
        scan(&self.records, &range)?.map(|found| Ok(found?.0.value().into())).collect()
    }

    /// The keys of the records to which the entries in a range lead.
    pub(crate) fn targets(&self, range: Range<Key>) -> Result<impl DoubleEndedIterator<Item = Result<Key>>> {
        Ok(scan(&self.index, &range)?.map(|found| Ok(found?.1.value().into())))
    }

    /// The records to which the entries in a range lead.
    pub(crate) fn through<K: Kept>(
        &self,
        range: Range<Key>,
    ) -> Result<impl DoubleEndedIterator<Item = Result<K>>> {
        Ok(self.targets(range)?.map(|key| self.at(&key?)?.ok_or(CORRUPT)))
    }

    /// How many entries there are in a range, counted to `most`.
    pub(crate) fn count(&self, range: Range<Key>, most: usize) -> Result<usize> {
        self.targets(range)?.take(most).try_fold(0, |count, key| key.map(|_| count + 1))
    }

    /// The records of a kind for which there is work at a time, the longest due first.
    pub(crate) fn due<K: Kept>(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<impl Iterator<Item = Result<K>>> {
        let due = keys::records(tenant, K::KIND);
        let found = scan(&self.due, &(due.clone()..due.time(now).end()))?;
        Ok(found.map(|found| self.at(&found?.1.value().into())?.ok_or(CORRUPT)))
    }

    /// The first tenant above `after` for which there is work, now or later.
    pub(crate) fn busy(&self, after: Option<TenantId>) -> Result<Option<TenantId>> {
        let first = self.due.range(keys::above(after).as_bytes()..)?.next().transpose()?;
        first.map(|(key, _)| keys::owner(key.value()).ok_or(CORRUPT)).transpose()
    }

    /// At most `limit` records of a kind with ids above `after`.
    pub(crate) fn page<K: Kept>(
        &self,
        tenant: TenantId,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<K>> {
        let kind = keys::records(tenant, K::KIND);
        let start = after.map_or(kind.clone(), |after| kind.clone().id(after).end());
        self.records(start..kind.end())?.take(limit).collect()
    }

    /// The position of the tenant's last control event.
    pub(crate) fn control_head(&self, tenant: TenantId) -> Result<u64> {
        let last = self.records(keys::records(tenant, RecordKind::Control).all())?.next_back();
        Ok(last.transpose()?.map_or(0, |(position, _): (u64, ControlEvent)| position))
    }
}

impl Writing<'_> {
    /// Stores a new record; `false`, and no change, if its id is taken or something else that is unique.
    pub(crate) fn insert(&mut self, tenant: TenantId, record: &Record) -> Result<bool> {
        let free = self.records.get(keys::record(tenant, record).as_bytes())?.is_none();
        for entry in index::entries(tenant, record) {
            if self.index.get(entry.as_bytes())?.is_some() {
                return Ok(false);
            }
        }
        if free {
            self.put(tenant, record)?;
        }
        Ok(free)
    }

    /// Stores a record that nothing that is stored can stand in the way of.
    pub(crate) fn add(&mut self, tenant: TenantId, record: &Record) -> Result<()> {
        if self.insert(tenant, record)? { Ok(()) } else { Err(TAKEN) }
    }

    /// Stores a record in place of what has its key.
    pub(crate) fn put(&mut self, tenant: TenantId, record: &Record) -> Result<()> {
        let key = keys::record(tenant, record);
        let old = self.records.insert(key.as_bytes(), &*encode(record))?;
        let old = old.map(|line| whole(line.value())).transpose()?;
        self.derive(tenant, &key, old.as_ref(), Some(record))
    }

    /// Removes a record; `false` if there is none.
    pub(crate) fn remove(&mut self, tenant: TenantId, key: &Key) -> Result<bool> {
        let old = self.records.remove(key.as_bytes())?.map(|line| whole(line.value())).transpose()?;
        let Some(old) = old else { return Ok(false) };
        self.derive(tenant, key, Some(&old), None)?;
        Ok(true)
    }

    /// Stores a conversation in place of what it was.
    pub(crate) fn amend(&mut self, tenant: TenantId, changed: &Conversation) -> Result<()> {
        let key = keys::with_id(tenant, RecordKind::Conversation, changed.id.uuid());
        let mut record = self.record(&key)?.ok_or(CORRUPT)?;
        if let Record::Conversation { conversation, .. } = &mut record {
            conversation.clone_from(changed);
        }
        self.put(tenant, &record)
    }

    /// Stores what goes with a change.
    pub(crate) fn carry(&mut self, tenant: TenantId, change: &Change) -> Result<()> {
        if let Some(record) = change.audit.clone() {
            self.add(tenant, &Record::Audit(AuditRow { actor: change.actor, at: change.at, record }))?;
        }
        for entry in &change.outbox {
            let record = match *entry {
                OutboxEntry::Notify { id, notification } => {
                    Record::Notification { id, notification, attempts: 0, held_until: None }
                }
                OutboxEntry::Control(event) => {
                    Record::Control { position: self.control_head(tenant)? + 1, event }
                }
            };
            self.add(tenant, &record)?;
        }
        Ok(())
    }

    /// An entry that leads to a record and is not derived from it alone.
    pub(crate) fn mark(&mut self, entry: &Key, record: &Key) -> Result<()> {
        self.index.insert(entry.as_bytes(), record.as_bytes())?;
        Ok(())
    }

    /// Removes such an entry.
    pub(crate) fn unmark(&mut self, entry: &Key) -> Result<()> {
        self.index.remove(entry.as_bytes())?;
        Ok(())
    }

    /// Brings what is derived from a record up to date.
    fn derive(
        &mut self,
        tenant: TenantId,
        key: &Key,
        old: Option<&Record>,
        new: Option<&Record>,
    ) -> Result<()> {
        self.changed = true;
        let entries = |record: Option<&Record>| record.map_or(BTreeSet::new(), |r| index::entries(tenant, r));
        let (before, after) = (entries(old), entries(new));
        for entry in before.difference(&after) {
            self.index.remove(entry.as_bytes())?;
        }
        for entry in after.difference(&before) {
            self.index.insert(entry.as_bytes(), key.as_bytes())?;
        }
        if let Some(entry) = old.and_then(|record| index::due(tenant, record)) {
            self.due.remove(entry.as_bytes())?;
        }
        if let Some(entry) = new.and_then(|record| index::due(tenant, record)) {
            self.due.insert(entry.as_bytes(), key.as_bytes())?;
        }
        Ok(())
    }
}

fn scan<'a, T>(table: &'a T, range: &Range<Key>) -> Result<redb::Range<'a, Bytes, Bytes>>
where
    T: ReadableTable<Bytes, Bytes>,
{
    Ok(table.range(range.start.as_bytes()..range.end.as_bytes())?)
}
