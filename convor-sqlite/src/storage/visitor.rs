//! Visitors and their tokens.

use async_trait::async_trait;
use convor::credentials::TokenHash;
use convor::domain::{Email, Text, Visitor};
use convor::ids::{SiteId, TenantId, VisitorId};
use convor::ports::storage::{ContactPatch, NewVisitor, VisitorRepository};
use convor::ports::{Change, StorageError};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::SqliteStorage;
use super::change::{commit, schedule};
use super::columns::{Columns, above, limit as rows_max};
use super::statement::{statement, statements};
use crate::connections::Residue;
use crate::failure::Failure;

statements! {
    SITE_EXISTS = "SELECT 1 FROM sites WHERE tenant_id = ?1 AND site_id = ?2";
    INSERT = "INSERT INTO visitors (tenant_id, visitor_id, site_id, name, email, created_at, token_hash)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (tenant_id, visitor_id) DO NOTHING";
    FIND = "SELECT visitor_id, site_id, name, email, created_at FROM visitors
        WHERE tenant_id = ?1 AND visitor_id = ?2";
    FIND_BY_TOKEN = "SELECT visitor_id, site_id, name, email, created_at FROM visitors
        WHERE tenant_id = ?1 AND token_hash = ?2";
    PAGE = "SELECT visitor_id, site_id, name, email, created_at FROM visitors
        WHERE tenant_id = ?1 AND visitor_id > ?2
        ORDER BY visitor_id LIMIT ?3";
    TOKENS = "SELECT visitor_id, token_hash FROM visitors
        WHERE tenant_id = ?1 AND visitor_id > ?2 AND token_hash IS NOT NULL
        ORDER BY visitor_id LIMIT ?3";
    SET_TOKEN = "UPDATE visitors SET token_hash = ?3
        WHERE tenant_id = ?1 AND visitor_id = ?2 AND token_hash IS NULL";
    UPDATE = "UPDATE visitors SET name = ?3, email = ?4 WHERE tenant_id = ?1 AND visitor_id = ?2";
    FORGET_NOTIFICATIONS = "DELETE FROM notifications WHERE tenant_id = ?1 AND conversation_id IN (
            SELECT conversation_id FROM conversations WHERE tenant_id = ?1 AND visitor_id = ?2)";
    LEAVE_BLOBS = "INSERT INTO removable_blobs (tenant_id, blob_key)
        SELECT u.tenant_id, u.blob_key FROM conversations AS c
        CROSS JOIN uploads AS u ON u.tenant_id = ?1 AND u.conversation_id = c.conversation_id
        WHERE c.tenant_id = ?1 AND c.visitor_id = ?2
        ON CONFLICT DO NOTHING";
    /// Page, conversations, events, words, read positions and uploads go with the visitor.
    ERASE = "DELETE FROM visitors WHERE tenant_id = ?1 AND visitor_id = ?2";
}

#[async_trait]
impl VisitorRepository for SqliteStorage {
    async fn register(
        &self,
        tenant: TenantId,
        new: &NewVisitor,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let (new, change) = (new.clone(), change.clone());
        let register = self.db.write(move |db| {
            Box::pin(async move {
                let site = statement(tenant, SITE_EXISTS).bind(new.visitor.site.uuid());
                if site.fetch_optional(&mut *db).await?.is_none()
                    || !store(db, tenant, &new.visitor, Some(new.token)).await?
                {
                    return Ok(false);
                }
                commit(db, tenant, &change).await?;
                Ok(true)
            })
        });
        register.await
    }

    async fn find(&self, tenant: TenantId, visitor: VisitorId) -> Result<Option<Visitor>, StorageError> {
        self.db.read(move |db| Box::pin(find(db, tenant, visitor))).await
    }

    async fn find_by_token(
        &self,
        tenant: TenantId,
        token: &TokenHash,
    ) -> Result<Option<Visitor>, StorageError> {
        let token = *token;
        let find = self.db.read(move |db| {
            Box::pin(async move {
                let find = statement(tenant, FIND_BY_TOKEN).bind(token.bytes().as_slice());
                let found = find.fetch_optional(db).await?;
                found.map(|row| decode(&mut Columns::of(&row))).transpose()
            })
        });
        find.await
    }

    async fn update(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        patch: &ContactPatch,
        change: &Change,
    ) -> Result<Option<Visitor>, StorageError> {
        let (patch, change) = (patch.clone(), change.clone());
        self.db
            .erase(move |db| Box::pin(async move { update(db, tenant, visitor, patch, &change).await }))
            .await
    }

    async fn erase(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let change = change.clone();
        let erase = self.db.erase(move |db| {
            Box::pin(async move {
                let erased = erase(db, tenant, visitor, &change).await?;
                Ok((erased, Residue::erased_if(erased)))
            })
        });
        erase.await
    }
}

/// Stores a visitor; `false` if its id is taken. The token of a visitor that is moved here comes later.
pub(super) async fn store(
    db: &mut SqliteConnection,
    tenant: TenantId,
    visitor: &Visitor,
    token: Option<TokenHash>,
) -> Result<bool, Failure> {
    let insert = statement(tenant, INSERT)
        .bind(visitor.id.uuid())
        .bind(visitor.site.uuid())
        .bind(visitor.name.as_ref().map(Text::as_str))
        .bind(visitor.email.as_ref().map(Email::as_str))
        .bind(visitor.created_at.millis())
        .bind(token.map(|token| token.bytes().to_vec()));
    Ok(insert.execute(db).await?.rows_affected() > 0)
}

/// Gives a visitor without a token one.
pub(super) async fn set_token(
    db: &mut SqliteConnection,
    tenant: TenantId,
    visitor: VisitorId,
    token: TokenHash,
) -> Result<(), Failure> {
    let set = statement(tenant, SET_TOKEN).bind(visitor.uuid()).bind(token.bytes().to_vec());
    set.execute(db).await?;
    Ok(())
}

pub(super) async fn find(
    db: &mut SqliteConnection,
    tenant: TenantId,
    visitor: VisitorId,
) -> Result<Option<Visitor>, Failure> {
    let found = statement(tenant, FIND).bind(visitor.uuid()).fetch_optional(db).await?;
    found.map(|row| decode(&mut Columns::of(&row))).transpose()
}

async fn update(
    db: &mut SqliteConnection,
    tenant: TenantId,
    visitor: VisitorId,
    patch: ContactPatch,
    change: &Change,
) -> Result<(Option<Visitor>, Residue), Failure> {
    let Some(before) = find(db, tenant, visitor).await? else { return Ok((None, Residue::None)) };
    let name = patch.name.unwrap_or_else(|| before.name.clone());
    let email = patch.email.unwrap_or_else(|| before.email.clone());
    let after = Visitor { name, email, ..before.clone() };
    if after != before {
        let update = statement(tenant, UPDATE)
            .bind(visitor.uuid())
            .bind(after.name.as_ref().map(|name| name.as_str().to_owned()))
            .bind(after.email.as_ref().map(|email| email.as_str().to_owned()));
        update.execute(&mut *db).await?;
        commit(db, tenant, change).await?;
    }
    let replaced = before.name.is_some() && before.name != after.name
        || before.email.is_some() && before.email != after.email;
    Ok((Some(after), Residue::erased_if(replaced)))
}

async fn erase(
    db: &mut SqliteConnection,
    tenant: TenantId,
    visitor: VisitorId,
    change: &Change,
) -> Result<bool, Failure> {
    if find(db, tenant, visitor).await?.is_none() {
        return Ok(false);
    }
    // First, so that what the change itself owes about the conversations goes, too.
    commit(db, tenant, change).await?;
    for sql in [FORGET_NOTIFICATIONS, LEAVE_BLOBS, ERASE] {
        statement(tenant, sql).bind(visitor.uuid()).execute(&mut *db).await?;
    }
    schedule(db, tenant).await?;
    Ok(true)
}

pub(super) async fn page(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Visitor>, Failure> {
    let page = statement(tenant, PAGE).bind(above(after)).bind(rows_max(limit)).fetch_all(db).await?;
    page.iter().map(|row| decode(&mut Columns::of(row))).collect()
}

/// Visitors' tokens, in the order of the visitors.
pub(super) async fn tokens(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<(VisitorId, TokenHash)>, Failure> {
    let page = statement(tenant, TOKENS).bind(above(after)).bind(rows_max(limit)).fetch_all(db).await?;
    let tokens = page.iter().map(|row| {
        let mut columns = Columns::of(row);
        Ok((columns.id()?, columns.hash()?))
    });
    tokens.collect()
}

/// Reads id, site, name, address and time.
pub(super) fn decode(columns: &mut Columns<'_>) -> Result<Visitor, Failure> {
    let (id, site) = (columns.id()?, columns.id::<SiteId>()?);
    let (name, email) = (columns.maybe_text()?, columns.value::<Option<String>>()?);
    Ok(Visitor { id, site, name, email: email.map(Email::from_stored), created_at: columns.time()? })
}
