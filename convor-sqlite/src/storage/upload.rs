//! What is known of files.

use async_trait::async_trait;
use convor::domain::{Upload, UploadContent};
use convor::ids::{ConversationId, TenantId, UploadId};
use convor::ports::storage::UploadRepository;
use convor::ports::{BlobKey, Change, StorageError};
use convor::time::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::SqliteStorage;
use super::change::commit;
use super::columns::{Columns, above, author_id, author_kind, limit as rows_max, number};
use super::statement::{statement, statements};
use crate::connections::Residue;
use crate::failure::Failure;

/// What [`decode`] reads.
macro_rules! upload_columns {
    () => {
        "upload_id, conversation_id, by_kind, by_id, name, media_type, blob_key, created_at, bytes, sha256"
    };
}

statements! {
    CONVERSATION_EXISTS = "SELECT 1 FROM conversations WHERE tenant_id = ?1 AND conversation_id = ?2";
    IS_REMOVABLE = "SELECT 1 FROM removable_blobs WHERE tenant_id = ?1 AND blob_key = ?2";
    /// Nothing, if the id or the blob's key is taken.
    INSERT = "INSERT INTO uploads (tenant_id, upload_id, conversation_id, by_kind, by_id, name, media_type,
            blob_key, created_at, bytes, sha256)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT DO NOTHING";
    COMPLETE = "UPDATE uploads SET bytes = ?3, sha256 = ?4
        WHERE tenant_id = ?1 AND upload_id = ?2 AND sha256 IS NULL";
    FIND = concat!("SELECT ", upload_columns!(), " FROM uploads WHERE tenant_id = ?1 AND upload_id = ?2");
    OF_CONVERSATION = concat!("SELECT ", upload_columns!(), " FROM uploads
        WHERE tenant_id = ?1 AND conversation_id = ?4 AND upload_id > ?2
        ORDER BY upload_id LIMIT ?3");
    PAGE = concat!("SELECT ", upload_columns!(), " FROM uploads
        WHERE tenant_id = ?1 AND upload_id > ?2
        ORDER BY upload_id LIMIT ?3");
    DISCARD = "DELETE FROM uploads WHERE tenant_id = ?1 AND upload_id = ?2 RETURNING blob_key";
    DISCARD_STALE = "DELETE FROM uploads WHERE tenant_id = ?1 AND upload_id IN (
            SELECT upload_id FROM uploads
            WHERE tenant_id = ?1 AND sha256 IS NULL AND created_at < ?2
            ORDER BY created_at LIMIT ?3)
        RETURNING blob_key";
    LEAVE = "INSERT INTO removable_blobs (tenant_id, blob_key) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    REMOVABLE = "SELECT blob_key FROM removable_blobs WHERE tenant_id = ?1 AND blob_key > ?2
        ORDER BY blob_key LIMIT ?3";
    REMOVED = "DELETE FROM removable_blobs WHERE tenant_id = ?1 AND blob_key = ?2";
}

#[async_trait]
impl UploadRepository for SqliteStorage {
    async fn begin(&self, tenant: TenantId, upload: &Upload, change: &Change) -> Result<bool, StorageError> {
        let (upload, change) = (Upload { content: None, ..upload.clone() }, change.clone());
        let begin = self.db.write(move |db| {
            Box::pin(async move {
                let conversation = upload.conversation.uuid();
                let exists = statement(tenant, CONVERSATION_EXISTS).bind(conversation);
                let left = statement(tenant, IS_REMOVABLE).bind(upload.blob.0);
                if exists.fetch_optional(&mut *db).await?.is_none()
                    || left.fetch_optional(&mut *db).await?.is_some()
                    || !store(db, tenant, &upload).await?
                {
                    return Ok(false);
                }
                commit(db, tenant, &change).await?;
                Ok(true)
            })
        });
        begin.await
    }

    async fn complete(
        &self,
        tenant: TenantId,
        upload: UploadId,
        content: &UploadContent,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let (content, change) = (*content, change.clone());
        let complete = self.db.write(move |db| {
            Box::pin(async move {
                let complete = statement(tenant, COMPLETE)
                    .bind(upload.uuid())
                    .bind(number(content.bytes))
                    .bind(content.sha256.to_vec());
                let completed = complete.execute(&mut *db).await?.rows_affected() > 0;
                if completed {
                    commit(db, tenant, &change).await?;
                }
                Ok(completed)
            })
        });
        complete.await
    }

    async fn find(&self, tenant: TenantId, upload: UploadId) -> Result<Option<Upload>, StorageError> {
        let find = self.db.read(move |db| {
            Box::pin(async move {
                let found = statement(tenant, FIND).bind(upload.uuid()).fetch_optional(db).await?;
                found.as_ref().map(decode).transpose()
            })
        });
        find.await
    }

    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        after: Option<UploadId>,
        limit: usize,
    ) -> Result<Vec<Upload>, StorageError> {
        let after = above(after.map(UploadId::uuid));
        let page = self.db.read(move |db| {
            Box::pin(async move {
                let page = statement(tenant, OF_CONVERSATION).bind(after).bind(rows_max(limit));
                let page = page.bind(conversation.uuid()).fetch_all(db).await?;
                page.iter().map(decode).collect()
            })
        });
        page.await
    }

    async fn discard(
        &self,
        tenant: TenantId,
        upload: UploadId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let change = change.clone();
        let discard = self.db.erase(move |db| {
            Box::pin(async move {
                let discarded = statement(tenant, DISCARD).bind(upload.uuid()).fetch_all(&mut *db).await?;
                if discarded.is_empty() {
                    return Ok((false, Residue::None));
                }
                leave(db, tenant, &discarded).await?;
                commit(db, tenant, &change).await?;
                Ok((true, Residue::Erased))
            })
        });
        discard.await
    }

    async fn removable(
        &self,
        tenant: TenantId,
        stale: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobKey>, StorageError> {
        let removable = self.db.erase(move |db| {
            Box::pin(async move {
                let discard = statement(tenant, DISCARD_STALE).bind(stale.millis()).bind(rows_max(limit));
                let discarded = discard.fetch_all(&mut *db).await?;
                leave(db, tenant, &discarded).await?;
                let keys = removable(db, tenant, None, limit).await?;
                Ok((keys, Residue::erased_if(!discarded.is_empty())))
            })
        });
        removable.await
    }

    async fn removed(&self, tenant: TenantId, blob: BlobKey) -> Result<bool, StorageError> {
        let removed = self.db.write(move |db| {
            Box::pin(async move {
                let removed = statement(tenant, REMOVED).bind(blob.0).execute(db).await?;
                Ok(removed.rows_affected() > 0)
            })
        });
        removed.await
    }
}

/// Stores an upload; `false` if its id or its blob's key is taken.
pub(super) async fn store(
    db: &mut SqliteConnection,
    tenant: TenantId,
    upload: &Upload,
) -> Result<bool, Failure> {
    let insert = statement(tenant, INSERT)
        .bind(upload.id.uuid())
        .bind(upload.conversation.uuid())
        .bind(author_kind(upload.by))
        .bind(author_id(upload.by))
        .bind(upload.name.as_str().to_owned())
        .bind(upload.media_type.clone())
        .bind(upload.blob.0)
        .bind(upload.created_at.millis())
        .bind(upload.content.map(|content| number(content.bytes)))
        .bind(upload.content.map(|content| content.sha256.to_vec()));
    Ok(insert.execute(db).await?.rows_affected() > 0)
}

/// Makes the blobs removable whose keys these rows hold.
async fn leave(db: &mut SqliteConnection, tenant: TenantId, rows: &[SqliteRow]) -> Result<(), Failure> {
    for row in rows {
        store_removable(db, tenant, BlobKey(Columns::of(row).id()?)).await?;
    }
    Ok(())
}

/// Makes a blob removable, if it is not yet.
pub(super) async fn store_removable(
    db: &mut SqliteConnection,
    tenant: TenantId,
    blob: BlobKey,
) -> Result<(), Failure> {
    statement(tenant, LEAVE).bind(blob.0).execute(db).await?;
    Ok(())
}

pub(super) async fn page(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Upload>, Failure> {
    let page = statement(tenant, PAGE).bind(above(after)).bind(rows_max(limit)).fetch_all(db).await?;
    page.iter().map(decode).collect()
}

pub(super) async fn removable(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<BlobKey>, Failure> {
    let page = statement(tenant, REMOVABLE).bind(above(after)).bind(rows_max(limit)).fetch_all(db).await?;
    page.iter().map(|row| Ok(BlobKey(Columns::of(row).id()?))).collect()
}

fn decode(row: &SqliteRow) -> Result<Upload, Failure> {
    let mut columns = Columns::of(row);
    Ok(Upload {
        id: columns.id()?,
        conversation: columns.id()?,
        by: columns.author()?,
        name: columns.text()?,
        media_type: columns.value()?,
        blob: BlobKey(columns.id()?),
        created_at: columns.time()?,
        content: {
            let bytes = columns.value::<Option<i64>>()?.and_then(|bytes| u64::try_from(bytes).ok());
            let sha256 = columns.maybe_hash()?;
            bytes.zip(sha256).map(|(bytes, sha256)| UploadContent { bytes, sha256 })
        },
    })
}
