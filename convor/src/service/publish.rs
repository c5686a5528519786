//! What has been committed becomes known: to this node's listeners at once, to other nodes as a hint.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::domain::{Audience, Event, Heads};
use crate::error::Error;
use crate::hub::{Connection, Placed, StaleTopic, TopicKey};
use crate::ids::{OperatorId, TenantId, VisitorId};
use crate::ports::storage::Window;
use crate::ports::{Close, Frame, SignalBody, ToldEvent};
use crate::protocol::{EventObject, Names, ServerFrame, encode, operators_of};
use crate::session::catch_up;

use super::Chat;

/// How many events one read fetches.
const PAGE: usize = 100;

/// The events that one change adds at most: status, assignee, tags.
const EVENTS_PER_CHANGE_MAX: usize = 3;

impl Chat {
    /// Publishes events that have just been committed. The caller holds the conversation's turn.
    pub(super) async fn publish(&self, tenant: TenantId, visitor: VisitorId, heads: Heads, events: &[Event]) {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        debug_assert!(heads.staff == last.position.staff, "the heads are those after the last event");
        let (conversation, after) = (first.conversation, before(first));
        if events.iter().any(|event| event.kind.message().is_some()) {
            self.inner.unindexed.add(tenant, self.limits().tenants_cached_max);
        }
        let told = match self.publish_here(tenant, events).await {
            Ok(rendered) => self.told(&rendered),
            Err(_) => {
                // They are committed, and published when the names can be read again.
                self.hub().mark_stale((tenant, conversation), StaleTopic::grown(visitor, after, heads.staff));
                None
            }
        };
        if events.iter().any(|event| event.position.visitor == Some(1)) {
            // It may have been opened through another node, which had nothing to tell of it.
            self.subscribe_visitor((tenant, conversation), visitor);
        }
        self.signal(match told {
            Some(events) => {
                let epoch = first.epoch;
                SignalBody::Told { tenant, conversation, visitor, after, heads, epoch, events }
            }
            None => SignalBody::Grown { tenant, conversation, visitor, after, heads },
        });
    }

    /// What other nodes are told, if the broker may carry it and it is not too much.
    fn told(&self, rendered: &[Rendered<'_>]) -> Option<Vec<ToldEvent>> {
        if !self.inner.tells_content {
            return None;
        }
        let mut room = self.limits().told_bytes_max;
        let tell = |rendered: &Rendered<'_>| {
            let told = rendered.told()?;
            room = room.checked_sub(told.bytes())?;
            Some(told)
        };
        rendered.iter().map(tell).collect()
    }

    /// Publishes what another node has told, as far as nothing before it is missing here; answers whether that was all.
    pub(super) fn publish_told(&self, key: TopicKey, epoch: u32, events: Vec<ToldEvent>) -> bool {
        events.into_iter().all(|told| {
            let to_staff = Frame::event(told.to_staff.into());
            let to_visitor = told.to_visitor.map(|text| Frame::event(text.into()));
            let placed = Placed { position: told.position, epoch };
            self.hub().publish(key, placed, |audience| match audience {
                Audience::Staff => Some(&to_staff),
                Audience::Visitor => to_visitor.as_ref(),
            })
        })
    }

    /// A change has turned out to be stored already. Whoever stored it may not have lived to tell.
    pub(super) fn publish_again(&self, tenant: TenantId, event: &Event) {
        self.hub().mark_stale((tenant, event.conversation), StaleTopic::untold(before(event)));
    }

    async fn publish_here<'e>(
        &self,
        tenant: TenantId,
        events: &'e [Event],
    ) -> Result<Vec<Rendered<'e>>, Error> {
        let names = Arc::new(self.names(tenant, events).await?);
        let rendered: Vec<_> = events.iter().map(|event| Rendered::new(event, &names)).collect();
        for rendered in &rendered {
            let event = rendered.event;
            let placed = Placed { position: event.position, epoch: event.epoch };
            self.hub().publish((tenant, event.conversation), placed, |audience| rendered.frame(audience));
        }
        Ok(rendered)
    }

    /// The names of the operators in these events.
    pub(crate) async fn names(&self, tenant: TenantId, events: &[Event]) -> Result<Names, Error> {
        let mut operators: Vec<_> = events.iter().flat_map(operators_of).collect();
        operators.sort_unstable();
        operators.dedup();
        self.names_of(tenant, &operators).await
    }

    pub(super) async fn names_of(&self, tenant: TenantId, operators: &[OperatorId]) -> Result<Names, Error> {
        let mut found = Vec::new();
        for some in operators.chunks(200) {
            found.extend(self.within(self.storage().operators().find(tenant, some)).await?);
        }
        Ok(Names::of(found))
    }

    /// Publishes from the storage what a conversation has and listeners may have missed, and answers its staff position.
    pub(super) async fn reread(&self, key: TopicKey, stale: StaleTopic) -> Result<u64, Error> {
        let turn = self.hub().turn(key).await;
        let read = self.within(self.read_and_publish(key, stale)).await;
        // It is tried again by whoever asked for it; the turn itself has changed nothing.
        turn.settle();
        let Some((visitor, after, heads)) = read? else { return Ok(0) };
        if stale.untold && after < heads.staff {
            let (tenant, conversation) = key;
            self.signal(SignalBody::Grown { tenant, conversation, visitor, after, heads });
        }
        self.subscribe_visitor(key, visitor);
        Ok(heads.staff)
    }

    /// `None` if there is no such conversation: nothing has been stored after all.
    async fn read_and_publish(
        &self,
        (tenant, conversation): TopicKey,
        stale: StaleTopic,
    ) -> Result<Option<(VisitorId, u64, Heads)>, Error> {
        // Listeners of the conversation may be ahead of those of the inbox.
        let published = self.hub().published((tenant, conversation)).map(|heads| heads.staff);
        let start = match (published, stale.after) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let (mut window, mut limit) = match start {
            Some(after) => (Window::After(after), PAGE),
            None => (Window::Latest, EVENTS_PER_CHANGE_MAX),
        };
        let mut lowest = None;
        loop {
            let events = self.storage().events();
            let page = events.page(tenant, conversation, Audience::Staff, window, limit).await?;
            let Some(page) = page else { return Ok(None) };
            self.hub().begins_above((tenant, conversation), page.floor.staff);
            self.publish_here(tenant, &page.events).await?;
            let lowest = *lowest.get_or_insert(page.events.first().map_or(page.heads.staff, before));
            match page.events.last() {
                Some(last) if last.position.staff < page.heads.staff => {
                    (window, limit) = (Window::After(last.position.staff), PAGE);
                }
                _ => return Ok(Some((page.visitor, lowest, page.heads))),
            }
        }
    }

    /// Connections of a visitor that do not know a conversation which has been opened elsewhere begin to hear it.
    pub(super) fn subscribe_visitor(&self, key: TopicKey, visitor: VisitorId) {
        for connection in self.hub().roster().of(key.0, crate::domain::Author::Visitor(visitor)) {
            // It counts as a member at once, so that it is brought up to date by one task only.
            if self.hub().enter_anew(key, &connection) {
                self.bring_up_to_date(key, connection);
            }
        }
    }

    /// Lets a connection hear a conversation from its first event on, by a task of its own: a slow reader must not hold up
    /// what others hear.
    pub(super) fn bring_up_to_date(&self, key: TopicKey, connection: Arc<Connection>) {
        let chat = self.clone();
        tokio::spawn(async move {
            let start = catch_up::Start::After { epoch: None, after: 0 };
            if catch_up::catch_up(&chat, &connection, key.1, start, None).await.is_err() {
                connection.close(Close::PositionLost);
            }
        });
    }
}

/// The frames of an event: each audience's is made when it is first needed, and shared by all who get it.
struct Rendered<'e> {
    event: &'e Event,
    names: Arc<Names>,
    staff: OnceCell<Option<Frame>>,
    visitor: OnceCell<Option<Frame>>,
}

impl<'e> Rendered<'e> {
    fn new(event: &'e Event, names: &Arc<Names>) -> Self {
        Self { event, names: Arc::clone(names), staff: OnceCell::new(), visitor: OnceCell::new() }
    }

    fn frame(&self, audience: Audience) -> Option<&Frame> {
        let frame = match audience {
            Audience::Staff => &self.staff,
            Audience::Visitor => &self.visitor,
        };
        frame.get_or_init(|| event_frame(self.event, audience, &self.names)).as_ref()
    }

    /// The event as other nodes are told it.
    fn told(&self) -> Option<ToldEvent> {
        let text = |frame: &Frame| String::from_utf8(frame.text.to_vec()).ok();
        let to_staff = self.frame(Audience::Staff).and_then(text)?;
        let to_visitor = self.frame(Audience::Visitor).and_then(text);
        Some(ToldEvent { position: self.event.position, to_staff, to_visitor })
    }
}

/// The staff position before an event.
const fn before(event: &Event) -> u64 {
    event.position.staff.saturating_sub(1)
}

pub(super) fn event_frame(event: &Event, audience: Audience, names: &Names) -> Option<Frame> {
    let object = EventObject::new(event, audience, names)?;
    Some(Frame::event(encode(&ServerFrame::Event(object))))
}
