//! Websites.

use async_trait::async_trait;
use convor::domain::{Color, Origin, Site};
use convor::ids::{SiteId, TenantId};
use convor::ports::storage::SiteRepository;
use convor::ports::{Change, StorageError};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::SqliteStorage;
use super::change::commit;
use super::columns::{Columns, above, json, limit as rows_max};
use super::statement::{statement, statements};
use crate::failure::Failure;

statements! {
    INSERT = "INSERT INTO sites (tenant_id, site_id, name, title, greeting, color, origins, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (tenant_id, site_id) DO NOTHING";
    FIND = "SELECT site_id, name, title, greeting, color, origins, created_at FROM sites
        WHERE tenant_id = ?1 AND site_id = ?2";
    PAGE = "SELECT site_id, name, title, greeting, color, origins, created_at FROM sites
        WHERE tenant_id = ?1 AND site_id > ?2
        ORDER BY site_id LIMIT ?3";
}

#[async_trait]
impl SiteRepository for SqliteStorage {
    async fn insert(&self, tenant: TenantId, site: &Site, change: &Change) -> Result<bool, StorageError> {
        let (site, change) = (site.clone(), change.clone());
        let insert = self.db.write(move |db| {
            Box::pin(async move {
                let new = store(db, tenant, &site).await?;
                if new {
                    commit(db, tenant, &change).await?;
                }
                Ok(new)
            })
        });
        insert.await
    }

    async fn find(&self, tenant: TenantId, site: SiteId) -> Result<Option<Site>, StorageError> {
        let find = self.db.read(move |db| {
            Box::pin(async move {
                let found = statement(tenant, FIND).bind(site.uuid()).fetch_optional(db).await?;
                found.as_ref().map(decode).transpose()
            })
        });
        find.await
    }

    async fn page(
        &self,
        tenant: TenantId,
        after: Option<SiteId>,
        limit: usize,
    ) -> Result<Vec<Site>, StorageError> {
        self.db.read(move |db| Box::pin(page(db, tenant, after.map(SiteId::uuid), limit))).await
    }
}

/// Stores a site; `false` if its id is taken.
pub(super) async fn store(db: &mut SqliteConnection, tenant: TenantId, site: &Site) -> Result<bool, Failure> {
    let insert = statement(tenant, INSERT)
        .bind(site.id.uuid())
        .bind(site.name.as_str())
        .bind(site.title.as_str())
        .bind(site.greeting.as_str())
        .bind(site.color.as_str())
        .bind(json(site.origins.iter().map(Origin::as_str)))
        .bind(site.created_at.millis());
    Ok(insert.execute(db).await?.rows_affected() > 0)
}

pub(super) async fn page(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Site>, Failure> {
    let page = statement(tenant, PAGE).bind(above(after)).bind(rows_max(limit)).fetch_all(db).await?;
    page.iter().map(decode).collect()
}

fn decode(row: &SqliteRow) -> Result<Site, Failure> {
    let mut columns = Columns::of(row);
    let (id, name, title, greeting) = (columns.id()?, columns.text()?, columns.text()?, columns.text()?);
    let color = Color::parse(columns.value()?).ok_or_else(Failure::corrupt)?;
    let origins = columns.texts()?.iter().map(|origin| Origin::parse(origin)).collect::<Option<_>>();
    let origins = origins.ok_or_else(Failure::corrupt)?;
    Ok(Site { id, name, title, greeting, color, origins, created_at: columns.time()? })
}
