//! Into an archive, and out of one.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{bail, ensure};
use convor::ids::TenantId;
use convor::ports::Storage;
use convor::ports::storage::Record;
use convor::transfer::archive::{ArchiveWriter, LINE_BYTES_MAX, Part};
use convor::transfer::{Copied, Importer, PAGE_RECORDS, Records, Tenants, TransferError, digest, keeps};

use super::Outcome;
use super::file::{Sink, Source};
use super::shown::Shown;

/// Lines of the archive that are taken in at once, in bytes, unless it is a longer one alone.
const PAGE_BYTES: usize = LINE_BYTES_MAX / 2;

/// Writes an archive of these tenants, or with `None` of every one. Each is read a second time: an archive of a storage that is
/// written to meanwhile is none.
pub(super) async fn write(from: &dyn Storage, path: &Path, these: Option<&[TenantId]>) -> anyhow::Result<()> {
    let (mut sink, mut shown) = (Sink::create(path)?, Shown::without_total());
    let mut lines = Vec::new();
    let mut archive = ArchiveWriter::begin(&mut lines);
    let mut tenants = Tenants::of(from, these);
    while let Some(tenant) = tenants.next().await? {
        archive.tenant(&tenant, &mut lines)?;
        let (mut records, mut written) = (Records::of(from, tenant.id)?, 0);
        while let Some(page) = records.next_page().await? {
            for record in &page {
                archive.record(record, &mut lines)?;
                sink.write(&mut lines)?;
            }
            written += page.len() as u64;
            shown.records(tenant.id, written);
        }
        if let Some(written) = archive.end_tenant(&mut lines) {
            let id = tenant.id;
            let same = digest(from, id).await? == written;
            ensure!(same, "tenant {id} has changed while it was read; stop the servers, and copy again");
            println!("{id} {} records, SHA-256 {}: archived", written.records(), written.sha256);
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
    let (mut missing, mut tenants): (BTreeSet<_>, u64) = (these.unwrap_or_default().iter().collect(), 0);
    while let Some(part) = source.next()? {
        if let Part::TenantEnd(digest) = part
            && wanted(digest.tenant)
        {
            missing.remove(&digest.tenant);
            tenants += 1;
            if let Some(kind) = digest.kinds.iter().find(|of| !keeps(to, of.kind)) {
                return Err(TransferError::Unsupported(kind.kind).into());
            }
        }
    }
    if let Some(tenant) = missing.first() {
        bail!("the archive has no tenant {tenant}");
    }
    ensure!(tenants > 0, "the archive has no tenants");

    source.rewind()?;
    let (mut shown, mut outcome) = (Shown::with_total(source.bytes()), Outcome::default());
    let mut taking = None;
    while let Some(part) = source.next()? {
        match part {
            Part::Tenant(tenant) if wanted(tenant.id) => {
                let importer = Importer::begin(to, &tenant).await?;
                taking = Some(Taking { importer, tenant: tenant.id, page: Vec::new(), bytes: 0 });
            }
            Part::Record(record) => {
                if let Some(taking) = &mut taking
                    && taking.take(record, source.line_bytes()).await?
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
    /// Of the page's lines.
    bytes: usize,
}

impl Taking<'_> {
    /// Takes a record, whose line has so many bytes; answers whether those before it have been handed on.
    async fn take(&mut self, record: Record, bytes: usize) -> Result<bool, TransferError> {
        let full = self.page.len() >= PAGE_RECORDS
            || (!self.page.is_empty() && self.bytes.saturating_add(bytes) > PAGE_BYTES)
            || self.page.first().is_some_and(|first| first.kind() != record.kind());
        if full {
            self.importer.take(std::mem::take(&mut self.page)).await?;
            self.bytes = 0;
        }
        self.page.push(record);
        self.bytes += bytes;
        Ok(full)
    }

    async fn finish(mut self) -> Result<Copied, TransferError> {
        self.importer.take(self.page).await?;
        self.importer.finish().await
    }
}

#[cfg(test)]
mod tests {
    use convor::domain::{TenantRecord, TenantState};
    use convor::ports::BlobKey;
    use convor::time::Timestamp;
    use convor_memory::MemoryStorage;

    use super::*;

    fn id(number: u64) -> TenantId {
        format!("00000000-0000-0000-0000-{number:012x}").parse().expect("an id")
    }

    #[tokio::test]
    async fn a_page_is_bounded_by_its_bytes_too() {
        let (to, tenant, created_at) = (MemoryStorage::new(), id(1), Timestamp::from_millis(0));
        let record =
            TenantRecord { id: tenant, region: "eu".to_owned(), state: TenantState::Active, created_at };
        let importer = Importer::begin(&to, &record).await.expect("it begins");
        let mut taking = Taking { importer, tenant, page: Vec::new(), bytes: 0 };
        for (key, (bytes, handed_on)) in (1..).zip([
            (LINE_BYTES_MAX, false),
            (1, true),
            (PAGE_BYTES - 1, false),
            (1, true),
            (PAGE_BYTES / 2, false),
            (PAGE_BYTES, true),
        ]) {
            let record = Record::RemovableBlob(BlobKey(id(key).uuid()));
            assert_eq!(taking.take(record, bytes).await.expect("it is taken"), handed_on, "{bytes}");
        }
        let copied = taking.finish().await.expect("it ends");
        assert_eq!((copied.written, copied.is_exact()), (6, true), "{copied:?}");
    }
}
