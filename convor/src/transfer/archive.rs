//! An archive: the records of tenants as lines of JSON, with digests by which a changed or shortened one is known.
//!
//! ```text
//! {"archive":{"format":1}}
//! {"tenant":{"id":"…","region":"eu","state":"active","created_at":"…"}}
//! {"profile":{…}}                          the tenant's records in their canonical form, kind after kind
//! {"event":{…}}
//! {"tenant_end":{"tenant":"…","kinds":[{"kind":"profile","records":1,"sha256":"…"},…],"sha256":"…"}}
//! {"end":{"tenants":1,"sha256":"…"}}       SHA-256 over the tenants' digests, each with a line feed after it
//! ```
//!
//! It holds no time of its own: a storage that has not changed makes the same archive, byte for byte. It holds what the storage holds,
//! hashes of passwords and tokens included, and is to be kept as carefully. It shows that it is whole, not who made it: who can write
//! one that is taken in can make tenants, owners and sessions, and so it is to be trusted like the database itself. What is
//! checked is the form of each record, not whether it tells the truth.
//!
//! Nothing here touches a file: [`ArchiveWriter`] makes lines, and [`ArchiveReader`] takes them.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::TenantRecord;
use crate::ids::TenantId;
use crate::ports::storage::{Record, RecordKey, RecordKind};

use super::FORMAT;
use super::digest::{Digest, Digester, TenantDigest};
use super::forms::TenantForm;
use super::record::{decode, encode, to_json};

/// Bytes of a line, at most: a longer one is not written ([`RecordRefused`]), and [`ArchiveError::Line`] where it is read.
pub const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Makes an archive, line by line: a line is appended to `out` with its line feed. It writes nothing that an [`ArchiveReader`] would
/// refuse, so that what has been written can be taken in again.
#[derive(Debug)]
pub struct ArchiveWriter {
    digests: Sha256,
    tenants: u64,
    digester: Option<Digester>,
}

/// A record cannot stand in an archive: it is longer than [`LINE_BYTES_MAX`], or is none that the domain allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record of the kind `{kind}` with the id {id} is too long for an archive, or not valid")]
#[non_exhaustive]
pub struct RecordRefused {
    kind: &'static str,
    id: Uuid,
}

impl ArchiveWriter {
    /// Begins an archive.
    #[must_use]
    pub fn begin(out: &mut Vec<u8>) -> Self {
        push(out, &to_json(&Line::Archive { format: FORMAT }));
        Self { digests: Sha256::new(), tenants: 0, digester: None }
    }

    /// Begins a tenant. The one before has been [ended](Self::end_tenant), and has a lower id.
    ///
    /// # Errors
    /// [`RecordRefused`], and nothing is written.
    pub fn tenant(&mut self, tenant: &TenantRecord, out: &mut Vec<u8>) -> Result<(), RecordRefused> {
        let line = tenant_line(tenant);
        if line.len() > LINE_BYTES_MAX || canonical(&line).is_err() {
            return Err(RecordRefused { kind: "tenant", id: tenant.id.uuid() });
        }
        push(out, &line);
        self.digester = Some(Digester::new(tenant));
        Ok(())
    }

    /// Adds the next record of the tenant.
    ///
    /// # Errors
    /// [`RecordRefused`], and nothing is written.
    pub fn record(&mut self, record: &Record, out: &mut Vec<u8>) -> Result<(), RecordRefused> {
        let line = encode(record);
        if line.len() > LINE_BYTES_MAX || decode(&line).is_err() {
            return Err(RecordRefused { kind: record.kind().name(), id: record.key().id });
        }
        if let Some(digester) = &mut self.digester {
            digester.add(record.kind(), &line);
        }
        push(out, &line);
        Ok(())
    }

    /// Ends the tenant, and says what its records come to; `None` if none has begun.
    pub fn end_tenant(&mut self, out: &mut Vec<u8>) -> Option<TenantDigest> {
        let digest = self.digester.take()?.finish();
        self.tenants += 1;
        add(&mut self.digests, &digest);
        push(out, &to_json(&Line::TenantEnd(digest.clone())));
        Some(digest)
    }

    /// Ends the archive.
    pub fn end(self, out: &mut Vec<u8>) {
        push(out, &to_json(&Line::End { tenants: self.tenants, sha256: Digest::of(self.digests) }));
    }
}

/// Takes the lines of an archive, and refuses what no [`ArchiveWriter`] has made. An archive is whole once
/// [`Part::End`] has come.
#[derive(Debug)]
pub struct ArchiveReader {
    state: State,
    digests: Sha256,
    tenants: u64,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it")]
enum State {
    Begin,
    Between(Option<TenantId>),
    Within { tenant: TenantId, digester: Digester, last: Option<(RecordKind, RecordKey)> },
    Ended,
}

/// What a line of an archive says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the format has no other line")]
pub enum Part {
    /// It is an archive of a format that is known.
    Archive,
    /// The records of this tenant follow.
    Tenant(TenantRecord),
    /// A record.
    Record(Record),
    /// The tenant's records have been these.
    TenantEnd(TenantDigest),
    /// The archive is whole.
    End,
}

/// Why an archive is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It does not begin like one.
    #[error("this is no archive of Convor")]
    NoArchive,
    /// Its format is another version's.
    #[error("the archive has format {0}, and this version reads format {FORMAT}")]
    Format(u32),
    /// A line is not as it was written.
    #[error("line {0} of the archive is damaged")]
    Line(u64),
    /// The records before a line are not those that were written.
    #[error("the archive was changed before line {0}: its digest is another one")]
    Digest(u64),
    /// It ends before its end.
    #[error("the archive was cut off after line {0}")]
    CutOff(u64),
}

impl Default for ArchiveReader {
    fn default() -> Self {
        Self { state: State::Begin, digests: Sha256::new(), tenants: 0 }
    }
}

/// Why a line is refused, before its number is known.
enum Fault {
    NoArchive,
    Format(u32),
    Line,
    Digest,
}

impl ArchiveReader {
    /// Takes a line, without its line feed; `number` is its number, from 1, for errors.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn line(&mut self, number: u64, line: &[u8]) -> Result<Part, ArchiveError> {
        self.part(line).map_err(|fault| match fault {
            Fault::NoArchive => ArchiveError::NoArchive,
            Fault::Format(format) => ArchiveError::Format(format),
            Fault::Line => ArchiveError::Line(number),
            Fault::Digest => ArchiveError::Digest(number),
        })
    }

    /// Whether the end has come.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    fn part(&mut self, line: &[u8]) -> Result<Part, Fault> {
        match &mut self.state {
            State::Begin => match serde_json::from_slice(line) {
                Ok(Line::Archive { format: FORMAT }) => {
                    self.state = State::Between(None);
                    Ok(Part::Archive)
                }
                Ok(Line::Archive { format }) => Err(Fault::Format(format)),
                _ => Err(Fault::NoArchive),
            },
            State::Between(before) => match canonical(line)? {
                Line::Tenant(Tenant(tenant)) if before.is_none_or(|before| before < tenant.id) => {
                    let digester = Digester::new(&tenant);
                    self.state = State::Within { tenant: tenant.id, digester, last: None };
                    Ok(Part::Tenant(tenant))
                }
                Line::End { tenants, sha256 } => {
                    let digests = std::mem::take(&mut self.digests);
                    if (tenants, sha256) != (self.tenants, Digest::of(digests)) {
                        return Err(Fault::Digest);
                    }
                    self.state = State::Ended;
                    Ok(Part::End)
                }
                _ => Err(Fault::Line),
            },
            State::Within { digester, last, .. } => {
                let Ok(record) = decode(line) else { return self.end_tenant(line) };
                let key = Some((record.kind(), record.key()));
                if *last >= key {
                    return Err(Fault::Line);
                }
                *last = key;
                digester.add(record.kind(), line);
                Ok(Part::Record(record))
            }
            State::Ended => Err(Fault::Line),
        }
    }

    fn end_tenant(&mut self, line: &[u8]) -> Result<Part, Fault> {
        let Line::TenantEnd(said) = canonical(line)? else { return Err(Fault::Line) };
        let State::Within { tenant, digester, .. } = std::mem::replace(&mut self.state, State::Ended) else {
            return Err(Fault::Line);
        };
        if digester.finish() != said {
            return Err(Fault::Digest);
        }
        self.state = State::Between(Some(tenant));
        self.tenants += 1;
        add(&mut self.digests, &said);
        Ok(Part::TenantEnd(said))
    }
}

/// The line of a tenant, in its canonical form.
pub(super) fn tenant_line(tenant: &TenantRecord) -> Vec<u8> {
    to_json(&Line::Tenant(Tenant(tenant.clone())))
}

/// The lines that are no records.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Archive { format: u32 },
    Tenant(Tenant),
    TenantEnd(TenantDigest),
    End { tenants: u64, sha256: Digest },
}

#[derive(Serialize, Deserialize)]
struct Tenant(#[serde(with = "TenantForm")] TenantRecord);

fn canonical(line: &[u8]) -> Result<Line, Fault> {
    let read: Line = serde_json::from_slice(line).map_err(|_| Fault::Line)?;
    if to_json(&read) == line { Ok(read) } else { Err(Fault::Line) }
}

fn add(digests: &mut Sha256, digest: &TenantDigest) {
    digests.update(format!("{}\n", digest.sha256));
}

fn push(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(line);
    out.push(b'\n');
}
