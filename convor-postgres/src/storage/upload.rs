//! What is known of files.

use async_trait::async_trait;
use convor::domain::{Upload, UploadContent};
use convor::ids::{ConversationId, TenantId, UploadId};
use convor::ports::storage::UploadRepository;
use convor::ports::{BlobKey, Change, StorageError};
use convor::time::Timestamp;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::PostgresStorage;
use crate::call::Call;
use crate::codes;
use crate::error::Failure;
use crate::rows::{bytes_32, corrupt, field, id, text, time};

const BEGIN: &str = "SELECT convor.uploads_begin(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13, $14, $15, $16, $17, $18, $19, $20)";
const COMPLETE: &str = "SELECT convor.uploads_complete(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13, $14, $15)";
const FIND: &str =
    "SELECT id, conversation_id, by_kind, by_id, name, media_type, blob, created_at, bytes, sha256
    FROM convor.uploads_find($1, $2)";
const PAGE: &str =
    "SELECT id, conversation_id, by_kind, by_id, name, media_type, blob, created_at, bytes, sha256
    FROM convor.uploads_page($1, $2, $3, $4)";
const DISCARD: &str = "SELECT convor.uploads_discard(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13)";
const REMOVABLE: &str = "SELECT b AS blob FROM convor.uploads_removable($1, $2, $3) AS b";
const REMOVED: &str = "SELECT convor.uploads_removed($1, $2)";

#[async_trait]
impl UploadRepository for PostgresStorage {
    async fn begin(&self, tenant: TenantId, upload: &Upload, change: &Change) -> Result<bool, StorageError> {
        let (by_kind, by_id) = codes::author(upload.by);
        let call = Call::change(BEGIN, tenant, change)
            .bind(upload.id.uuid())
            .bind(upload.conversation.uuid())
            .bind(by_kind)
            .bind(by_id)
            .bind(upload.name.as_str())
            .bind(upload.media_type.as_str())
            .bind(upload.blob.0)
            .bind(upload.created_at.millis());
        self.value(call).await
    }

    async fn complete(
        &self,
        tenant: TenantId,
        upload: UploadId,
        content: &UploadContent,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let call = Call::change(COMPLETE, tenant, change)
            .bind(upload.uuid())
            .bind(codes::number(content.bytes))
            .bind(content.sha256.as_slice());
        self.value(call).await
    }

    async fn find(&self, tenant: TenantId, upload: UploadId) -> Result<Option<Upload>, StorageError> {
        self.optional(Call::read(FIND, tenant).bind(upload.uuid()), read).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        after: Option<UploadId>,
        limit: usize,
    ) -> Result<Vec<Upload>, StorageError> {
        let after = after.map_or(Uuid::nil(), UploadId::uuid);
        let call = Call::read(PAGE, tenant).bind(conversation.uuid()).bind(after).bind(codes::limit(limit));
        self.all(call, read).await
    }

    async fn discard(
        &self,
        tenant: TenantId,
        upload: UploadId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        self.value(Call::change(DISCARD, tenant, change).bind(upload.uuid())).await
    }

    async fn removable(
        &self,
        tenant: TenantId,
        stale: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobKey>, StorageError> {
        let call = Call::repeatable(REMOVABLE, tenant).bind(stale.millis()).bind(codes::limit(limit));
        self.all(call, |row| Ok(BlobKey(field(row, "blob")?))).await
    }

    async fn removed(&self, tenant: TenantId, blob: BlobKey) -> Result<bool, StorageError> {
        self.value(Call::write(REMOVED, tenant).bind(blob.0)).await
    }
}

pub(super) fn read(row: &PgRow) -> Result<Upload, Failure> {
    let by = codes::author_of(field(row, "by_kind")?, field(row, "by_id")?);
    let content = match field::<Option<i64>>(row, "bytes")? {
        Some(bytes) => {
            let bytes = u64::try_from(bytes).map_err(|_| corrupt("a negative length"))?;
            Some(UploadContent { bytes, sha256: bytes_32(row, "sha256")? })
        }
        None => None,
    };
    Ok(Upload {
        id: id(row, "id")?,
        conversation: id(row, "conversation_id")?,
        by: by.ok_or_else(|| corrupt("nobody"))?,
        name: text(row, "name")?,
        media_type: field(row, "media_type")?,
        blob: BlobKey(field(row, "blob")?),
        created_at: time(row, "created_at")?,
        content,
    })
}
