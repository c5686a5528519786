//! Moving what is stored: how records leave ([`export`]), which ones may come ([`check`]) and how they do ([`import`]).

mod check;
mod export;
mod import;

use async_trait::async_trait;
use convor::ids::TenantId;
use convor::ports::StorageError;
use convor::ports::storage::{Record, RecordKey, RecordKind, TransferRepository};

use super::MemoryStorage;

#[async_trait]
impl TransferRepository for MemoryStorage {
    async fn export(
        &self,
        tenant: TenantId,
        kind: RecordKind,
        after: Option<RecordKey>,
        limit: usize,
    ) -> Result<Vec<Record>, StorageError> {
        Ok(self.read(tenant, |state| state.export(kind, after, limit)).unwrap_or_default())
    }

    async fn import(&self, tenant: TenantId, records: &[Record]) -> Result<(), StorageError> {
        self.create(tenant, |state| {
            check::check(state, records)?;
            records.iter().for_each(|record| state.import(record));
            Ok(())
        })
    }
}
