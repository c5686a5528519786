//! Conversations.

use async_trait::async_trait;
use convor::domain::{Author, BodyDigest, Conversation, Event, EventKind, Heads, PerAudience, Status, Text};
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::{
    ConversationPage, ConversationPatch, ConversationRepository, ConversationView, DueSnooze, Open,
    OpenOutcome, UpdateOutcome,
};
use convor::ports::{Change, StorageError};
use convor::time::Timestamp;
use sqlx::SqliteConnection;

use super::change::commit;
use super::columns::{Columns, count, limit as rows_max, number};
use super::log::{Log, event, event_columns, status_number};
use super::statement::{statement, statements};
use super::{SqliteStorage, inbox, operator, view, visitor};
use crate::failure::Failure;

statements! {
    OPENED_BEFORE = "SELECT conversation_id, digest, with_message FROM conversations
        WHERE tenant_id = ?1 AND visitor_id = ?2 AND client_id = ?3";
    FIRST = concat!("SELECT ", event_columns!(), " FROM events AS e
        WHERE e.tenant_id = ?1 AND e.conversation_id = ?2 AND e.staff_seq = 1");
    /// Counted to the bound and no further.
    COUNT = "SELECT count(*) FROM (
        SELECT 1 FROM conversations WHERE tenant_id = ?1 AND visitor_id = ?2 LIMIT ?3)";
    EPOCH = "SELECT epoch FROM tenants WHERE tenant_id = ?1";
    /// What is derived from its log is that of an empty one.
    INSERT = "INSERT INTO conversations (tenant_id, conversation_id, site_id, visitor_id, subject, status,
            snoozed_until, assignee_id, created_at, updated_staff, updated_visitor,
            head_staff, head_visitor, floor_staff, floor_visitor, epoch, version,
            client_id, digest, with_message,
            last_message_staff, last_message_visitor, oldest_at, indexed)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
            0, 0, NULL, ?12)";
    DUE_SNOOZES = "SELECT conversation_id, version FROM conversations
        WHERE tenant_id = ?1 AND snoozed_until IS NOT NULL AND snoozed_until <= ?2
        ORDER BY snoozed_until, conversation_id LIMIT ?3";
}

/// By what a repeat of an opening is recognised.
pub(super) struct Opening {
    pub(super) client_id: convor::ids::ClientId,
    pub(super) digest: Option<BodyDigest>,
    pub(super) with_message: bool,
}

#[async_trait]
impl ConversationRepository for SqliteStorage {
    async fn open(
        &self,
        tenant: TenantId,
        opening: &Open,
        change: &Change,
    ) -> Result<OpenOutcome, StorageError> {
        let (opening, change) = (opening.clone(), change.clone());
        self.db.write(move |db| Box::pin(async move { open(db, tenant, &opening, &change).await })).await
    }

    async fn find(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StorageError> {
        let find = self.db.read(move |db| {
            Box::pin(async move {
                let found = Log::find(db, tenant, conversation).await?;
                Ok(found.map(|log| log.conversation))
            })
        });
        find.await
    }

    async fn view(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
    ) -> Result<Option<ConversationView>, StorageError> {
        let view = self.db.read(move |db| {
            Box::pin(async move { Ok(view::of(db, tenant, &[conversation], reader).await?.pop()) })
        });
        view.await
    }

    async fn page(
        &self,
        tenant: TenantId,
        page: &ConversationPage,
    ) -> Result<Vec<ConversationView>, StorageError> {
        let page = page.clone();
        let listed = self.db.read(move |db| {
            Box::pin(async move {
                let listed = inbox::list(db, tenant, &page).await?;
                view::of(db, tenant, &listed, page.reader).await
            })
        });
        listed.await
    }

    async fn update(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        version: u64,
        patch: &ConversationPatch,
        change: &Change,
    ) -> Result<UpdateOutcome, StorageError> {
        let (patch, change) = (patch.clone(), change.clone());
        let update = self.db.write(move |db| {
            Box::pin(async move { update(db, tenant, conversation, version, patch, &change).await })
        });
        update.await
    }

    async fn due_snoozes(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueSnooze>, StorageError> {
        let due = self.db.read(move |db| {
            Box::pin(async move {
                let due = statement(tenant, DUE_SNOOZES).bind(now.millis()).bind(rows_max(limit));
                let due = due.fetch_all(db).await?;
                let due = due.iter().map(|row| {
                    let mut columns = Columns::of(row);
                    Ok(DueSnooze { conversation: columns.id()?, version: columns.number()? })
                });
                due.collect()
            })
        });
        due.await
    }
}

async fn open(
    db: &mut SqliteConnection,
    tenant: TenantId,
    open: &Open,
    change: &Change,
) -> Result<OpenOutcome, Failure> {
    if visitor::find(db, tenant, open.visitor).await?.is_none_or(|visitor| visitor.site != open.site) {
        return Ok(OpenOutcome::NoSuchVisitor);
    }
    if let Some(before) = opened_before(db, tenant, open).await? {
        return Ok(before);
    }
    let counted = statement(tenant, COUNT).bind(open.visitor.uuid()).bind(rows_max(open.conversations_max));
    let has = counted.fetch_one(&mut *db).await?;
    if count(Columns::of(&has).value()?) >= open.conversations_max {
        return Ok(OpenOutcome::TooMany);
    }
    let epoch = statement(tenant, EPOCH).fetch_one(&mut *db).await?;
    let conversation = new_conversation(open, Columns::of(&epoch).small()?, change.at);
    let with_message = open.first_message.is_some();
    let opening = Opening { client_id: open.client_id, digest: Some(open.digest), with_message };
    insert(db, tenant, &conversation, &opening).await?;
    commit(db, tenant, change).await?;
    let mut log = Log::new(conversation);
    let mut first = None;
    if let Some(message) = &open.first_message {
        log.push_message(Author::Visitor(open.visitor), message, change.at);
        first = log.save(db, tenant).await?.pop();
    }
    Ok(OpenOutcome::Opened { conversation: log.conversation, first })
}

async fn opened_before(
    db: &mut SqliteConnection,
    tenant: TenantId,
    open: &Open,
) -> Result<Option<OpenOutcome>, Failure> {
    let before = statement(tenant, OPENED_BEFORE).bind(open.visitor.uuid()).bind(open.client_id.uuid());
    let Some(row) = before.fetch_optional(&mut *db).await? else { return Ok(None) };
    let mut columns = Columns::of(&row);
    let (id, digest) = (columns.id()?, columns.maybe_hash::<BodyDigest>()?);
    if digest.is_some_and(|digest| digest != open.digest) {
        return Ok(Some(OpenOutcome::ClientIdReused));
    }
    let first = if columns.value()? { first(db, tenant, id).await? } else { None };
    let log = Log::find(db, tenant, id).await?.ok_or_else(Failure::corrupt)?;
    Ok(Some(OpenOutcome::Duplicate { conversation: log.conversation, first }))
}

/// The first event of a log, if it is still there.
async fn first(
    db: &mut SqliteConnection,
    tenant: TenantId,
    conversation: ConversationId,
) -> Result<Option<Event>, Failure> {
    let first = statement(tenant, FIRST).bind(conversation.uuid()).fetch_optional(db).await?;
    Ok(first.map(|row| event(&mut Columns::of(&row))).transpose()?.flatten())
}

/// Stores a conversation, without the tags and the log.
pub(super) async fn insert(
    db: &mut SqliteConnection,
    tenant: TenantId,
    conversation: &Conversation,
    opening: &Opening,
) -> Result<(), Failure> {
    let insert = statement(tenant, INSERT)
        .bind(conversation.id.uuid())
        .bind(conversation.site.uuid())
        .bind(conversation.visitor.uuid())
        .bind(conversation.subject.as_ref().map(|subject| subject.as_str().to_owned()))
        .bind(status_number(conversation.status))
        .bind(conversation.snoozed_until.map(Timestamp::millis))
        .bind(conversation.assignee.map(|assignee| assignee.uuid()))
        .bind(conversation.created_at.millis())
        .bind(conversation.updated_at.staff.millis())
        .bind(conversation.updated_at.visitor.millis())
        .bind(number(conversation.heads.staff))
        .bind(number(conversation.heads.visitor))
        .bind(number(conversation.floor.staff))
        .bind(number(conversation.floor.visitor))
        .bind(i64::from(conversation.epoch))
        .bind(number(conversation.version))
        .bind(opening.client_id.uuid())
        .bind(opening.digest.map(|digest| digest.bytes().to_vec()))
        .bind(opening.with_message);
    insert.execute(db).await?;
    Ok(())
}

fn new_conversation(open: &Open, epoch: u32, at: Timestamp) -> Conversation {
    Conversation {
        id: open.id,
        site: open.site,
        visitor: open.visitor,
        subject: open.subject.clone(),
        status: Status::Open,
        snoozed_until: None,
        assignee: None,
        tags: Vec::<Text>::new(),
        created_at: at,
        updated_at: PerAudience { staff: at, visitor: at },
        heads: Heads::default(),
        floor: Heads::default(),
        epoch,
        version: 1,
    }
}

async fn update(
    db: &mut SqliteConnection,
    tenant: TenantId,
    id: ConversationId,
    version: u64,
    patch: ConversationPatch,
    change: &Change,
) -> Result<UpdateOutcome, Failure> {
    let Some(mut log) = Log::find(db, tenant, id).await? else { return Ok(UpdateOutcome::NotFound) };
    if log.conversation.version != version {
        return Ok(UpdateOutcome::VersionMismatch);
    }
    if let Some(Some(assignee)) = patch.assignee
        && !operator::exists(db, tenant, assignee).await?
    {
        return Ok(UpdateOutcome::NoSuchOperator);
    }
    if !apply(&mut log, patch, change) {
        return Ok(UpdateOutcome::Updated { conversation: log.conversation, events: Vec::new() });
    }
    commit(db, tenant, change).await?;
    let events = log.save(db, tenant).await?;
    Ok(UpdateOutcome::Updated { conversation: log.conversation, events })
}

/// Applies what of the patch is not so already; `false` if all of it is.
fn apply(log: &mut Log, patch: ConversationPatch, change: &Change) -> bool {
    let Conversation { status, snoozed_until, assignee, tags, .. } = log.conversation.clone();
    let new_status = patch.status.map(|to| to.parts()).filter(|to| *to != (status, snoozed_until));
    let new_assignee = patch.assignee.filter(|to| *to != assignee);
    let new_tags = patch.tags.filter(|to| *to != tags);
    let changed = new_status.is_some() || new_assignee.is_some() || new_tags.is_some();
    if let Some((to, until)) = new_status {
        log.push_status(change.actor, to, until, change.at);
    }
    if let Some(to) = new_assignee {
        log.conversation.assignee = to;
        log.push(change.actor, EventKind::Assigned(to), None, change.at);
    }
    if let Some(to) = new_tags {
        log.push_tags(change.actor, to, change.at);
    }
    log.conversation.version += u64::from(changed);
    changed
}
