//! Websites.

use async_trait::async_trait;
use convor::domain::{Color, Origin, Site};
use convor::ids::{SiteId, TenantId};
use convor::ports::storage::SiteRepository;
use convor::ports::{Change, StorageError};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::PostgresStorage;
use crate::call::Call;
use crate::codes;
use crate::error::Failure;
use crate::rows::{corrupt, field, id, text, time};

const INSERT: &str = "SELECT convor.sites_insert(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13, $14, $15, $16, $17, $18, $19)";
const FIND: &str =
    "SELECT id, name, title, greeting, color, origins, created_at FROM convor.sites_find($1, $2)";
const PAGE: &str =
    "SELECT id, name, title, greeting, color, origins, created_at FROM convor.sites_page($1, $2, $3)";

#[async_trait]
impl SiteRepository for PostgresStorage {
    async fn insert(&self, tenant: TenantId, site: &Site, change: &Change) -> Result<bool, StorageError> {
        let origins: Vec<&str> = site.origins.iter().map(Origin::as_str).collect();
        let call = Call::change(INSERT, tenant, change)
            .bind(site.id.uuid())
            .bind(site.name.as_str())
            .bind(site.title.as_str())
            .bind(site.greeting.as_str())
            .bind(site.color.as_str())
            .bind(origins)
            .bind(site.created_at.millis());
        self.value(call).await
    }

    async fn find(&self, tenant: TenantId, site: SiteId) -> Result<Option<Site>, StorageError> {
        self.optional(Call::read(FIND, tenant).bind(site.uuid()), read).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        after: Option<SiteId>,
        limit: usize,
    ) -> Result<Vec<Site>, StorageError> {
        let after = after.map_or(Uuid::nil(), SiteId::uuid);
        self.all(Call::read(PAGE, tenant).bind(after).bind(codes::limit(limit)), read).await
    }
}

fn read(row: &PgRow) -> Result<Site, Failure> {
    let origins: Vec<String> = field(row, "origins")?;
    let origins = origins.iter().map(|origin| Origin::parse(origin).ok_or_else(|| corrupt("no origin")));
    Ok(Site {
        id: id(row, "id")?,
        name: text(row, "name")?,
        title: text(row, "title")?,
        greeting: text(row, "greeting")?,
        color: Color::parse(&field::<String>(row, "color")?).ok_or_else(|| corrupt("no colour"))?,
        origins: origins.collect::<Result<_, _>>()?,
        created_at: time(row, "created_at")?,
    })
}
