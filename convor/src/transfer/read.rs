//! What a storage hands out, page by page.

use std::collections::VecDeque;

use crate::domain::TenantRecord;
use crate::ids::TenantId;
use crate::ports::storage::{Record, RecordKey, RecordKind, TransferRepository};
use crate::ports::{Storage, StorageError, StorageErrorKind};

use super::{PAGE_RECORDS, PAGE_TENANTS, TransferError, keeps};

/// All records of a tenant, kind after kind in the order of [`RecordKind::ALL`], within a kind by their keys.
#[derive(Debug)]
pub struct Records<'a> {
    storage: &'a dyn Storage,
    tenant: TenantId,
    kinds: std::slice::Iter<'static, RecordKind>,
    pages: Option<Pages<'a>>,
}

impl<'a> Records<'a> {
    /// The records of a tenant.
    ///
    /// # Errors
    /// [`TransferError::NoExport`] if the storage cannot hand them out.
    pub fn of(storage: &'a dyn Storage, tenant: TenantId) -> Result<Self, TransferError> {
        storage.transfer().ok_or(TransferError::NoExport)?;
        Ok(Self { storage, tenant, kinds: RecordKind::ALL.iter(), pages: None })
    }

    /// The next records, at least one and at most [`PAGE_RECORDS`], all of one kind; `None` at the end.
    ///
    /// # Errors
    /// [`TransferError::Source`].
    pub async fn next_page(&mut self) -> Result<Option<Vec<Record>>, TransferError> {
        loop {
            if let Some(pages) = &mut self.pages {
                let page = pages.next().await.map_err(TransferError::Source)?;
                if !page.is_empty() {
                    return Ok(Some(page));
                }
            }
            let Some(kind) = self.kinds.find(|kind| keeps(self.storage, **kind)) else { return Ok(None) };
            let transfer = self.storage.transfer().ok_or(TransferError::NoExport)?;
            self.pages = Some(Pages::new(transfer, self.tenant, *kind));
        }
    }
}

/// The pages of one kind.
struct Pages<'a> {
    transfer: &'a dyn TransferRepository,
    tenant: TenantId,
    kind: RecordKind,
    after: Option<RecordKey>,
    ended: bool,
}

impl<'a> Pages<'a> {
    fn new(transfer: &'a dyn TransferRepository, tenant: TenantId, kind: RecordKind) -> Self {
        Self { transfer, tenant, kind, after: None, ended: false }
    }

    /// The next page; empty at the end.
    async fn next(&mut self) -> Result<Vec<Record>, StorageError> {
        if self.ended {
            return Ok(Vec::new());
        }
        let page = self.transfer.export(self.tenant, self.kind, self.after, PAGE_RECORDS).await?;
        // A page that goes back would be read for ever, and a copy would miss what it skips.
        for record in &page {
            let key = Some(record.key());
            if record.kind() != self.kind || key <= self.after {
                return Err(StorageError::new(StorageErrorKind::Corrupt));
            }
            self.after = key;
        }
        self.ended = page.len() < PAGE_RECORDS;
        Ok(page)
    }
}

impl std::fmt::Debug for Pages<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The records of one kind, looked at by ascending keys.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    pages: Pages<'a>,
    waiting: VecDeque<Record>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(transfer: &'a dyn TransferRepository, tenant: TenantId, kind: RecordKind) -> Self {
        Self { pages: Pages::new(transfer, tenant, kind), waiting: VecDeque::new() }
    }

    pub(super) const fn kind(&self) -> RecordKind {
        self.pages.kind
    }

    /// The record with this key, if there is one, and how many were passed over on the way to it. Keys must ascend.
    pub(super) async fn seek(&mut self, key: RecordKey) -> Result<(Option<Record>, u64), StorageError> {
        let mut passed = 0;
        loop {
            match self.waiting.front() {
                Some(record) if record.key() == key => return Ok((self.waiting.pop_front(), passed)),
                Some(record) if record.key() > key => return Ok((None, passed)),
                Some(_) => {
                    self.waiting.pop_front();
                    passed += 1;
                }
                None => {
                    self.waiting = self.pages.next().await?.into();
                    if self.waiting.is_empty() {
                        return Ok((None, passed));
                    }
                }
            }
        }
    }

    /// How many are left.
    pub(super) async fn rest(mut self) -> Result<u64, StorageError> {
        let mut rest = 0;
        loop {
            rest += self.waiting.len() as u64;
            self.waiting = self.pages.next().await?.into();
            if self.waiting.is_empty() {
                return Ok(rest);
            }
        }
    }
}

/// Tenants of a storage: all in the order of their ids, or those that are named.
#[derive(Debug)]
pub struct Tenants<'a> {
    storage: &'a dyn Storage,
    named: Option<std::slice::Iter<'a, TenantId>>,
    listed: VecDeque<TenantRecord>,
    after: Option<TenantId>,
}

impl<'a> Tenants<'a> {
    /// These, or with `None` every one.
    #[must_use]
    pub fn of(storage: &'a dyn Storage, these: Option<&'a [TenantId]>) -> Self {
        Self { storage, named: these.map(<[_]>::iter), listed: VecDeque::new(), after: None }
    }

    /// The next tenant; `None` at the end.
    ///
    /// # Errors
    /// [`TransferError::NoTenant`] if one that is named is not there, [`TransferError::Source`].
    pub async fn next(&mut self) -> Result<Option<TenantRecord>, TransferError> {
        if let Some(named) = &mut self.named {
            return match named.next() {
                Some(tenant) => Self::find(self.storage, *tenant).await.map(Some),
                None => Ok(None),
            };
        }
        if self.listed.is_empty() {
            let page = self.storage.registry().list(self.after, PAGE_TENANTS).await;
            self.listed = page.map_err(TransferError::Source)?.into();
        }
        let next = self.listed.pop_front();
        self.after = next.as_ref().map(|tenant| tenant.id).or(self.after);
        Ok(next)
    }

    pub(super) async fn find(storage: &dyn Storage, tenant: TenantId) -> Result<TenantRecord, TransferError> {
        let found = storage.registry().find(tenant).await.map_err(TransferError::Source)?;
        found.ok_or(TransferError::NoTenant(tenant))
    }
}
