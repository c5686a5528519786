//! What tenants say of themselves.

use async_trait::async_trait;
use convor::domain::TenantProfile;
use convor::ids::TenantId;
use convor::ports::storage::TenantRepository;
use convor::ports::{Change, StorageError};
use sqlx::SqliteConnection;

use super::SqliteStorage;
use super::change::commit;
use super::columns::Columns;
use super::statement::{statement, statements};
use crate::failure::Failure;

statements! {
    FIND = "SELECT name, digest_key FROM profiles WHERE tenant_id = ?1";
    INSERT = "INSERT INTO profiles (tenant_id, name, digest_key) VALUES (?1, ?2, ?3)
        ON CONFLICT (tenant_id) DO NOTHING";
}

#[async_trait]
impl TenantRepository for SqliteStorage {
    async fn insert(
        &self,
        tenant: TenantId,
        profile: &TenantProfile,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let (profile, change) = (profile.clone(), change.clone());
        let insert = self.db.write(move |db| {
            Box::pin(async move {
                let new = store(db, tenant, &profile).await?;
                if new {
                    commit(db, tenant, &change).await?;
                }
                Ok(new)
            })
        });
        insert.await
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantProfile>, StorageError> {
        self.db.read(move |db| Box::pin(find(db, tenant))).await
    }
}

/// Stores the profile; `false` if there is one.
pub(super) async fn store(
    db: &mut SqliteConnection,
    tenant: TenantId,
    profile: &TenantProfile,
) -> Result<bool, Failure> {
    let insert = statement(tenant, INSERT).bind(profile.name.as_str()).bind(profile.digest_key.as_slice());
    Ok(insert.execute(db).await?.rows_affected() > 0)
}

pub(super) async fn find(
    db: &mut SqliteConnection,
    tenant: TenantId,
) -> Result<Option<TenantProfile>, Failure> {
    let Some(row) = statement(tenant, FIND).fetch_optional(db).await? else { return Ok(None) };
    let mut columns = Columns::of(&row);
    Ok(Some(TenantProfile { name: columns.text()?, digest_key: columns.hash()? }))
}
