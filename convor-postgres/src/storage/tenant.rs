//! What tenants say of themselves.

use async_trait::async_trait;
use convor::domain::TenantProfile;
use convor::ids::TenantId;
use convor::ports::storage::TenantRepository;
use convor::ports::{Change, StorageError};

use super::PostgresStorage;
use crate::call::Call;
use crate::rows::{bytes_32, text};

const INSERT: &str = "SELECT convor.tenants_insert(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13, $14)";
const FIND: &str = "SELECT name, digest_key FROM convor.tenants_find($1)";

#[async_trait]
impl TenantRepository for PostgresStorage {
    async fn insert(
        &self,
        tenant: TenantId,
        profile: &TenantProfile,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let call = Call::change(INSERT, tenant, change)
            .bind(profile.name.as_str())
            .bind(profile.digest_key.as_slice());
        self.value(call).await
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantProfile>, StorageError> {
        let read = |row: &_| {
            Ok(TenantProfile { name: text(row, "name")?, digest_key: bytes_32(row, "digest_key")? })
        };
        self.optional(Call::read(FIND, tenant), read).await
    }
}
