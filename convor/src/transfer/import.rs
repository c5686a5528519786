//! Taking a tenant's records into a storage, beside what is there already.

use uuid::Uuid;

use crate::domain::{Conversation, TenantRecord};
use crate::ports::storage::{Record, RecordKey, RecordKind, TransferRepository};
use crate::ports::{Storage, StorageError};

use super::digest::{Digester, TenantDigest};
use super::read::Cursor;
use super::{TransferError, keeps, record};

/// What became of a tenant's records.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// What the source's records come to, as they were read.
    pub digest: TenantDigest,
    /// Records that were written.
    pub written: u64,
    /// Records that were there already, and equal.
    pub present: u64,
    /// Records that were there already, and differ; they are as they were.
    pub different: u64,
    /// Records that the destination has and the source has not.
    pub extra: u64,
    /// Events and read positions that lie outside the log of their conversation in the destination, and were not written.
    pub left_out: u64,
    /// Events that the source's conversations count and that were not among its records: they were removed while it was read.
    pub missing: u64,
    /// Whether the source's records were others when they were read again. Only [`copy`](super::copy) reads them again.
    pub changed: bool,
}

impl Copied {
    /// Whether the destination holds what the source holds, and nothing else of this tenant.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        let Self { different, extra, left_out, missing, changed, .. } = self;
        *different == 0 && *extra == 0 && *left_out == 0 && *missing == 0 && !*changed
    }
}

/// Takes the records of one tenant, in their order.
#[derive(Debug)]
pub struct Importer<'a> {
    to: &'a dyn Storage,
    tenant: TenantRecord,
    digester: Digester,
    there: There<'a>,
    conversations: Conversations<'a>,
    copied: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    written: u64,
    present: u64,
    different: u64,
    extra: u64,
    left_out: u64,
    /// Events that have yet to come.
    missing: u64,
}

impl Counts {
    /// A log has no gaps: what its conversation counts above its floor comes, event for event.
    fn expect(&mut self, record: &Record) {
        match record {
            Record::Conversation { conversation, .. } => {
                let events = conversation.heads.staff.saturating_sub(conversation.floor.staff);
                self.missing = self.missing.saturating_add(events);
            }
            Record::Event { .. } => self.missing = self.missing.saturating_sub(1),
            _ => {}
        }
    }
}

impl<'a> Importer<'a> {
    /// Registers the tenant, if it is not there.
    ///
    /// # Errors
    /// [`TransferError::NoImport`] if the storage cannot take records in, [`TransferError::Destination`].
    pub async fn begin(to: &'a dyn Storage, tenant: &TenantRecord) -> Result<Self, TransferError> {
        let transfer = to.transfer().ok_or(TransferError::NoImport)?;
        let registry = to.registry();
        let mut copied = Counts::default();
        if !registry.insert(tenant).await.map_err(TransferError::Destination)? {
            let found = registry.find(tenant.id).await.map_err(TransferError::Destination)?;
            copied.different += u64::from(found.as_ref() != Some(tenant));
        }
        Ok(Self {
            to,
            digester: Digester::new(tenant),
            there: There::new(to, transfer, tenant),
            conversations: Conversations::new(transfer, tenant),
            tenant: tenant.clone(),
            copied,
        })
    }

    /// Takes the next records, all of one kind, and writes those that are not there, in one transaction.
    ///
    /// # Errors
    /// [`TransferError::Unsupported`], and nothing is written, if the storage does not keep such records;
    /// [`TransferError::Destination`].
    pub async fn take(&mut self, page: Vec<Record>) -> Result<(), TransferError> {
        let Some(kind) = page.first().map(Record::kind) else { return Ok(()) };
        if !keeps(self.to, kind) {
            return Err(TransferError::Unsupported(kind));
        }
        self.take_supported(kind, page).await.map_err(TransferError::Destination)
    }

    async fn take_supported(&mut self, kind: RecordKind, page: Vec<Record>) -> Result<(), StorageError> {
        let mut new = Vec::with_capacity(page.len());
        self.copied.extra += self.there.come_to(kind).await?;
        for record in page {
            self.digester.add(kind, &record::encode(&record));
            self.copied.expect(&record);
            let (found, extra) = self.there.seek(record.key()).await?;
            self.copied.extra += extra;
            match found {
                Some(found) if found == record => self.copied.present += 1,
                Some(_) => self.copied.different += 1,
                None if self.conversations.fit(&record).await? => new.push(record),
                None => self.copied.left_out += 1,
            }
        }
        if !new.is_empty() {
            self.there.transfer.import(self.tenant.id, &new).await?;
        }
        self.copied.written += new.len() as u64;
        Ok(())
    }

    /// What became of them.
    ///
    /// # Errors
    /// [`TransferError::Destination`].
    pub async fn finish(mut self) -> Result<Copied, TransferError> {
        self.copied.extra += self.there.come_to_the_end().await.map_err(TransferError::Destination)?;
        let Counts { written, present, different, extra, left_out, missing } = self.copied;
        let digest = self.digester.finish();
        Ok(Copied { digest, written, present, different, extra, left_out, missing, changed: false })
    }

    /// How many records have been taken so far.
    #[must_use]
    pub const fn taken(&self) -> u64 {
        let Counts { written, present, different, left_out, .. } = &self.copied;
        *written + *present + *different + *left_out
    }
}

/// What the destination has, in the order in which records come.
struct There<'a> {
    to: &'a dyn Storage,
    transfer: &'a dyn TransferRepository,
    tenant: TenantRecord,
    kinds: std::slice::Iter<'static, RecordKind>,
    cursor: Option<Cursor<'a>>,
}

impl<'a> There<'a> {
    fn new(to: &'a dyn Storage, transfer: &'a dyn TransferRepository, tenant: &TenantRecord) -> Self {
        Self { to, transfer, tenant: tenant.clone(), kinds: RecordKind::ALL.iter(), cursor: None }
    }

    /// Goes on to a kind; answers how many records it has passed over.
    async fn come_to(&mut self, kind: RecordKind) -> Result<u64, StorageError> {
        let mut passed = 0;
        while self.cursor.as_ref().is_none_or(|cursor| cursor.kind() != kind) {
            let Some(left) = self.next_kind().await? else { break };
            passed += left;
        }
        Ok(passed)
    }

    async fn come_to_the_end(&mut self) -> Result<u64, StorageError> {
        let mut passed = 0;
        while let Some(left) = self.next_kind().await? {
            passed += left;
        }
        Ok(passed)
    }

    /// Leaves a kind for the next one; answers how many records of it were left, `None` after the last kind.
    async fn next_kind(&mut self) -> Result<Option<u64>, StorageError> {
        let left = match self.cursor.take() {
            Some(cursor) => cursor.rest().await?,
            None => 0,
        };
        let next = self.kinds.find(|kind| keeps(self.to, **kind));
        self.cursor = next.map(|kind| Cursor::new(self.transfer, self.tenant.id, *kind));
        Ok(if next.is_some() || left > 0 { Some(left) } else { None })
    }

    async fn seek(&mut self, key: RecordKey) -> Result<(Option<Record>, u64), StorageError> {
        match &mut self.cursor {
            Some(cursor) => cursor.seek(key).await,
            None => Ok((None, 0)),
        }
    }
}

impl std::fmt::Debug for There<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("There").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

/// The destination's conversations, side by side with what hangs on them.
struct Conversations<'a> {
    transfer: &'a dyn TransferRepository,
    tenant: TenantRecord,
    /// For which kind they are looked at, and where.
    cursor: Option<(RecordKind, Cursor<'a>)>,
    /// The last one that was looked for, and what was found.
    last: Option<(Uuid, Option<Conversation>)>,
}

impl<'a> Conversations<'a> {
    fn new(transfer: &'a dyn TransferRepository, tenant: &TenantRecord) -> Self {
        Self { transfer, tenant: tenant.clone(), cursor: None, last: None }
    }

    /// Whether a record fits to its conversation. An event that the conversation does not count would be overwritten, or would
    /// stand in the way of the next one; one below its floor has been purged there; and nobody has read what is not there yet.
    async fn fit(&mut self, record: &Record) -> Result<bool, StorageError> {
        Ok(match record {
            Record::Event { event, .. } => {
                let found = self.find(record.kind(), event.conversation.uuid()).await?;
                found.is_some_and(|Conversation { floor, heads, .. }| {
                    floor.staff < event.position.staff && event.position.staff <= heads.staff
                })
            }
            Record::Read { conversation, up_to, .. } => {
                let found = self.find(record.kind(), conversation.uuid()).await?;
                found.is_some_and(|Conversation { heads, .. }| {
                    up_to.staff <= heads.staff && up_to.visitor <= heads.visitor
                })
            }
            _ => true,
        })
    }

    async fn find(
        &mut self,
        kind: RecordKind,
        conversation: Uuid,
    ) -> Result<Option<&Conversation>, StorageError> {
        if self.cursor.as_ref().is_none_or(|(present, _)| *present != kind) {
            let cursor = Cursor::new(self.transfer, self.tenant.id, RecordKind::Conversation);
            (self.cursor, self.last) = (Some((kind, cursor)), None);
        }
        if self.last.as_ref().is_none_or(|(last, _)| *last != conversation)
            && let Some((_, cursor)) = &mut self.cursor
        {
            let (found, _) = cursor.seek(RecordKey { id: conversation, part: Uuid::nil() }).await?;
            let found = found.and_then(|record| match record {
                Record::Conversation { conversation, .. } => Some(conversation),
                _ => None,
            });
            self.last = Some((conversation, found));
        }
        Ok(self.last.as_ref().and_then(|(_, found)| found.as_ref()))
    }
}

impl std::fmt::Debug for Conversations<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversations").finish_non_exhaustive()
    }
}
