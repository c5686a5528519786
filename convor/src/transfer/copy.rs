//! From one storage to another.

use crate::ids::TenantId;
use crate::ports::Storage;
use crate::ports::storage::RecordKind;

use super::digest::digest;
use super::import::{Copied, Importer};
use super::read::{Records, Tenants};
use super::{TransferError, keeps};

/// How far a copy has come.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Records of a tenant have been taken.
    Records {
        /// Whose.
        tenant: TenantId,
        /// The kind of the last ones.
        kind: RecordKind,
        /// How many of the tenant's so far.
        records: u64,
    },
    /// A tenant is done.
    Tenant(&'a Copied),
}

/// Copies these tenants, or with `None` every one, and says how far it has come. How many records there are is not known
/// before they have been read. Each tenant is read from the source a second time at its end, to see whether it has changed
/// meanwhile ([`Copied::changed`]). See the [module](super) for what is promised.
///
/// # Errors
/// [`TransferError`]. Before anything is written: [`TransferError::NoExport`], [`TransferError::NoImport`], and
/// [`TransferError::Unsupported`] if a tenant has records of a group that the destination does not offer.
pub async fn copy(
    from: &dyn Storage,
    to: &dyn Storage,
    these: Option<&[TenantId]>,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<(), TransferError> {
    refuse_what_cannot_be_kept(from, to, these).await?;
    let mut tenants = Tenants::of(from, these);
    while let Some(tenant) = tenants.next().await? {
        let mut records = Records::of(from, tenant.id)?;
        let mut importer = Importer::begin(to, &tenant).await?;
        while let Some(page) = records.next_page().await? {
            let kind = page[0].kind();
            importer.take(page).await?;
            progress(Progress::Records { tenant: tenant.id, kind, records: importer.taken() });
        }
        let mut copied = importer.finish().await?;
        copied.changed = digest(from, tenant.id).await? != copied.digest;
        progress(Progress::Tenant(&copied));
    }
    Ok(())
}

async fn refuse_what_cannot_be_kept(
    from: &dyn Storage,
    to: &dyn Storage,
    these: Option<&[TenantId]>,
) -> Result<(), TransferError> {
    let source = from.transfer().ok_or(TransferError::NoExport)?;
    to.transfer().ok_or(TransferError::NoImport)?;
    let mut tenants = Tenants::of(from, these);
    let kinds = || RecordKind::ALL.iter().filter(|kind| keeps(from, **kind) && !keeps(to, **kind));
    // A name that is none is to be found out before anything is written, too.
    if these.is_none() && kinds().next().is_none() {
        return Ok(());
    }
    while let Some(tenant) = tenants.next().await? {
        for kind in kinds() {
            let first = source.export(tenant.id, *kind, None, 1).await.map_err(TransferError::Source)?;
            if !first.is_empty() {
                return Err(TransferError::Unsupported(*kind));
            }
        }
    }
    Ok(())
}
