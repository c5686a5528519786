//! Moving what is stored, record by record.

use async_trait::async_trait;
use convor::domain::{BodyDigest, Conversation, Event, MessageKind};
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::{Record, RecordKey, RecordKind, TransferRepository};
use convor::ports::{StorageError, StorageErrorKind};
use sqlx::SqliteConnection;

use super::change::schedule;
use super::columns::{Columns, above, limit as rows_max, number};
use super::conversation::{self, Opening};
use super::log::{self, Log, conversation_columns, event_columns};
use super::outbox::Owed;
use super::read::Reading;
use super::statement::{statement, statements};
use super::{
    SqliteStorage, audit, control, operator, outbox, page, read, site, tenant as profile, upload, visitor,
};
use crate::failure::Failure;

statements! {
    CONVERSATIONS = concat!("SELECT c.client_id, c.digest, c.with_message, ", conversation_columns!(),
        " FROM conversations AS c WHERE c.tenant_id = ?1 AND c.conversation_id > ?2
        ORDER BY c.conversation_id LIMIT ?3");
    EVENTS = concat!("SELECT e.digest, ", event_columns!(), " FROM events AS e
        WHERE e.tenant_id = ?1 AND (e.conversation_id, e.staff_seq) > (?2, ?3)
        ORDER BY e.conversation_id, e.staff_seq LIMIT ?4");
    /// It is there, or it was: what retention has removed does not come back.
    EVENT_KNOWN = "SELECT 1 FROM events WHERE tenant_id = ?1 AND conversation_id = ?2 AND staff_seq = ?3
        UNION ALL
        SELECT 1 FROM conversations WHERE tenant_id = ?1 AND conversation_id = ?2 AND floor_staff >= ?3";
    VISITOR_HEAD = "SELECT coalesce(
            (SELECT e.visitor_head FROM events AS e
                WHERE e.tenant_id = ?1 AND e.conversation_id = ?2 AND e.staff_seq < ?3
                ORDER BY e.staff_seq DESC LIMIT 1),
            (SELECT c.floor_visitor FROM conversations AS c
                WHERE c.tenant_id = ?1 AND c.conversation_id = ?2),
            0)";
    /// What is derived from the log follows the event that has arrived.
    DERIVE = "UPDATE conversations SET
            last_message_staff = max(last_message_staff, ?4),
            last_message_visitor = max(last_message_visitor, ?5),
            oldest_at = (SELECT at FROM events WHERE tenant_id = ?1 AND conversation_id = ?2
                ORDER BY staff_seq LIMIT 1),
            indexed = min(indexed, ?3 - 1)
        WHERE tenant_id = ?1 AND conversation_id = ?2";
}

#[async_trait]
impl TransferRepository for SqliteStorage {
    async fn export(
        &self,
        tenant: TenantId,
        kind: RecordKind,
        after: Option<RecordKey>,
        limit: usize,
    ) -> Result<Vec<Record>, StorageError> {
        self.db.read(move |db| Box::pin(export(db, tenant, kind, after, limit))).await
    }

    async fn import(&self, tenant: TenantId, records: &[Record]) -> Result<(), StorageError> {
        let records = records.to_vec();
        let import = self.db.write(move |db| {
            Box::pin(async move {
                for record in records {
                    import(db, tenant, record).await?;
                }
                Ok(())
            })
        });
        import.await
    }
}

async fn export(
    db: &mut SqliteConnection,
    tenant: TenantId,
    kind: RecordKind,
    after: Option<RecordKey>,
    limit: usize,
) -> Result<Vec<Record>, Failure> {
    let id = after.map(|after| after.id);
    let records = match kind {
        // There is but one, and nothing comes after it.
        RecordKind::Profile if after.is_some() || limit == 0 => Vec::new(),
        RecordKind::Profile => profile::find(db, tenant).await?.into_iter().map(Record::Profile).collect(),
        RecordKind::Site => records(site::page(db, tenant, id, limit).await?, Record::Site),
        RecordKind::Operator => records(operator::page(db, tenant, id, limit).await?, Record::Operator),
        RecordKind::Visitor => records(visitor::page(db, tenant, id, limit).await?, Record::Visitor),
        RecordKind::Token => records(visitor::tokens(db, tenant, id, limit).await?, |(visitor, hash)| {
            Record::Token { visitor, hash }
        }),
        RecordKind::Page => records(page::page(db, tenant, id, limit).await?, |(visitor, page)| {
            Record::Page { visitor, page }
        }),
        RecordKind::Conversation => conversations(db, tenant, after, limit).await?,
        RecordKind::Event => events(db, tenant, after, limit).await?,
        RecordKind::Read => records(read::page(db, tenant, after, limit).await?, |reading| Record::Read {
            conversation: reading.conversation,
            reader: reading.reader,
            up_to: reading.up_to,
        }),
        RecordKind::Upload => records(upload::page(db, tenant, id, limit).await?, Record::Upload),
        RecordKind::RemovableBlob => {
            records(upload::removable(db, tenant, id, limit).await?, Record::RemovableBlob)
        }
        RecordKind::Notification => {
            records(outbox::page(db, tenant, id, limit).await?, |owed| Record::Notification {
                id: owed.id,
                notification: owed.notification,
                attempts: owed.attempts,
                held_until: owed.held_until,
            })
        }
        RecordKind::Control => {
            let position = after.map_or(0, |after| position(&after));
            records(control::page(db, tenant, position, limit).await?, |(position, event)| Record::Control {
                position,
                event,
            })
        }
        _ => export_others(db, tenant, kind, after, limit).await?,
    };
    Ok(records)
}

/// The audit trail, and the accounts if this crate keeps them. Their kinds are there if any crate has asked the core for them.
async fn export_others(
    db: &mut SqliteConnection,
    tenant: TenantId,
    kind: RecordKind,
    after: Option<RecordKey>,
    limit: usize,
) -> Result<Vec<Record>, Failure> {
    let id = after.map(|after| after.id);
    if kind == RecordKind::Audit {
        return Ok(records(audit::page(db, tenant, id, limit).await?, Record::Audit));
    }
    #[cfg(feature = "accounts")]
    if kind == RecordKind::Password {
        let passwords = super::account::passwords(db, tenant, id, limit).await?;
        return Ok(records(passwords, |(operator, hash)| Record::Password { operator, hash }));
    }
    #[cfg(feature = "accounts")]
    if kind == RecordKind::Session {
        let sessions = super::account::sessions(db, tenant, id, limit).await?;
        return Ok(records(sessions, |kept| Record::Session {
            id: kept.id,
            operator: kept.operator,
            token: kept.token,
            expires_at: kept.expires_at,
        }));
    }
    Ok(Vec::new())
}

fn records<T>(page: Vec<T>, record: impl Fn(T) -> Record) -> Vec<Record> {
    page.into_iter().map(record).collect()
}

/// The position in a key.
fn position(key: &RecordKey) -> u64 {
    u64::try_from(key.part.as_u128()).unwrap_or(u64::MAX)
}

async fn conversations(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: Option<RecordKey>,
    limit: usize,
) -> Result<Vec<Record>, Failure> {
    let page = statement(tenant, CONVERSATIONS).bind(above(after.map(|after| after.id)));
    let page = page.bind(rows_max(limit)).fetch_all(db).await?;
    let conversations = page.iter().map(|row| {
        let mut columns = Columns::of(row);
        Ok(Record::Conversation {
            client_id: columns.id()?,
            digest: columns.maybe_hash()?,
            with_message: columns.value()?,
            conversation: log::conversation(&mut columns)?,
        })
    });
    conversations.collect()
}

async fn events(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: Option<RecordKey>,
    limit: usize,
) -> Result<Vec<Record>, Failure> {
    let page = statement(tenant, EVENTS)
        .bind(above(after.map(|after| after.id)))
        .bind(after.map_or(0, |after| number(position(&after))))
        .bind(rows_max(limit));
    let page = page.fetch_all(db).await?;
    let events = page.iter().map(|row| {
        let mut columns = Columns::of(row);
        let digest = columns.maybe_hash()?;
        Ok(Record::Event { event: log::event(&mut columns)?.ok_or_else(Failure::corrupt)?, digest })
    });
    events.collect()
}

async fn import(db: &mut SqliteConnection, tenant: TenantId, record: Record) -> Result<(), Failure> {
    match record {
        Record::Profile(record) => profile::store(db, tenant, &record).await.map(drop),
        Record::Site(record) => site::store(db, tenant, &record).await.map(drop),
        Record::Operator(record) => operator::store(db, tenant, &record).await.map(drop),
        Record::Visitor(record) => visitor::store(db, tenant, &record, None).await.map(drop),
        Record::Token { visitor, hash } => visitor::set_token(db, tenant, visitor, hash).await,
        Record::Page { visitor, page } => page::store(db, tenant, visitor, &page).await,
        Record::Conversation { conversation, client_id, digest, with_message } => {
            let opening = Opening { client_id, digest, with_message };
            import_conversation(db, tenant, &conversation, &opening).await
        }
        Record::Event { event, digest } => import_event(db, tenant, &event, digest).await,
        Record::Read { conversation, reader, up_to } => {
            read::store(db, tenant, &Reading { conversation, reader, up_to }).await
        }
        Record::Upload(record) => upload::store(db, tenant, &record).await.map(drop),
        Record::RemovableBlob(blob) => upload::store_removable(db, tenant, blob).await,
        Record::Notification { id, notification, attempts, held_until } => {
            outbox::store(db, tenant, &Owed { id, notification, attempts, held_until }).await
        }
        Record::Control { position, event } => control::store(db, tenant, position, event).await,
        other => import_others(db, tenant, other).await,
    }
}

/// The audit trail, and the accounts if this crate keeps them.
async fn import_others(db: &mut SqliteConnection, tenant: TenantId, record: Record) -> Result<(), Failure> {
    if let Record::Audit(row) = record {
        return audit::store(db, tenant, &row).await;
    }
    #[cfg(feature = "accounts")]
    if let Record::Password { operator, hash } = &record {
        return super::account::store_password(db, tenant, *operator, hash).await;
    }
    #[cfg(feature = "accounts")]
    if let Record::Session { id, operator, token, expires_at } = record {
        let kept = super::account::Kept { id, operator, token, expires_at };
        return match super::account::session_exists(db, tenant, id).await? {
            true => Ok(()),
            false => super::account::store_session(db, tenant, &kept).await,
        };
    }
    Err(Failure::from(StorageErrorKind::Unsupported))
}

async fn import_conversation(
    db: &mut SqliteConnection,
    tenant: TenantId,
    record: &Conversation,
    opening: &Opening,
) -> Result<(), Failure> {
    if Log::find(db, tenant, record.id).await?.is_some() {
        return Ok(());
    }
    conversation::insert(db, tenant, record, opening).await?;
    log::store_tags(db, tenant, record).await?;
    if record.snoozed_until.is_some() { schedule(db, tenant).await } else { Ok(()) }
}

async fn import_event(
    db: &mut SqliteConnection,
    tenant: TenantId,
    event: &Event,
    digest: Option<BodyDigest>,
) -> Result<(), Failure> {
    let (id, staff): (ConversationId, _) = (event.conversation, event.position.staff);
    let known = statement(tenant, EVENT_KNOWN).bind(id.uuid()).bind(number(staff));
    if known.fetch_optional(&mut *db).await?.is_some() {
        return Ok(());
    }
    let visitor_head = match event.position.visitor {
        Some(visitor) => visitor,
        None => {
            let before = statement(tenant, VISITOR_HEAD).bind(id.uuid()).bind(number(staff));
            Columns::of(&before.fetch_one(&mut *db).await?).number()?
        }
    };
    log::store_event(db, tenant, event, visitor_head, digest).await?;
    let message = event.kind.message().map(|message| message.kind);
    let derive = statement(tenant, DERIVE)
        .bind(id.uuid())
        .bind(number(staff))
        .bind(message.map_or(0, |_| number(staff)))
        .bind(if message == Some(MessageKind::Message) { number(staff) } else { 0 });
    derive.execute(db).await?;
    Ok(())
}
