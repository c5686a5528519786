//! Rows as the domain's types. A column that holds a row of a table is read field by field in the order of the table, so
//! that columns which a later migration adds at its end do not matter to a node that still runs.

use convor::domain::{
    Conversation, CurrentPage, Email, Event, EventKind, Heads, Message, PerAudience, Position, Text, Visitor,
};
use convor::ports::StorageErrorKind;
use convor::time::Timestamp;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::PgRecordDecoder;
use sqlx::postgres::{PgRow, PgTypeInfo, PgTypeKind, PgValueRef};
use sqlx::{ColumnIndex, Decode, Postgres, Row, Type};
use uuid::Uuid;

use crate::codes;
use crate::error::{Code, Failure};

/// The value in this column.
pub(crate) fn field<T>(row: &PgRow, column: &str) -> Result<T, Failure>
where
    T: for<'r> Decode<'r, Postgres> + Type<Postgres>,
    for<'c> &'c str: ColumnIndex<PgRow>,
{
    Ok(row.try_get(column)?)
}

/// The id in this column.
pub(crate) fn id<I: From<Uuid>>(row: &PgRow, column: &str) -> Result<I, Failure> {
    Ok(I::from(field::<Uuid>(row, column)?))
}

/// The time in this column.
pub(crate) fn time(row: &PgRow, column: &str) -> Result<Timestamp, Failure> {
    Ok(Timestamp::from_millis(field(row, column)?))
}

/// The position, version or count in this column.
pub(crate) fn count(row: &PgRow, column: &str) -> Result<u64, Failure> {
    u64::try_from(field::<i64>(row, column)?).map_err(|_| corrupt("a negative count"))
}

/// A position in each numbering, in these columns.
pub(crate) fn heads(row: &PgRow, staff: &str, visitor: &str) -> Result<Heads, Failure> {
    Ok(Heads { staff: count(row, staff)?, visitor: count(row, visitor)? })
}

/// The text in this column.
pub(crate) fn text(row: &PgRow, column: &str) -> Result<Text, Failure> {
    Ok(Text::from_stored(field(row, column)?))
}

/// The 32 bytes in this column.
pub(crate) fn bytes_32(row: &PgRow, column: &str) -> Result<[u8; 32], Failure> {
    field::<Vec<u8>>(row, column)?.try_into().map_err(|_| corrupt("a key of another length"))
}

/// The only value of the only row.
pub(crate) fn only<T>(rows: &[PgRow]) -> Result<T, Failure>
where
    T: for<'r> Decode<'r, Postgres> + Type<Postgres>,
{
    let row = rows.first().ok_or_else(|| corrupt("no row"))?;
    Ok(row.try_get(0)?)
}

/// The first row.
pub(crate) fn first(rows: &[PgRow]) -> Result<&PgRow, Failure> {
    rows.first().ok_or_else(|| corrupt("no row"))
}

/// What is stored breaks an invariant.
pub(crate) fn corrupt(what: &'static str) -> Failure {
    Failure::new(StorageErrorKind::Corrupt, what)
}

/// The fields of a row of a table, in the table's order.
struct Fields<'r>(PgRecordDecoder<'r>);

impl Fields<'_> {
    fn next<T>(&mut self) -> Result<T, BoxDynError>
    where
        T: for<'a> Decode<'a, Postgres> + Type<Postgres>,
    {
        self.0.try_decode()
    }

    /// Passes over the tenant: the function has returned no other's row. One that it has put together has none.
    fn tenant(&mut self) -> Result<(), BoxDynError> {
        self.next::<Option<Uuid>>().map(drop)
    }

    fn id<I: From<Uuid>>(&mut self) -> Result<I, BoxDynError> {
        Ok(I::from(self.next::<Uuid>()?))
    }

    fn optional_id<I: From<Uuid>>(&mut self) -> Result<Option<I>, BoxDynError> {
        Ok(self.next::<Option<Uuid>>()?.map(I::from))
    }

    fn optional_text(&mut self) -> Result<Option<Text>, BoxDynError> {
        Ok(self.next::<Option<String>>()?.map(Text::from_stored))
    }

    fn time(&mut self) -> Result<Timestamp, BoxDynError> {
        Ok(Timestamp::from_millis(self.next()?))
    }

    fn optional_time(&mut self) -> Result<Option<Timestamp>, BoxDynError> {
        Ok(self.next::<Option<i64>>()?.map(Timestamp::from_millis))
    }

    fn count(&mut self) -> Result<u64, BoxDynError> {
        Ok(u64::try_from(self.next::<i64>()?)?)
    }

    fn epoch(&mut self) -> Result<u32, BoxDynError> {
        Ok(u32::try_from(self.next::<i64>()?)?)
    }

    fn per_audience<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<T, BoxDynError>,
    ) -> Result<PerAudience<T>, BoxDynError> {
        Ok(PerAudience { staff: read(self)?, visitor: read(self)? })
    }
}

/// What is a row of a table and can stand in a column.
macro_rules! stands_in_a_column {
    ($($row:ident($kind:ty) of $table:literal by $read:ident;)*) => {$(
        #[doc = concat!("A row of `convor.", $table, "`.")]
        #[derive(Debug)]
        pub(crate) struct $row(pub(crate) $kind);

        impl Type<Postgres> for $row {
            fn type_info() -> PgTypeInfo {
                PgTypeInfo::with_name($table)
            }

            fn compatible(of: &PgTypeInfo) -> bool {
                matches!(of.kind(), PgTypeKind::Composite(_))
            }
        }

        impl<'r> Decode<'r, Postgres> for $row {
            fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                $read(&mut Fields(PgRecordDecoder::new(value)?)).map(Self)
            }
        }
    )*};
}

stands_in_a_column! {
    ConversationRow(Conversation) of "conversations" by read_conversation;
    EventRow(Event) of "events" by read_event;
    VisitorRow(Visitor) of "visitors" by read_visitor;
    PageRow(CurrentPage) of "pages" by read_page;
}

fn read_conversation(fields: &mut Fields<'_>) -> Result<Conversation, BoxDynError> {
    fields.tenant()?;
    let (id, site, visitor) = (fields.id()?, fields.id()?, fields.id()?);
    let _client_id: Uuid = fields.next()?;
    let _digest: Option<Vec<u8>> = fields.next()?;
    let _with_message: bool = fields.next()?;
    Ok(Conversation {
        id,
        site,
        visitor,
        subject: fields.optional_text()?,
        status: known(codes::status_of(fields.next()?))?,
        snoozed_until: fields.optional_time()?,
        assignee: fields.optional_id()?,
        tags: texts(fields.next()?),
        created_at: fields.time()?,
        updated_at: fields.per_audience(Fields::time)?,
        heads: fields.per_audience(Fields::count)?,
        floor: fields.per_audience(Fields::count)?,
        epoch: fields.epoch()?,
        version: fields.count()?,
    })
}

fn read_event(fields: &mut Fields<'_>) -> Result<Event, BoxDynError> {
    fields.tenant()?;
    let conversation = fields.id()?;
    let staff = fields.count()?;
    let visitor = fields.next::<Option<i64>>()?.map(u64::try_from).transpose()?;
    let (epoch, at) = (fields.epoch()?, fields.time()?);
    let by = known(codes::author_of(fields.next()?, fields.next()?))?;
    let kind: i16 = fields.next()?;
    let message_id = fields.optional_id()?;
    let client_id = fields.optional_id()?;
    let _digest: Option<Vec<u8>> = fields.next()?;
    let note: Option<bool> = fields.next()?;
    let text = fields.optional_text()?;
    let (from, to): (Option<i16>, Option<i16>) = (fields.next()?, fields.next()?);
    let snoozed_until = fields.optional_time()?;
    let assignee = fields.optional_id()?;
    let tags: Option<Vec<String>> = fields.next()?;
    let kind = match kind {
        0 => EventKind::Message(Message {
            id: known(message_id)?,
            client_id: known(client_id)?,
            kind: codes::message_kind(known(note)?),
            text,
        }),
        1 => EventKind::Status {
            from: known(from.and_then(codes::status_of))?,
            to: known(to.and_then(codes::status_of))?,
            snoozed_until,
        },
        2 => EventKind::Assigned(assignee),
        3 => EventKind::Tagged(texts(known(tags)?)),
        _ => return Err(unknown()),
    };
    Ok(Event { conversation, position: Position { staff, visitor }, epoch, at, by, kind })
}

fn read_visitor(fields: &mut Fields<'_>) -> Result<Visitor, BoxDynError> {
    fields.tenant()?;
    Ok(Visitor {
        id: fields.id()?,
        site: fields.id()?,
        name: fields.optional_text()?,
        email: fields.next::<Option<String>>()?.map(Email::from_stored),
        created_at: fields.time()?,
    })
}

fn read_page(fields: &mut Fields<'_>) -> Result<CurrentPage, BoxDynError> {
    fields.tenant()?;
    let _visitor: Uuid = fields.next()?;
    Ok(CurrentPage {
        url: Text::from_stored(fields.next()?),
        title: fields.optional_text()?,
        at: fields.time()?,
    })
}

fn texts(texts: Vec<String>) -> Vec<Text> {
    texts.into_iter().map(Text::from_stored).collect()
}

fn known<T>(value: Option<T>) -> Result<T, BoxDynError> {
    value.ok_or_else(unknown)
}

fn unknown() -> BoxDynError {
    Code::new("a value that stands for nothing").into()
}
