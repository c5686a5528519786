//! From values to columns and back.

use convor::domain::{Author, Heads, PerAudience, Text};
use convor::time::Timestamp;
use sqlx::Row;
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, Type};
use uuid::Uuid;

use crate::failure::Failure;

/// The columns of a row, read in the order in which the statement names them.
pub(super) struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) const fn of(row: &'r SqliteRow) -> Self {
        Self { row, next: 0 }
    }

    /// The next column as it is.
    pub(super) fn value<T: Decode<'r, Sqlite> + Type<Sqlite>>(&mut self) -> Result<T, Failure> {
        let value = self.row.try_get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    pub(super) fn id<I: From<Uuid>>(&mut self) -> Result<I, Failure> {
        self.value::<Uuid>().map(I::from)
    }

    pub(super) fn maybe_id<I: From<Uuid>>(&mut self) -> Result<Option<I>, Failure> {
        Ok(self.value::<Option<Uuid>>()?.map(I::from))
    }

    /// A position, a version or a count.
    pub(super) fn number(&mut self) -> Result<u64, Failure> {
        u64::try_from(self.value::<i64>()?).map_err(|_| Failure::corrupt())
    }

    pub(super) fn small(&mut self) -> Result<u32, Failure> {
        u32::try_from(self.value::<i64>()?).map_err(|_| Failure::corrupt())
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, Failure> {
        self.value().map(Timestamp::from_millis)
    }

    pub(super) fn maybe_time(&mut self) -> Result<Option<Timestamp>, Failure> {
        Ok(self.value::<Option<i64>>()?.map(Timestamp::from_millis))
    }

    pub(super) fn text(&mut self) -> Result<Text, Failure> {
        self.value().map(Text::from_stored)
    }

    pub(super) fn maybe_text(&mut self) -> Result<Option<Text>, Failure> {
        Ok(self.value::<Option<String>>()?.map(Text::from_stored))
    }

    /// 32 bytes, such as a hash.
    pub(super) fn hash<H: From<[u8; 32]>>(&mut self) -> Result<H, Failure> {
        self.maybe_hash()?.ok_or_else(Failure::corrupt)
    }

    pub(super) fn maybe_hash<H: From<[u8; 32]>>(&mut self) -> Result<Option<H>, Failure> {
        let bytes = self.value::<Option<&[u8]>>()?.map(<[u8; 32]>::try_from);
        bytes.transpose().map(|bytes| bytes.map(H::from)).map_err(|_| Failure::corrupt())
    }

    /// A JSON array of texts.
    pub(super) fn texts(&mut self) -> Result<Vec<String>, Failure> {
        serde_json::from_str(self.value()?).map_err(|_| Failure::corrupt())
    }

    /// A kind, and an id.
    pub(super) fn author(&mut self) -> Result<Author, Failure> {
        let (kind, id): (i64, Uuid) = (self.value()?, self.value()?);
        match kind {
            0 => Ok(Author::System),
            1 => Ok(Author::Visitor(id.into())),
            2 => Ok(Author::Operator(id.into())),
            _ => Err(Failure::corrupt()),
        }
    }

    pub(super) fn heads(&mut self) -> Result<Heads, Failure> {
        Ok(Heads { staff: self.number()?, visitor: self.number()? })
    }

    pub(super) fn times(&mut self) -> Result<PerAudience<Timestamp>, Failure> {
        Ok(PerAudience { staff: self.time()?, visitor: self.time()? })
    }
}

/// A position, a version or a count, as SQLite keeps one: what is beyond its signed numbers is the last of them.
pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How many rows at most.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn count(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

/// The kind of an author.
pub(super) const fn author_kind(author: Author) -> i64 {
    match author {
        Author::System => 0,
        Author::Visitor(_) => 1,
        Author::Operator(_) => 2,
    }
}

/// The id of an author; nil for the system.
pub(super) const fn author_id(author: Author) -> Uuid {
    match author {
        Author::System => Uuid::nil(),
        Author::Visitor(visitor) => visitor.uuid(),
        Author::Operator(operator) => operator.uuid(),
    }
}

/// Where a page begins: above an id, or at the first one.
pub(super) fn above(after: Option<Uuid>) -> Vec<u8> {
    // The empty value is below every id.
    after.map_or_else(Vec::new, |id| id.as_bytes().to_vec())
}

/// A JSON array of texts.
pub(super) fn json<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    serde_json::Value::from(texts.collect::<Vec<_>>()).to_string()
}

/// A JSON array of ids in hexadecimal digits, which a statement reads with `unhex`.
pub(super) fn json_ids(ids: impl Iterator<Item = Uuid>) -> String {
    serde_json::Value::from(ids.map(|id| id.as_simple().to_string()).collect::<Vec<_>>()).to_string()
}
