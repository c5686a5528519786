//! Event logs, with their faults.

use async_trait::async_trait;
use convor::domain::{
    Audience, Author, Color, Event, EventKind, Heads, Message, MessageKind, Position, Site,
};
use convor::ids::{ConversationId, SiteId, TenantId};
use convor::ports::storage::{Append, AppendOutcome, EventPage, EventRepository, Window};
use convor::ports::{Change, Storage, StorageError};
use convor::time::Timestamp;

use super::Sabotaged;
use crate::fault::Fault;

impl Sabotaged {
    /// Answers a message as stored that is not.
    async fn pretend(
        &self,
        tenant: TenantId,
        append: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError> {
        let page = self
            .log(tenant, append.conversation)
            .await?
            .expect("the fixtures write where there is something");
        let new = &append.message;
        let message =
            Message { id: new.id, client_id: new.client_id, kind: new.kind, text: Some(new.text.clone()) };
        let kind = EventKind::Message(message);
        let mut heads = page.heads;
        heads.staff += 1;
        heads.visitor += u64::from(kind.visible_to_visitor());
        let visitor = kind.visible_to_visitor().then_some(heads.visitor);
        let position = Position { staff: heads.staff, visitor };
        let (conversation, epoch) = (append.conversation, page.epoch);
        let event = Event { conversation, position, epoch, at: change.at, by: append.author, kind };
        Ok(AppendOutcome::Stored { events: vec![event], visitor: page.visitor, heads })
    }

    /// An event with this `client_id`, whoever has sent it.
    async fn with_client_id(&self, tenant: TenantId, append: &Append) -> Result<Option<Event>, StorageError> {
        let page = self.log(tenant, append.conversation).await?;
        let same =
            |event: &Event| event.kind.message().map(|said| said.client_id) == Some(append.message.client_id);
        Ok(page.and_then(|page| page.events.into_iter().find(same)))
    }

    async fn log(&self, tenant: TenantId, of: ConversationId) -> Result<Option<EventPage>, StorageError> {
        self.inner.events().page(tenant, of, Audience::Staff, Window::After(0), 1_000).await
    }

    /// Commits a change, by whatever comes along with it.
    async fn commit(&self, tenant: TenantId, change: &Change) -> Result<(), StorageError> {
        let Some(audit) = &change.audit else {
            return Ok(());
        };
        let site = Site {
            id: SiteId::from(audit.id.uuid()),
            name: convor::domain::Text::from_stored("residue".to_owned()),
            title: convor::domain::Text::from_stored("residue".to_owned()),
            greeting: convor::domain::Text::from_stored("residue".to_owned()),
            color: Color::parse("#000000").expect("a colour"),
            origins: Vec::new(),
            created_at: change.at,
        };
        self.inner.sites().insert(tenant, &site, change).await?;
        Ok(())
    }

    /// An event, as the fault shows it.
    fn shown_event(&self, mut event: Event) -> Event {
        if self.has(Fault::SkipsASeq) && event.position.staff > 5 {
            event.position.staff += 1;
        }
        if let EventKind::Message(message) = &mut event.kind
            && self.memory().notes.contains(&message.id)
        {
            message.kind = MessageKind::Note;
        }
        event
    }

    fn shown_events(&self, events: Vec<Event>) -> Vec<Event> {
        events.into_iter().map(|event| self.shown_event(event)).collect()
    }

    async fn append_with_fault(
        &self,
        tenant: TenantId,
        append: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError> {
        let mut append = append.clone();
        let mut first = change.clone();
        if self.has(Fault::DoesNotDeduplicate) {
            append.message.client_id = append.message.id.uuid().into();
        }
        if self.has(Fault::ForgetsToReopen) {
            append.reopen = false;
        }
        if self.has(Fault::DropsTheOutbox) {
            first.outbox.clear();
        }
        if self.has(Fault::NumbersNotesForTheVisitor) && append.message.kind == MessageKind::Note {
            append.message.kind = MessageKind::Message;
            self.memory().notes.insert(append.message.id);
        }
        if self.has(Fault::AsksNoVisitorWhose)
            && matches!(append.author, Author::Visitor(_))
            && let Some(page) = self.log(tenant, append.conversation).await?
        {
            append.author = Author::Visitor(page.visitor);
        }
        if self.has(Fault::CommitsInTwoSteps) {
            (first.audit, first.outbox) = (None, Vec::new());
        }
        let outcome = self.inner.events().append(tenant, &append, &first).await?;
        match &outcome {
            AppendOutcome::Stored { .. } if self.has(Fault::CommitsInTwoSteps) => {
                tokio::task::yield_now().await;
                self.commit(tenant, change).await?;
            }
            AppendOutcome::Duplicate(_) if self.has(Fault::LeavesResidueOfADuplicate) => {
                self.commit(tenant, change).await?;
            }
            AppendOutcome::ClientIdReused if self.has(Fault::ComparesNoDigest) => {
                let first = self.with_client_id(tenant, &append).await?;
                return Ok(first.map_or(outcome, AppendOutcome::Duplicate));
            }
            _ => {}
        }
        Ok(outcome)
    }
}

/// A position as a signed number, of which those below 0 stand before everything.
fn wrapped(seq: u64) -> u64 {
    u64::try_from(seq.cast_signed()).unwrap_or(0)
}

#[async_trait]
impl EventRepository for Sabotaged {
    async fn append(
        &self,
        tenant: TenantId,
        append: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError> {
        if self.has(Fault::AcksBeforeCommit) {
            return self.pretend(tenant, append, change).await;
        }
        if self.has(Fault::MixesUpAuthors)
            && let Some(event) = self.with_client_id(tenant, append).await?
        {
            return Ok(AppendOutcome::Duplicate(event));
        }
        let mut outcome = AppendOutcome::NotFound;
        for tenant in self.reach(tenant, Fault::ForgetsTheTenantOnAWrite) {
            outcome = self.append_with_fault(tenant, append, change).await?;
            if !matches!(outcome, AppendOutcome::NotFound) {
                break;
            }
        }
        Ok(match outcome {
            AppendOutcome::Stored { events, visitor, heads } => {
                AppendOutcome::Stored { events: self.shown_events(events), visitor, heads }
            }
            other => other,
        })
    }

    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        audience: Audience,
        window: Window,
        limit: usize,
    ) -> Result<Option<EventPage>, StorageError> {
        let window = match window {
            Window::After(seq) if self.has(Fault::RepeatsTheCursorOfALog) => {
                Window::After(seq.saturating_sub(1))
            }
            Window::After(seq) if self.has(Fault::WrapsPositions) => Window::After(wrapped(seq)),
            Window::Before(seq) if self.has(Fault::WrapsPositions) => Window::Before(wrapped(seq)),
            other => other,
        };
        let audience = if self.has(Fault::ShowsNotesToTheVisitor) { Audience::Staff } else { audience };
        let page = self.inner.events().page(tenant, conversation, audience, window, limit).await?;
        let floor =
            |page: &EventPage| if self.has(Fault::LeavesTheFloor) { Heads::default() } else { page.floor };
        let purged_before = self.memory().purged_before.get(&tenant).copied();
        let left = |event: &Event| purged_before.is_none_or(|before| event.at >= before);
        Ok(page.map(|page| EventPage {
            floor: floor(&page),
            events: self.shown_events(page.events.into_iter().filter(left).collect()),
            ..page
        }))
    }

    async fn purge(&self, tenant: TenantId, before: Timestamp, limit: usize) -> Result<usize, StorageError> {
        let mut removed = 0;
        for tenant in self.reach(tenant, Fault::ForgetsTheTenantOnAPurge) {
            removed += self.purge_with_fault(tenant, before, limit).await?;
        }
        Ok(removed)
    }
}
