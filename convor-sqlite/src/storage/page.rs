//! The pages on which visitors are.

use async_trait::async_trait;
use convor::domain::{CurrentPage, Text};
use convor::ids::{TenantId, VisitorId};
use convor::ports::storage::PageRepository;
use convor::ports::{Change, StorageError};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::change::commit;
use super::columns::{Columns, above, limit as rows_max};
use super::statement::{statement, statements};
use super::{SqliteStorage, visitor};
use crate::connections::Residue;
use crate::failure::Failure;

statements! {
    PUT = "INSERT INTO pages (tenant_id, visitor_id, url, title, at) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (tenant_id, visitor_id)
        DO UPDATE SET url = excluded.url, title = excluded.title, at = excluded.at";
    INSERT = "INSERT INTO pages (tenant_id, visitor_id, url, title, at) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (tenant_id, visitor_id) DO NOTHING";
    FIND = "SELECT url, title, at FROM pages WHERE tenant_id = ?1 AND visitor_id = ?2";
    PAGE = "SELECT visitor_id, url, title, at FROM pages WHERE tenant_id = ?1 AND visitor_id > ?2
        ORDER BY visitor_id LIMIT ?3";
}

#[async_trait]
impl PageRepository for SqliteStorage {
    async fn put(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        page: &CurrentPage,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let (page, change) = (page.clone(), change.clone());
        let put = self.db.erase(move |db| {
            Box::pin(async move {
                if visitor::find(db, tenant, visitor).await?.is_none() {
                    return Ok((false, Residue::None));
                }
                let before = find(db, tenant, visitor).await?;
                insert(db, tenant, PUT, visitor, &page).await?;
                commit(db, tenant, &change).await?;
                let replaced =
                    before.is_some_and(|before| (before.url, before.title) != (page.url, page.title));
                Ok((true, if replaced { Residue::Replaced } else { Residue::None }))
            })
        });
        put.await
    }

    async fn find(&self, tenant: TenantId, visitor: VisitorId) -> Result<Option<CurrentPage>, StorageError> {
        self.db.read(move |db| Box::pin(find(db, tenant, visitor))).await
    }
}

async fn find(
    db: &mut SqliteConnection,
    tenant: TenantId,
    visitor: VisitorId,
) -> Result<Option<CurrentPage>, Failure> {
    let found = statement(tenant, FIND).bind(visitor.uuid()).fetch_optional(db).await?;
    Ok(found.map(|row| decode(&mut Columns::of(&row))).transpose()?.flatten())
}

/// Stores the page of a visitor that has none.
pub(super) async fn store(
    db: &mut SqliteConnection,
    tenant: TenantId,
    visitor: VisitorId,
    page: &CurrentPage,
) -> Result<(), Failure> {
    insert(db, tenant, INSERT, visitor, page).await
}

async fn insert(
    db: &mut SqliteConnection,
    tenant: TenantId,
    sql: &'static str,
    visitor: VisitorId,
    page: &CurrentPage,
) -> Result<(), Failure> {
    let insert = statement(tenant, sql)
        .bind(visitor.uuid())
        .bind(page.url.as_str().to_owned())
        .bind(page.title.as_ref().map(|title| title.as_str().to_owned()))
        .bind(page.at.millis());
    insert.execute(db).await?;
    Ok(())
}

/// Visitors and the pages on which they were last, in the order of the visitors.
pub(super) async fn page(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<(VisitorId, CurrentPage)>, Failure> {
    let page = statement(tenant, PAGE).bind(above(after)).bind(rows_max(limit)).fetch_all(db).await?;
    let pages = page.iter().map(|row| {
        let mut columns = Columns::of(row);
        Ok((columns.id()?, decode(&mut columns)?.ok_or_else(Failure::corrupt)?))
    });
    pages.collect()
}

/// Reads address, title and time; `None` where all of them are NULL.
pub(super) fn decode(columns: &mut Columns<'_>) -> Result<Option<CurrentPage>, Failure> {
    let (url, title, at): (_, Option<Text>, _) =
        (columns.maybe_text()?, columns.maybe_text()?, columns.maybe_time()?);
    Ok(url.zip(at).map(|(url, at)| CurrentPage { url, title, at }))
}
