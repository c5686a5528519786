//! Moving a tenant's records from one storage to another, and telling whether two storages hold the same.
//!
//! It works on any two adapters that offer [`TransferRepository`](crate::ports::storage::TransferRepository), and does no I/O of its own.
//!
//! ```
//! # #[cfg(feature = "system")]
//! # async fn example(from: &dyn convor::ports::Storage, to: &dyn convor::ports::Storage) -> Result<(), convor::transfer::TransferError> {
//! use convor::transfer::{Progress, copy, digest};
//!
//! let mut exact = true;
//! let mut copied = Vec::new();
//! copy(from, to, None, &mut |progress| {
//!     if let Progress::Tenant(report) = progress {
//!         exact &= report.is_exact();
//!         copied.push(report.digest.clone());
//!     }
//! })
//! .await?;
//! for expected in copied {
//!     exact &= digest(to, expected.tenant).await? == expected;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//!
//! - **A storage that nobody writes to is copied exactly**: the digests of both are equal afterwards. Stop the servers first.
//! - **A copy that was cut off is repeated**, and goes on: source and destination are read side by side in the order of
//!   their keys, and what is there already is not written again. Nothing is missed, because every record of the source is
//!   compared with the destination, and none is taken to be there because a later one is.
//! - **A source that is written to meanwhile is found out**: its records are read again at the end, and a copy of others is not
//!   [exact](Copied::is_exact). Such a copy may hold what the source has purged or erased meanwhile, or only a part of it: copy
//!   into an empty destination once nobody writes.
//! - **A second pass brings what is new.** What is there is never changed or removed: a record that differs or is there only is
//!   counted, and the digests differ.
//! - **Nothing stands outside its log.** An event or a read position that its conversation in the destination has not counted yet, or
//!   has purged, is left out, and counted ([`Copied::left_out`]). Events that were removed before they were read leave a
//!   log with a gap; they are counted too ([`Copied::missing`]).
//! - Other tenants of the destination are not touched.
//! - Blobs are not part of it: they are in a [`BlobStore`](crate::ports::BlobStore).
//!
//! # The canonical form
//!
//! A record is one line of JSON, as [`encode`] writes it: an object with one key, the [name](RecordKind::name) of its kind, whose value
//! has the fields of [`Record`](crate::ports::storage::Record) in the order in which that declares them. Every field is there; what is
//! absent is `null`. Ids and times have their textual forms, 32 bytes are 64 lower-case hexadecimal digits, variants are in `snake_case`.
//! There is no white space. [`FORMAT`] is the version of this form; it changes whenever the line of any record does.

pub mod archive;
mod checked;
mod copy;
mod digest;
mod forms;
mod import;
mod read;
mod record;
#[cfg(test)]
mod tests;

pub use copy::{Progress, copy};
pub use digest::{Digest, Digester, KindDigest, TenantDigest, digest};
pub use import::{Copied, Importer};
pub use read::{Records, Tenants};
pub use record::{InvalidRecord, decode, encode};

use crate::ids::TenantId;
use crate::ports::storage::RecordKind;
use crate::ports::{Storage, StorageError};

/// The version of the canonical form.
pub const FORMAT: u32 = 1;

/// Records that are read or written at once.
pub const PAGE_RECORDS: usize = 500;

/// Tenants that are listed at once.
const PAGE_TENANTS: usize = 200;

/// Why records could not be moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The source does not offer the group.
    #[error("the source cannot hand out its records")]
    NoExport,
    /// The destination does not offer the group.
    #[error("the destination cannot take in records")]
    NoImport,
    /// There are records that the destination does not keep.
    #[error("the destination does not keep records of the kind `{}`, and there are some", .0.name())]
    Unsupported(RecordKind),
    /// There is no such tenant in the source.
    #[error("the source has no tenant {0}")]
    NoTenant(TenantId),
    /// The source failed.
    #[error("the source failed")]
    Source(#[source] StorageError),
    /// The destination failed. A record may refer to one that came to the source after its kind had been copied; a second
    /// pass brings both.
    #[error("the destination failed")]
    Destination(#[source] StorageError),
}

/// Whether a storage keeps records of a kind.
#[must_use]
pub fn keeps(storage: &dyn Storage, kind: RecordKind) -> bool {
    match kind {
        #[cfg(feature = "accounts")]
        RecordKind::Password | RecordKind::Session => storage.accounts().is_some(),
        RecordKind::Upload | RecordKind::RemovableBlob => storage.uploads().is_some(),
        _ => true,
    }
}
