//! Moving what is stored: a page of records of a kind, and their storing in another place.

mod export;
mod import;

use async_trait::async_trait;
use convor::ids::TenantId;
use convor::ports::StorageError;
use convor::ports::storage::{Record, RecordKey, RecordKind, TransferRepository};

use super::PostgresStorage;

#[async_trait]
impl TransferRepository for PostgresStorage {
    async fn export(
        &self,
        tenant: TenantId,
        kind: RecordKind,
        after: Option<RecordKey>,
        limit: usize,
    ) -> Result<Vec<Record>, StorageError> {
        export::page(self, tenant, kind, after, limit).await
    }

    async fn import(&self, tenant: TenantId, records: &[Record]) -> Result<(), StorageError> {
        import::store(self, tenant, records).await
    }
}
