//! What a tenant's records come to: equal digests are equal records.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::domain::TenantRecord;
use crate::ids::TenantId;
use crate::ports::Storage;
use crate::ports::storage::RecordKind;

use super::read::{Records, Tenants};
use super::{TransferError, archive, record};

/// A SHA-256; 64 lower-case hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

/// What the records of a tenant come to.
///
/// The digest of a kind is the SHA-256 over the canonical forms of its records, each with a line feed after it, in the order of
/// their keys. That of the tenant is the one over the line of its [`TenantRecord`] as it stands in an archive, and then for
/// each kind of which there are records, in the order of [`RecordKind::ALL`], `<name> <number> <digest>`, each with a line
/// feed after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TenantDigest {
    /// Whose records they are.
    pub tenant: TenantId,
    /// The kinds of which there are records.
    pub kinds: Vec<KindDigest>,
    /// What all of them come to.
    pub sha256: Digest,
}

/// What the records of a kind come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KindDigest {
    /// The name of the kind.
    #[serde(with = "kind_name")]
    pub kind: RecordKind,
    /// How many there are.
    pub records: u64,
    /// What they come to.
    pub sha256: Digest,
}

impl TenantDigest {
    /// How many records there are.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.kinds.iter().map(|kind| kind.records).sum()
    }

    /// The first kind in which two digests differ.
    #[must_use]
    pub fn first_difference(&self, other: &Self) -> Option<RecordKind> {
        let of = |digest: &Self, kind| digest.kinds.iter().find(|found| found.kind == kind).cloned();
        RecordKind::ALL.iter().copied().find(|kind| of(self, *kind) != of(other, *kind))
    }
}

/// What a tenant's records come to.
///
/// # Errors
/// [`TransferError::NoTenant`] if there is no such tenant, [`TransferError::Source`] if the storage failed.
pub async fn digest(storage: &dyn Storage, tenant: TenantId) -> Result<TenantDigest, TransferError> {
    let found = Tenants::find(storage, tenant).await?;
    let mut records = Records::of(storage, tenant)?;
    let mut digester = Digester::new(&found);
    while let Some(page) = records.next_page().await? {
        for record in page {
            digester.add(record.kind(), &record::encode(&record));
        }
    }
    Ok(digester.finish())
}

/// Takes a tenant's records in their order, and says what they come to.
#[derive(Debug)]
pub struct Digester {
    tenant: TenantId,
    all: Sha256,
    kinds: Vec<KindDigest>,
    present: Option<(RecordKind, u64, Sha256)>,
}

impl Digester {
    /// For the records of this tenant.
    #[must_use]
    pub fn new(tenant: &TenantRecord) -> Self {
        let mut all = Sha256::new();
        line(&mut all, &archive::tenant_line(tenant));
        Self { tenant: tenant.id, all, kinds: Vec::new(), present: None }
    }

    /// Takes the next record: its kind, and its canonical form.
    pub fn add(&mut self, kind: RecordKind, encoded: &[u8]) {
        if self.present.as_ref().is_none_or(|(present, ..)| *present != kind) {
            self.close();
            self.present = Some((kind, 0, Sha256::new()));
        }
        if let Some((_, records, sha256)) = &mut self.present {
            *records += 1;
            line(sha256, encoded);
        }
    }

    /// What they come to.
    #[must_use]
    pub fn finish(mut self) -> TenantDigest {
        self.close();
        TenantDigest { tenant: self.tenant, kinds: self.kinds, sha256: Digest::of(self.all) }
    }

    fn close(&mut self) {
        if let Some((kind, records, sha256)) = self.present.take() {
            let sha256 = Digest::of(sha256);
            line(&mut self.all, format!("{} {records} {sha256}", kind.name()).as_bytes());
            self.kinds.push(KindDigest { kind, records, sha256 });
        }
    }
}

fn line(sha256: &mut Sha256, line: &[u8]) {
    sha256.update(line);
    sha256.update(b"\n");
}

impl Digest {
    pub(super) fn of(sha256: Sha256) -> Self {
        Self(sha256.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        hex::decode(&text).map(Self).ok_or_else(|| serde::de::Error::custom("not a SHA-256"))
    }
}

mod kind_name {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::RecordKind;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(kind: &RecordKind, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(kind.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RecordKind, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        RecordKind::from_name(&name).ok_or_else(|| serde::de::Error::custom("not a kind of records"))
    }
}

/// 32 bytes as 64 lower-case hexadecimal digits.
pub(super) mod hex {
    pub(in crate::transfer) fn encode(bytes: &[u8; 32]) -> String {
        use std::fmt::Write;
        bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    pub(in crate::transfer) fn decode(text: &str) -> Option<[u8; 32]> {
        let canonical = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let (pairs, _) = text.as_bytes().as_chunks::<2>();
        let bytes = pairs.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        if canonical { bytes.collect::<Option<Vec<_>>>()?.try_into().ok() } else { None }
    }
}
