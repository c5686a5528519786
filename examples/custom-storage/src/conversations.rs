//! Conversations, and what members see of them.

use convor::async_trait;
use convor::domain::{
    Audience, Author, BodyDigest, Conversation, Event, EventKind, Heads, Operator, PerAudience, Status,
    Visitor,
};
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::{
    ConversationPage, ConversationPatch, ConversationRepository, ConversationScope, ConversationView,
    DueSnooze, Open, OpenOutcome, Record, UpdateOutcome,
};
use convor::ports::{Change, StorageError};
use convor::time::Timestamp;

use crate::failure::{CORRUPT, Result};
use crate::store::{Reading, Writing};
use crate::{RedbStorage, events, keys};

/// The lifetime of positions. Whoever puts a backup back needs a higher one, also in the conversations that it holds.
const EPOCH: u32 = 1;

/// To how many unread messages are counted.
const UNREAD_MAX: usize = 100;

#[async_trait]
impl ConversationRepository for RedbStorage {
    async fn open(
        &self,
        tenant: TenantId,
        open: &Open,
        change: &Change,
    ) -> Result<OpenOutcome, StorageError> {
        let (open, change) = (open.clone(), change.clone());
        self.write(move |store| self::open(store, tenant, open, &change)).await
    }

    async fn find(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StorageError> {
        self.get(tenant, conversation.uuid()).await
    }

    async fn view(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
    ) -> Result<Option<ConversationView>, StorageError> {
        self.read(move |store| {
            let found = store.get(tenant, conversation.uuid())?;
            found.map(|conversation| view(store, tenant, conversation, reader)).transpose()
        })
        .await
    }

    async fn page(
        &self,
        tenant: TenantId,
        page: &ConversationPage,
    ) -> Result<Vec<ConversationView>, StorageError> {
        let list = match &page.scope {
            ConversationScope::Of(visitor) => keys::own(tenant, *visitor),
            ConversationScope::Inbox { status, assignee, tag } => {
                keys::inbox(tenant, *status, *assignee, tag.as_ref())
            }
        };
        let end = page.before.map_or(list.end(), |(at, id)| list.clone().time(at).id(id.uuid()));
        let (reader, limit) = (page.reader, page.limit);
        self.read(move |store| {
            let latest = store.through(list..end)?.rev().take(limit);
            latest.map(|conversation| view(store, tenant, conversation?, reader)).collect()
        })
        .await
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
        self.write(move |store| {
            let Some(conversation) = store.get::<Conversation>(tenant, conversation.uuid())? else {
                return Ok(UpdateOutcome::NotFound);
            };
            if conversation.version != version {
                return Ok(UpdateOutcome::VersionMismatch);
            }
            if let Some(Some(operator)) = patch.assignee
                && store.get::<Operator>(tenant, operator.uuid())?.is_none()
            {
                return Ok(UpdateOutcome::NoSuchOperator);
            }
            update(store, tenant, conversation, patch, &change)
        })
        .await
    }

    async fn due_snoozes(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueSnooze>, StorageError> {
        self.read(move |store| {
            let due = store.due::<Conversation>(tenant, now)?.take(limit);
            due.map(|due| due.map(|Conversation { id, version, .. }| DueSnooze { conversation: id, version }))
                .collect()
        })
        .await
    }
}

fn open(store: &mut Writing<'_>, tenant: TenantId, open: Open, change: &Change) -> Result<OpenOutcome> {
    let Open { id, client_id, digest, site, visitor, subject, first_message, conversations_max } = open;
    if store.get::<Visitor>(tenant, visitor.uuid())?.is_none_or(|visitor| visitor.site != site) {
        return Ok(OpenOutcome::NoSuchVisitor);
    }
    if let Some(before) = store.find(&keys::opened(tenant, visitor, client_id))? {
        return repeat(store, tenant, before, digest);
    }
    if store.count(keys::own(tenant, visitor).all(), conversations_max)? == conversations_max {
        return Ok(OpenOutcome::TooMany);
    }
    let mut conversation = Conversation {
        id,
        site,
        visitor,
        subject,
        status: Status::Open,
        snoozed_until: None,
        assignee: None,
        tags: Vec::new(),
        created_at: change.at,
        updated_at: PerAudience { staff: change.at, visitor: change.at },
        heads: Heads::default(),
        floor: Heads::default(),
        epoch: EPOCH,
        version: 1,
    };
    let with_message = first_message.is_some();
    let record = Record::Conversation {
        conversation: conversation.clone(),
        client_id,
        digest: Some(digest),
        with_message,
    };
    store.add(tenant, &record)?;
    let first = match first_message {
        Some(message) => {
            let author = Author::Visitor(visitor);
            let first = events::say(store, tenant, &mut conversation, author, message, change.at)?;
            store.amend(tenant, &conversation)?;
            Some(first)
        }
        None => None,
    };
    store.carry(tenant, change)?;
    Ok(OpenOutcome::Opened { conversation, first })
}

/// What the first call of an opening has stored.
fn repeat(
    store: &Writing<'_>,
    tenant: TenantId,
    (conversation, before, with_message): (Conversation, Option<BodyDigest>, bool),
    digest: BodyDigest,
) -> Result<OpenOutcome> {
    if before.is_some_and(|before| before != digest) {
        return Ok(OpenOutcome::ClientIdReused);
    }
    let first = keys::log(tenant, conversation.id, Audience::Staff).number(1);
    let first = if with_message { store.at(&first)? } else { None };
    Ok(OpenOutcome::Duplicate { conversation, first })
}

fn update(
    store: &mut Writing<'_>,
    tenant: TenantId,
    mut conversation: Conversation,
    patch: ConversationPatch,
    change: &Change,
) -> Result<UpdateOutcome> {
    let mut kinds = Vec::new();
    if let Some((status, until)) = patch.status.map(|status| status.parts())
        && (status, until) != (conversation.status, conversation.snoozed_until)
    {
        kinds.push(events::set_status(&mut conversation, status, until));
    }
    if let Some(assignee) = patch.assignee.filter(|assignee| *assignee != conversation.assignee) {
        conversation.assignee = assignee;
        kinds.push(EventKind::Assigned(assignee));
    }
    if let Some(tags) = patch.tags.filter(|tags| *tags != conversation.tags) {
        conversation.tags.clone_from(&tags);
        kinds.push(EventKind::Tagged(tags));
    }
    let mut events = Vec::new();
    for kind in kinds {
        events.push(events::log(store, tenant, &mut conversation, change.actor, change.at, kind, None)?);
    }
    if !events.is_empty() {
        conversation.version += 1;
        store.amend(tenant, &conversation)?;
        store.carry(tenant, change)?;
    }
    Ok(UpdateOutcome::Updated { conversation, events })
}

/// A conversation, as a reader sees it.
fn view(
    store: &Reading,
    tenant: TenantId,
    conversation: Conversation,
    reader: Author,
) -> Result<ConversationView> {
    let (id, visitor) = (conversation.id, conversation.visitor);
    let audience = match reader {
        Author::Visitor(_) => Audience::Visitor,
        Author::Operator(_) | Author::System => Audience::Staff,
    };
    let to_staff = audience == Audience::Staff;
    let read = store.at::<Heads>(&keys::read(tenant, id, reader))?.unwrap_or_default();
    let other_read = if to_staff {
        store.at::<Heads>(&keys::read(tenant, id, Author::Visitor(visitor)))?
    } else {
        store.through(keys::operators_read(tenant, id).all())?.next_back().transpose()?
    };
    let mut last_message = None::<Event>;
    for by_visitor in [true, false] {
        let last = store.through::<Event>(keys::said(tenant, id, by_visitor, audience).all())?.next_back();
        last_message = last_message.into_iter().chain(last.transpose()?).max_by_key(|e| e.position.staff);
    }
    let others = keys::said(tenant, id, to_staff, audience);
    let unread = store.count(others.clone().number(read.staff).end()..others.end(), UNREAD_MAX)?;
    Ok(ConversationView {
        visitor: store.get(tenant, visitor.uuid())?.ok_or(CORRUPT)?,
        page: store.get(tenant, visitor.uuid())?,
        conversation,
        last_message,
        read: read.of(audience),
        other_read: other_read.unwrap_or_default().of(audience),
        unread: unread.try_into().unwrap_or(u32::MAX),
    })
}
