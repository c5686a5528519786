//! Into an archive, and out of one.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{bail, ensure};
use convor::ids::TenantId;
use convor::ports::Storage;
use convor::ports::storage::{Record, RecordKind};
use convor::transfer::archive::{ArchiveWriter, LINE_BYTES_MAX, Part};
use convor::transfer::{Copied, Importer, PAGE_RECORDS, Records, Tenants, TransferError, digest, keeps};

use super::file::{Sink, Source};
use super::outcome::{Outcome, told};
use super::shown::{Shown, count};

/// Lines of the archive that are taken in at once, in bytes, unless it is a longer one alone.
const PAGE_BYTES: usize = LINE_BYTES_MAX / 2;

/// Writes an archive of these tenants, or with `None` of every one; there are so many. Each is read a second time: an archive of a
/// storage that is written to meanwhile is none.
pub(super) async fn write(
    from: &dyn Storage,
    path: &Path,
    these: Option<&[TenantId]>,
    tenants: u64,
) -> anyhow::Result<()> {
    let (mut sink, mut shown) = (Sink::create(path)?, Shown::without_total(tenants));
    let (mut archived, mut all) = (0, 0);
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
            shown.records(written);
        }
        if let Some(written) = archive.end_tenant(&mut lines) {
            let id = tenant.id;
            let same = digest(from, id).await? == written;
            ensure!(same, "tenant {id} has changed while it was read; stop the servers, and copy again");
            shown.result(&format!("{id} ({}) {}: archived", shown.place(), told(&written)));
            (archived, all) = (archived + 1, all + written.records());
        }
        shown.finished();
    }
    archive.end(&mut lines);
    sink.write(&mut lines)?;
    sink.finish()?;
    shown.result(&format!("{}, {}: all archived", count(archived, "tenant"), count(all, "record")));
    Ok(())
}

/// An archive that has been read once, and is whole and has the tenants that are wanted.
pub(super) struct Whole<'a> {
    source: Source,
    these: Option<&'a [TenantId]>,
    tenants: u64,
    kinds: BTreeSet<RecordKind>,
}

impl<'a> Whole<'a> {
    /// Reads an archive to its end, of which these tenants are wanted, or with `None` every one.
    pub(super) async fn open(path: &Path, these: Option<&'a [TenantId]>) -> anyhow::Result<Self> {
        let mut source = Source::open(path)?;
        let (mut missing, mut tenants): (BTreeSet<_>, u64) = (these.unwrap_or_default().iter().collect(), 0);
        let mut kinds = BTreeSet::new();
        while let Some(part) = source.next()? {
            if source.is_turn_of_others() {
                // Nothing else here waits for anything, and whoever says stop is to be heard.
                tokio::task::yield_now().await;
            }
            if let Part::TenantEnd(digest) = part
                && is_wanted(these, digest.tenant)
            {
                missing.remove(&digest.tenant);
                tenants += 1;
                kinds.extend(digest.kinds.iter().map(|of| of.kind));
            }
        }
        if let Some(tenant) = missing.first() {
            bail!("the archive has no tenant {tenant}");
        }
        ensure!(tenants > 0, "the archive has no tenants");
        Ok(Self { source, these, tenants, kinds })
    }

    /// Takes its tenants out of it, if the destination keeps what is in it.
    pub(super) async fn read(mut self, to: &dyn Storage) -> anyhow::Result<()> {
        to.transfer().ok_or(TransferError::NoImport)?;
        if let Some(kind) = self.kinds.iter().find(|kind| !keeps(to, **kind)) {
            return Err(TransferError::Unsupported(*kind).into());
        }
        let source = &mut self.source;
        source.rewind()?;
        let mut shown = Shown::with_total(self.tenants, source.bytes());
        let (mut outcome, mut taking) = (Outcome::default(), None);
        while let Some(part) = source.next()? {
            match part {
                Part::Tenant(tenant) if is_wanted(self.these, tenant.id) => {
                    let importer = Importer::begin(to, &tenant).await?;
                    taking = Some(Taking { importer, page: Vec::new(), bytes: 0 });
                }
                Part::Record(record) => {
                    if let Some(taking) = &mut taking
                        && taking.take(record, source.line_bytes()).await?
                    {
                        shown.records(taking.importer.taken());
                        shown.position(source.position());
                    }
                }
                Part::TenantEnd(digest) => {
                    if let Some(taking) = taking.take() {
                        shown.records(digest.records());
                        outcome.note(&taking.finish().await?);
                        shown.finished();
                    }
                }
                _ => {}
            }
        }
        outcome.compare(to, &mut shown).await
    }
}

fn is_wanted(these: Option<&[TenantId]>, tenant: TenantId) -> bool {
    these.is_none_or(|these| these.contains(&tenant))
}

/// Gathers records to pages of one kind.
struct Taking<'a> {
    importer: Importer<'a>,
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
        let mut taking = Taking { importer, page: Vec::new(), bytes: 0 };
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
