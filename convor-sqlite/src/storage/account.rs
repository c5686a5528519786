//! Operators' passwords and sessions.

use async_trait::async_trait;
use convor::credentials::TokenHash;
use convor::domain::{ControlEvent, Email};
use convor::ids::{OperatorId, SessionId, TenantId};
use convor::ports::storage::{AccountRepository, Login, NewSession, PasswordHash, Session};
use convor::ports::{Change, StorageError};
use convor::time::Timestamp;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::change::{commit, control};
use super::columns::{Columns, above, limit as rows_max};
use super::statement::{statement, statements};
use super::{SqliteStorage, operator};
use crate::connections::Residue;
use crate::failure::Failure;

statements! {
    PUT_PASSWORD = "INSERT INTO passwords (tenant_id, operator_id, hash) VALUES (?1, ?2, ?3)
        ON CONFLICT (tenant_id, operator_id) DO UPDATE SET hash = excluded.hash";
    INSERT_PASSWORD = "INSERT INTO passwords (tenant_id, operator_id, hash) VALUES (?1, ?2, ?3)
        ON CONFLICT (tenant_id, operator_id) DO NOTHING";
    REPLACE_HASH = "UPDATE passwords SET hash = ?4 WHERE tenant_id = ?1 AND operator_id = ?2 AND hash = ?3";
    HAS_HASH = "SELECT 1 FROM passwords WHERE tenant_id = ?1 AND operator_id = ?2 AND hash = ?3";
    FIND_LOGIN = "SELECT o.operator_id, o.name, o.email, o.role, o.created_at, p.hash FROM operators AS o
        CROSS JOIN passwords AS p ON p.tenant_id = ?1 AND p.operator_id = o.operator_id
        WHERE o.tenant_id = ?1 AND o.email = ?2";
    PASSWORDS = "SELECT operator_id, hash FROM passwords WHERE tenant_id = ?1 AND operator_id > ?2
        ORDER BY operator_id LIMIT ?3";
    SESSION_EXISTS = "SELECT 1 FROM sessions WHERE tenant_id = ?1 AND session_id = ?2";
    INSERT_SESSION = "INSERT INTO sessions (tenant_id, session_id, operator_id, token_hash, expires_at)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    FIND_SESSION = "SELECT s.session_id, s.expires_at, o.operator_id, o.name, o.email, o.role, o.created_at
        FROM sessions AS s
        CROSS JOIN operators AS o ON o.tenant_id = ?1 AND o.operator_id = s.operator_id
        WHERE s.tenant_id = ?1 AND s.token_hash = ?2 AND s.expires_at > ?3";
    SESSIONS = "SELECT session_id, operator_id, token_hash, expires_at FROM sessions
        WHERE tenant_id = ?1 AND session_id > ?2
        ORDER BY session_id LIMIT ?3";
    SESSIONS_OF = "SELECT session_id FROM sessions WHERE tenant_id = ?1 AND operator_id = ?2
        ORDER BY session_id";
    END_SESSION = "DELETE FROM sessions WHERE tenant_id = ?1 AND session_id = ?2";
    END_EXPIRED = "DELETE FROM sessions WHERE tenant_id = ?1 AND operator_id = ?2 AND expires_at <= ?3";
    END_ALL = "DELETE FROM sessions WHERE tenant_id = ?1 AND operator_id = ?2";
}

/// A session as it is stored.
pub(super) struct Kept {
    pub(super) id: SessionId,
    pub(super) operator: OperatorId,
    pub(super) token: TokenHash,
    pub(super) expires_at: Timestamp,
}

#[async_trait]
impl AccountRepository for SqliteStorage {
    async fn set_password(
        &self,
        tenant: TenantId,
        operator: OperatorId,
        hash: &PasswordHash,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let (hash, change) = (hash.clone(), change.clone());
        let set = self.db.erase(move |db| {
            Box::pin(async move {
                let set = set_password(db, tenant, operator, &hash, &change).await?;
                Ok((set, Residue::erased_if(set)))
            })
        });
        set.await
    }

    async fn replace_hash(
        &self,
        tenant: TenantId,
        operator: OperatorId,
        expected: &PasswordHash,
        new: &PasswordHash,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let (expected, new, change) = (expected.clone(), new.clone(), change.clone());
        let replace = self.db.erase(move |db| {
            Box::pin(async move {
                let replace = statement(tenant, REPLACE_HASH)
                    .bind(operator.uuid())
                    .bind(expected.as_str().to_owned())
                    .bind(new.as_str().to_owned());
                let replaced = replace.execute(&mut *db).await?.rows_affected() > 0;
                if replaced {
                    commit(db, tenant, &change).await?;
                }
                Ok((replaced, Residue::erased_if(replaced)))
            })
        });
        replace.await
    }

    async fn find_login(&self, tenant: TenantId, email: &Email) -> Result<Option<Login>, StorageError> {
        let email = email.as_str().to_owned();
        let find = self.db.read(move |db| {
            Box::pin(async move {
                let found = statement(tenant, FIND_LOGIN).bind(email).fetch_optional(db).await?;
                let Some(row) = found else { return Ok(None) };
                let mut columns = Columns::of(&row);
                let operator = operator::decode(&mut columns)?;
                Ok(Some(Login { operator, hash: PasswordHash::from_phc(columns.value()?) }))
            })
        });
        find.await
    }

    async fn insert_session(
        &self,
        tenant: TenantId,
        session: &NewSession,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let (session, change) = (session.clone(), change.clone());
        let insert = self
            .db
            .write(move |db| Box::pin(async move { insert_session(db, tenant, &session, &change).await }));
        insert.await
    }

    async fn find_session(
        &self,
        tenant: TenantId,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StorageError> {
        let token = *token;
        let find = self.db.read(move |db| {
            Box::pin(async move {
                let find = statement(tenant, FIND_SESSION).bind(token.bytes().to_vec()).bind(now.millis());
                let Some(row) = find.fetch_optional(db).await? else { return Ok(None) };
                let mut columns = Columns::of(&row);
                let (id, expires_at) = (columns.id()?, columns.time()?);
                Ok(Some(Session { id, operator: operator::decode(&mut columns)?, expires_at }))
            })
        });
        find.await
    }

    async fn end_session(
        &self,
        tenant: TenantId,
        session: SessionId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let change = change.clone();
        let end = self.db.write(move |db| {
            Box::pin(async move {
                let ended = statement(tenant, END_SESSION).bind(session.uuid()).execute(&mut *db).await?;
                if ended.rows_affected() == 0 {
                    return Ok(false);
                }
                commit(db, tenant, &change).await?;
                Ok(true)
            })
        });
        end.await
    }
}

async fn set_password(
    db: &mut SqliteConnection,
    tenant: TenantId,
    operator: OperatorId,
    hash: &PasswordHash,
    change: &Change,
) -> Result<bool, Failure> {
    if !operator::exists(db, tenant, operator).await? {
        return Ok(false);
    }
    put_password(db, tenant, PUT_PASSWORD, operator, hash).await?;
    commit(db, tenant, change).await?;
    let ended = statement(tenant, SESSIONS_OF).bind(operator.uuid()).fetch_all(&mut *db).await?;
    statement(tenant, END_ALL).bind(operator.uuid()).execute(&mut *db).await?;
    for row in ended {
        control(db, tenant, ControlEvent::SessionEnded(Columns::of(&row).id()?)).await?;
    }
    Ok(true)
}

async fn insert_session(
    db: &mut SqliteConnection,
    tenant: TenantId,
    session: &NewSession,
    change: &Change,
) -> Result<bool, Failure> {
    let taken = statement(tenant, SESSION_EXISTS).bind(session.id.uuid()).fetch_optional(&mut *db).await?;
    let verified = statement(tenant, HAS_HASH)
        .bind(session.operator.uuid())
        .bind(session.verified.as_str().to_owned())
        .fetch_optional(&mut *db)
        .await?;
    if taken.is_some() || verified.is_none() {
        return Ok(false);
    }
    let (id, operator, token) = (session.id, session.operator, session.token);
    let sweep = statement(tenant, END_EXPIRED).bind(operator.uuid()).bind(change.at.millis());
    sweep.execute(&mut *db).await?;
    store_session(db, tenant, &Kept { id, operator, token, expires_at: session.expires_at }).await?;
    commit(db, tenant, change).await?;
    Ok(true)
}

/// Stores the password of an operator that has none.
pub(super) async fn store_password(
    db: &mut SqliteConnection,
    tenant: TenantId,
    operator: OperatorId,
    hash: &PasswordHash,
) -> Result<(), Failure> {
    put_password(db, tenant, INSERT_PASSWORD, operator, hash).await
}

async fn put_password(
    db: &mut SqliteConnection,
    tenant: TenantId,
    sql: &'static str,
    operator: OperatorId,
    hash: &PasswordHash,
) -> Result<(), Failure> {
    statement(tenant, sql).bind(operator.uuid()).bind(hash.as_str().to_owned()).execute(db).await?;
    Ok(())
}

pub(super) async fn session_exists(
    db: &mut SqliteConnection,
    tenant: TenantId,
    session: SessionId,
) -> Result<bool, Failure> {
    Ok(statement(tenant, SESSION_EXISTS).bind(session.uuid()).fetch_optional(db).await?.is_some())
}

/// Stores a session whose id and token are not taken.
pub(super) async fn store_session(
    db: &mut SqliteConnection,
    tenant: TenantId,
    session: &Kept,
) -> Result<(), Failure> {
    let insert = statement(tenant, INSERT_SESSION)
        .bind(session.id.uuid())
        .bind(session.operator.uuid())
        .bind(session.token.bytes().to_vec())
        .bind(session.expires_at.millis());
    insert.execute(db).await?;
    Ok(())
}

pub(super) async fn passwords(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<(OperatorId, PasswordHash)>, Failure> {
    let page = statement(tenant, PASSWORDS).bind(above(after)).bind(rows_max(limit)).fetch_all(db).await?;
    let passwords = page.iter().map(|row| {
        let mut columns = Columns::of(row);
        Ok((columns.id()?, PasswordHash::from_phc(columns.value()?)))
    });
    passwords.collect()
}

pub(super) async fn sessions(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Kept>, Failure> {
    let page = statement(tenant, SESSIONS).bind(above(after)).bind(rows_max(limit)).fetch_all(db).await?;
    let sessions = page.iter().map(|row| {
        let mut columns = Columns::of(row);
        let (id, operator) = (columns.id()?, columns.id()?);
        Ok(Kept { id, operator, token: columns.hash()?, expires_at: columns.time()? })
    });
    sessions.collect()
}
