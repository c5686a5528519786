//! Into an archive, and out of one.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::bail;
use convor::ids::TenantId;
use convor::ports::Storage;
use convor::ports::storage::Record;
use convor::transfer::archive::{ArchiveWriter, Part};
use convor::transfer::{Copied, Importer, PAGE_RECORDS, Records, Tenants, TransferError, keeps};

use super::Outcome;
use super::file::{Sink, Source};
use super::shown::Shown;

/// Writes an archive of these tenants, or with `None` of every one.
pub(super) async fn write(from: &dyn Storage, path: &Path, these: Option<&[TenantId]>) -> anyhow::Result<()> {
    let (mut sink, mut shown) = (Sink::create(path)?, Shown::without_total());
    let mut lines = Vec::new();
    let mut archive = ArchiveWriter::begin(&mut lines);
    let mut tenants = Tenants::of(from, these);
    while let Some(tenant) = tenants.next().await? {
        archive.tenant(&tenant, &mut lines);
        let (mut records, mut written) = (Records::of(from, tenant.id)?, 0);
        while let Some(page) = records.next_page().await? {
            page.iter().for_each(|record| archive.record(record, &mut lines));
            sink.write(&mut lines)?;
            written += page.len() as u64;
            shown.records(tenant.id, written);
        }
        if let Some(digest) = archive.end_tenant(&mut lines) {
            println!("{} {} records, SHA-256 {}: archived", tenant.id, digest.records(), digest.sha256);
        }
    }
    archive.end(&mut lines);
    sink.write(&mut lines)?;
    sink.finish()?;
    shown.end();
    Ok(())
}

/// Takes these tenants out of an archive, or with `None` every one. It is read twice: once to see that it is whole and
/// that the destination keeps what is in it, before anything is written there.
pub(super) async fn read(path: &Path, to: &dyn Storage, these: Option<&[TenantId]>) -> anyhow::Result<()> {
    to.transfer().ok_or(TransferError::NoImport)?;
    let wanted = |tenant: TenantId| these.is_none_or(|these| these.contains(&tenant));
    let mut source = Source::open(path)?;
    let mut missing: BTreeSet<_> = these.unwrap_or_default().iter().collect();
    while let Some(part) = source.next()? {
        if let Part::TenantEnd(digest) = part
            && wanted(digest.tenant)
        {
            missing.remove(&digest.tenant);
            if let Some(kind) = digest.kinds.iter().find(|of| !keeps(to, of.kind)) {
                return Err(TransferError::Unsupported(kind.kind).into());
            }
        }
    }
    if let Some(tenant) = missing.first() {
        bail!("the archive has no tenant {tenant}");
    }

    source.rewind()?;
    let (mut shown, mut outcome) = (Shown::with_total(source.bytes()), Outcome::default());
    let mut taking = None;
    while let Some(part) = source.next()? {
        match part {
            Part::Tenant(tenant) if wanted(tenant.id) => {
                let importer = Importer::begin(to, &tenant).await?;
                taking = Some(Taking { importer, tenant: tenant.id, page: Vec::new() });
            }
            Part::Record(record) => {
                if let Some(taking) = &mut taking
                    && taking.take(record).await?
                {
                    shown.records(taking.tenant, taking.importer.taken());
                    shown.position(source.position());
                }
            }
            Part::TenantEnd(_) => {
                if let Some(taking) = taking.take() {
                    outcome.note(&taking.finish().await?);
                }
            }
            _ => {}
        }
    }
    shown.end();
    outcome.compare(to).await
}

/// Gathers records to pages of one kind.
struct Taking<'a> {
    importer: Importer<'a>,
    tenant: TenantId,
    page: Vec<Record>,
}

impl Taking<'_> {
    /// Takes a record; answers whether those before it have been handed on.
    async fn take(&mut self, record: Record) -> Result<bool, TransferError> {
        let full = self.page.len() >= PAGE_RECORDS
            || self.page.first().is_some_and(|first| first.kind() != record.kind());
        if full {
            self.importer.take(std::mem::take(&mut self.page)).await?;
        }
        self.page.push(record);
        Ok(full)
    }

    async fn finish(mut self) -> Result<Copied, TransferError> {
        self.importer.take(self.page).await?;
        self.importer.finish().await
    }
}
