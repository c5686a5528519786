//! How far members have read.

use async_trait::async_trait;
use convor::domain::{Audience, Author};
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::{ReadMove, ReadRepository};
use convor::ports::{Change, StorageError};

use super::PostgresStorage;
use crate::call::Call;
use crate::codes;
use crate::rows::{heads, id};

const ADVANCE: &str =
    "SELECT of_visitor, from_staff, from_visitor, to_staff, to_visitor FROM convor.reads_advance(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13, $14, $15, $16, $17)";

#[async_trait]
impl ReadRepository for PostgresStorage {
    async fn advance(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
        audience: Audience,
        seq: u64,
        change: &Change,
    ) -> Result<Option<ReadMove>, StorageError> {
        let (kind, reader) = codes::author(reader);
        let call = Call::change(ADVANCE, tenant, change)
            .bind(conversation.uuid())
            .bind(kind)
            .bind(reader)
            .bind(audience == Audience::Visitor)
            .bind(codes::number(seq));
        let read = |row: &_| {
            Ok(ReadMove {
                visitor: id(row, "of_visitor")?,
                from: heads(row, "from_staff", "from_visitor")?,
                to: heads(row, "to_staff", "to_visitor")?,
            })
        };
        self.optional(call, read).await
    }
}
