//! Moving what is stored, with its faults.

use async_trait::async_trait;
use convor::domain::Author;
use convor::ids::TenantId;
use convor::ports::storage::{ContactPatch, Record, RecordKey, RecordKind, TransferRepository};
use convor::ports::{Change, Storage, StorageError};

use super::Sabotaged;
use crate::fault::Fault;

impl Sabotaged {
    fn kept_transfer(&self) -> &dyn TransferRepository {
        self.inner.transfer().expect("the decorator offers transfer where the storage does")
    }

    /// Puts a visitor's record in the place of the one that is there.
    async fn overwrite(&self, tenant: TenantId, record: &Record) -> Result<(), StorageError> {
        if let Record::Visitor(visitor) = record {
            let patch = ContactPatch { name: Some(visitor.name.clone()), email: Some(visitor.email.clone()) };
            let change = Change::new(Author::System, visitor.created_at);
            self.inner.visitors().update(tenant, visitor.id, &patch, &change).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl TransferRepository for Sabotaged {
    async fn export(
        &self,
        tenant: TenantId,
        kind: RecordKind,
        after: Option<RecordKey>,
        limit: usize,
    ) -> Result<Vec<Record>, StorageError> {
        let skips = usize::from(self.has(Fault::SkipsARecordAtAPagesEnd) && after.is_some());
        let mut records = Vec::new();
        for tenant in self.reach(tenant, Fault::ForgetsTheTenantOnAnExport) {
            let page = self.kept_transfer().export(tenant, kind, after, limit.saturating_add(skips)).await?;
            records.extend(page.into_iter().skip(skips));
        }
        Ok(records)
    }

    async fn import(&self, tenant: TenantId, records: &[Record]) -> Result<(), StorageError> {
        self.memory().imported.insert(tenant);
        let mut records = records.to_vec();
        if self.has(Fault::ImportsNoDigests) {
            for record in &mut records {
                if let Record::Conversation { digest, .. } | Record::Event { digest, .. } = record {
                    *digest = None;
                }
            }
        }
        self.kept_transfer().import(tenant, &records).await?;
        if self.has(Fault::OverwritesOnImport) {
            for record in &records {
                self.overwrite(tenant, record).await?;
            }
        }
        Ok(())
    }
}
