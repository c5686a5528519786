//! A page of records. What has a page of its own is asked for that; the others have one for a copy.

use convor::credentials::TokenHash;
use convor::domain::{BodyDigest, CurrentPage, Heads, Text};
use convor::ids::TenantId;
use convor::ports::storage::{
    ControlRepository, OperatorRepository, Record, RecordKey, RecordKind, SiteRepository, TenantRepository,
};
use convor::ports::{BlobKey, StorageError};
use convor::time::Timestamp;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::call::Call;
use crate::codes;
use crate::error::Failure;
use crate::rows::{ConversationRow, EventRow, bytes_32, corrupt, count, field, id, text, time};
use crate::storage::{PostgresStorage, audit, outbox, upload, visitor};

const VISITORS: &str =
    "SELECT id, site_id, name, email, created_at FROM convor.transfer_visitors($1, $2, $3)";
const TOKENS: &str = "SELECT visitor_id, token_hash FROM convor.transfer_tokens($1, $2, $3)";
const PAGES: &str = "SELECT visitor_id, url, title, at FROM convor.transfer_pages($1, $2, $3)";
const CONVERSATIONS: &str =
    "SELECT conversation, client_id, digest, with_message FROM convor.transfer_conversations($1, $2, $3)";
const EVENTS: &str = "SELECT event, digest FROM convor.transfer_events($1, $2, $3, $4)";
const READS: &str = "SELECT conversation_id, reader_id, reader_kind, staff_seq, visitor_seq
    FROM convor.transfer_reads($1, $2, $3, $4)";
const UPLOADS: &str =
    "SELECT id, conversation_id, by_kind, by_id, name, media_type, blob, created_at, bytes, sha256
    FROM convor.transfer_uploads($1, $2, $3)";
const REMOVABLE_BLOBS: &str = "SELECT blob FROM convor.transfer_removable_blobs($1, $2, $3)";
const NOTIFICATIONS: &str = "SELECT id, kind, conversation_id, attempts, held_until
    FROM convor.transfer_notifications($1, $2, $3)";
#[cfg(feature = "accounts")]
const PASSWORDS: &str = "SELECT operator_id, hash FROM convor.transfer_passwords($1, $2, $3)";
#[cfg(feature = "accounts")]
const SESSIONS: &str =
    "SELECT id, operator_id, token_hash, expires_at FROM convor.transfer_sessions($1, $2, $3)";

pub(super) async fn page(
    storage: &PostgresStorage,
    tenant: TenantId,
    kind: RecordKind,
    after: Option<RecordKey>,
    limit: usize,
) -> Result<Vec<Record>, StorageError> {
    let after_id = after.map_or(Uuid::nil(), |key| key.id);
    let after_position = after.map_or(0, |key| u64::try_from(key.part.as_u128()).unwrap_or(u64::MAX));
    let by_id = |sql| Call::read(sql, tenant).bind(after_id).bind(codes::limit(limit));
    match kind {
        RecordKind::Profile if after.is_some() || limit == 0 => Ok(Vec::new()),
        RecordKind::Profile => {
            Ok(TenantRepository::find(storage, tenant).await?.map(Record::Profile).into_iter().collect())
        }
        RecordKind::Site => {
            let sites = SiteRepository::page(storage, tenant, after.map(|key| key.id.into()), limit).await?;
            Ok(sites.into_iter().map(Record::Site).collect())
        }
        RecordKind::Operator => {
            let after = after.map(|key| key.id.into());
            let operators = OperatorRepository::page(storage, tenant, after, limit).await?;
            Ok(operators.into_iter().map(Record::Operator).collect())
        }
        RecordKind::Visitor => {
            storage.all(by_id(VISITORS), |row| visitor::read(row).map(Record::Visitor)).await
        }
        RecordKind::Token => storage.all(by_id(TOKENS), token).await,
        RecordKind::Page => storage.all(by_id(PAGES), current_page).await,
        RecordKind::Conversation => storage.all(by_id(CONVERSATIONS), conversation).await,
        RecordKind::Event => {
            let call = Call::read(EVENTS, tenant).bind(after_id).bind(codes::number(after_position));
            storage.all(call.bind(codes::limit(limit)), event).await
        }
        RecordKind::Read => {
            let reader = after.map_or(Uuid::nil(), |key| key.part);
            let call = Call::read(READS, tenant).bind(after_id).bind(reader);
            storage.all(call.bind(codes::limit(limit)), read_position).await
        }
        RecordKind::Upload => storage.all(by_id(UPLOADS), |row| upload::read(row).map(Record::Upload)).await,
        RecordKind::RemovableBlob => {
            let read = |row: &PgRow| Ok(Record::RemovableBlob(BlobKey(field(row, "blob")?)));
            storage.all(by_id(REMOVABLE_BLOBS), read).await
        }
        RecordKind::Notification => storage.all(by_id(NOTIFICATIONS), notification).await,
        RecordKind::Control => {
            let events = ControlRepository::after(storage, tenant, after_position, limit).await?;
            Ok(events.into_iter().map(|(position, event)| Record::Control { position, event }).collect())
        }
        _ => rest(storage, kind, by_id).await,
    }
}

/// The audit trail, and the accounts if this crate keeps them. Their kinds are there if any crate has asked the core for them.
async fn rest(
    storage: &PostgresStorage,
    kind: RecordKind,
    by_id: impl Fn(&'static str) -> Call,
) -> Result<Vec<Record>, StorageError> {
    #[cfg(feature = "accounts")]
    if kind == RecordKind::Password {
        return storage.all(by_id(PASSWORDS), password).await;
    }
    #[cfg(feature = "accounts")]
    if kind == RecordKind::Session {
        return storage.all(by_id(SESSIONS), session).await;
    }
    if kind != RecordKind::Audit {
        return Ok(Vec::new());
    }
    storage.all(by_id(audit::PAGE), |row| audit::read(row).map(Record::Audit)).await
}

#[cfg(feature = "accounts")]
fn password(row: &PgRow) -> Result<Record, Failure> {
    let hash = convor::ports::storage::PasswordHash::from_phc(field(row, "hash")?);
    Ok(Record::Password { operator: id(row, "operator_id")?, hash })
}

#[cfg(feature = "accounts")]
fn session(row: &PgRow) -> Result<Record, Failure> {
    Ok(Record::Session {
        id: id(row, "id")?,
        operator: id(row, "operator_id")?,
        token: TokenHash::from(bytes_32(row, "token_hash")?),
        expires_at: time(row, "expires_at")?,
    })
}

fn token(row: &PgRow) -> Result<Record, Failure> {
    let hash = TokenHash::from(bytes_32(row, "token_hash")?);
    Ok(Record::Token { visitor: id(row, "visitor_id")?, hash })
}

fn current_page(row: &PgRow) -> Result<Record, Failure> {
    let title = field::<Option<String>>(row, "title")?.map(Text::from_stored);
    let page = CurrentPage { url: text(row, "url")?, title, at: time(row, "at")? };
    Ok(Record::Page { visitor: id(row, "visitor_id")?, page })
}

fn conversation(row: &PgRow) -> Result<Record, Failure> {
    Ok(Record::Conversation {
        conversation: field::<ConversationRow>(row, "conversation")?.0,
        client_id: id(row, "client_id")?,
        digest: digest(row)?,
        with_message: field(row, "with_message")?,
    })
}

fn event(row: &PgRow) -> Result<Record, Failure> {
    Ok(Record::Event { event: field::<EventRow>(row, "event")?.0, digest: digest(row)? })
}

fn digest(row: &PgRow) -> Result<Option<BodyDigest>, Failure> {
    let digest = field::<Option<Vec<u8>>>(row, "digest")?;
    let bytes =
        digest.map(<[u8; 32]>::try_from).transpose().map_err(|_| corrupt("a digest of another length"))?;
    Ok(bytes.map(BodyDigest::from))
}

fn read_position(row: &PgRow) -> Result<Record, Failure> {
    let reader = codes::author_of(field(row, "reader_kind")?, field(row, "reader_id")?);
    Ok(Record::Read {
        conversation: id(row, "conversation_id")?,
        reader: reader.ok_or_else(|| corrupt("nobody"))?,
        up_to: Heads { staff: count(row, "staff_seq")?, visitor: count(row, "visitor_seq")? },
    })
}

fn notification(row: &PgRow) -> Result<Record, Failure> {
    let (notification, attempts) = outbox::read(row)?;
    let held_until = field::<Option<i64>>(row, "held_until")?.map(Timestamp::from_millis);
    Ok(Record::Notification { id: id(row, "id")?, notification, attempts, held_until })
}
