//! One call of one function of the schema: a method of a repository, in one round trip.

use std::time::Duration;

use convor::domain::OutboxEntry;
use convor::ids::TenantId;
use convor::ports::{Change, StorageErrorKind};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, Encode, Postgres, Type};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::codes;
use crate::connections::Connections;
use crate::error::Failure;
use crate::retry::{Repeatable, Tries};

/// How long an answer may take: longer than the server takes to cut a statement off.
const PATIENCE: Duration = Duration::from_secs(35);

/// A statement with its arguments. It is one transaction, which the server begins and ends, so that none is ever open on this
/// side: a caller that goes away leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Call {
    sql: &'static str,
    arguments: PgArguments,
    repeatable: Repeatable,
    is_whole: bool,
}

impl Call {
    /// A call without a tenant, for the registry alone. It may be repeated.
    pub(crate) fn registry(sql: &'static str) -> Self {
        Self { sql, arguments: PgArguments::default(), repeatable: Repeatable::Yes, is_whole: true }
    }

    /// A call of which each part names a tenant of its own. It recognises its repeat.
    pub(crate) fn batch(sql: &'static str) -> Self {
        Self { repeatable: Repeatable::WithoutWaiting, ..Self::registry(sql) }
    }

    /// A call that reads. It may be repeated.
    pub(crate) fn read(sql: &'static str, tenant: TenantId) -> Self {
        Self::registry(sql).bind(tenant.uuid())
    }

    /// A call that does the same when it is repeated.
    pub(crate) fn repeatable(sql: &'static str, tenant: TenantId) -> Self {
        Self::read(sql, tenant)
    }

    /// A call that writes, and must not be repeated if it may have happened.
    pub(crate) fn write(sql: &'static str, tenant: TenantId) -> Self {
        Self::read(sql, tenant).once()
    }

    /// A call that writes what goes with `change`: `$2` to `$12`, the fields of `convor.change`.
    pub(crate) fn change(sql: &'static str, tenant: TenantId, change: &Change) -> Self {
        Self::write(sql, tenant).bind_change(change)
    }

    /// The same, of a statement that recognises its repeat.
    pub(crate) fn recognises_its_repeat(mut self) -> Self {
        self.repeatable = Repeatable::Yes;
        self
    }

    /// The same, of a statement that must not be repeated if it may have happened.
    pub(crate) fn once(mut self) -> Self {
        self.repeatable = Repeatable::No;
        self
    }

    /// The next argument.
    pub(crate) fn bind<'t, T: Encode<'t, Postgres> + Type<Postgres>>(mut self, value: T) -> Self {
        self.is_whole &= self.arguments.add(value).is_ok();
        self
    }

    fn bind_change(self, change: &Change) -> Self {
        let (by_kind, by_id) = codes::author(change.actor);
        let audit = change.audit.as_ref();
        let notifications = change.outbox.iter().filter_map(|entry| match entry {
            OutboxEntry::Notify { id, notification } => {
                let (kind, conversation) = codes::notification(*notification);
                Some((id.uuid(), kind, conversation))
            }
            OutboxEntry::Control(_) => None,
        });
        let control = change.outbox.iter().filter_map(|entry| match entry {
            OutboxEntry::Control(event) => Some(codes::control_event(*event)),
            OutboxEntry::Notify { .. } => None,
        });
        let mut ids = Vec::new();
        let mut kinds = Vec::new();
        let mut conversations = Vec::new();
        for (id, kind, conversation) in notifications {
            ids.push(id);
            kinds.push(kind);
            conversations.push(conversation);
        }
        let (control_kinds, sessions): (Vec<i16>, Vec<Uuid>) = control.unzip();
        self.bind(by_kind)
            .bind(by_id)
            .bind(change.at.millis())
            .bind(audit.map(|record| record.id.uuid()))
            .bind(audit.map(|record| record.action.name()))
            .bind(audit.map(|record| record.target))
            .bind(ids)
            .bind(kinds)
            .bind(conversations)
            .bind(control_kinds)
            .bind(sessions)
    }

    /// Runs it on a connection, again where that is safe, and returns its rows.
    pub(crate) async fn rows(self, connections: &Connections) -> Result<Vec<PgRow>, Failure> {
        self.rows_and_doubt(connections).await.map(|(rows, _)| rows)
    }

    /// The same, and whether a try before the last one may have been run.
    pub(crate) async fn rows_and_doubt(
        self,
        connections: &Connections,
    ) -> Result<(Vec<PgRow>, bool), Failure> {
        let mut tries = Tries::new(self.repeatable);
        let mut in_doubt = false;
        loop {
            match self.once_on(connections).await {
                Ok(rows) => return Ok((rows, in_doubt)),
                Err(failure) => {
                    in_doubt |= failure.kind == StorageErrorKind::Unavailable && !failure.took_too_long();
                    tries.next(failure).await?;
                }
            }
        }
    }

    /// Runs it on a connection, once, to its end even if the caller goes away: a connection is never left in the
    /// middle of an answer. One that does not answer any more is closed, because its server may be gone without having said so,
    /// and so is one whose server can only be read, because another may be the primary now.
    async fn once_on(&self, connections: &Connections) -> Result<Vec<PgRow>, Failure> {
        if !self.is_whole {
            return Err(Failure::new(StorageErrorKind::Other, "an argument that cannot be sent"));
        }
        let mut lent = connections.lend().await?;
        let query = sqlx::query_with(self.sql, self.arguments.clone());
        let (answer, answered) = oneshot::channel();
        tokio::spawn(async move {
            let connection = lent.connection();
            let result = match tokio::time::timeout(PATIENCE, query.fetch_all(&mut **connection)).await {
                Ok(result) => result.map_err(Failure::from),
                Err(_) => Err(Failure::no_answer()),
            };
            if result.as_ref().is_err_and(Failure::speaks_against_the_connection) {
                connection.close_on_drop();
            }
            // Before the answer, so that the caller's next call finds it.
            let stay = if result.is_ok() { lent.pass_on() } else { None };
            // Whoever has gone away does not want it.
            let _ = answer.send(result);
            if let Some(stay) = stay {
                stay.end().await;
            }
        });
        answered.await.unwrap_or_else(|_| Err(Failure::new(StorageErrorKind::Unavailable, "shut down")))
    }
}
