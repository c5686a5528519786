//! What has been committed becomes known: to this node's listeners at once, to other nodes as a hint.

use crate::domain::{Audience, Event, Heads};
use crate::error::Error;
use crate::hub::{StaleTopic, TopicKey};
use crate::ids::{TenantId, VisitorId};
use crate::ports::storage::Window;
use crate::ports::{Frame, SignalBody};
use crate::protocol::{EventObject, Names, ServerFrame, encode, operators_of};
use crate::session::catch_up;

use super::Chat;

/// How many events one read fetches.
const PAGE: usize = 100;

impl Chat {
    /// Publishes events that have just been committed. The caller holds the conversation's turn.
    pub(super) async fn publish(&self, tenant: TenantId, visitor: VisitorId, heads: Heads, events: &[Event]) {
        let Some(last) = events.last() else { return };
        self.publish_here(tenant, events).await;
        let conversation = last.conversation;
        debug_assert!(heads.staff == last.position.staff, "the heads are those after the last event");
        self.signal(SignalBody::Grown { tenant, conversation, visitor, heads });
    }

    async fn publish_here(&self, tenant: TenantId, events: &[Event]) {
        let names = match self.names(tenant, events).await {
            Ok(names) => names,
            Err(_) => {
                // They are committed and will be published when the names can be read again.
                if let Some(first) = events.first() {
                    let after = first.position.staff.checked_sub(1);
                    self.hub().mark_stale((tenant, first.conversation), after);
                }
                return;
            }
        };
        for event in events {
            self.hub().publish(tenant, event, |audience| event_frame(event, audience, &names));
        }
    }

    /// The names of the operators in these events.
    pub(crate) async fn names(&self, tenant: TenantId, events: &[Event]) -> Result<Names, Error> {
        let mut operators: Vec<_> = events.iter().flat_map(operators_of).collect();
        operators.sort_unstable();
        operators.dedup();
        self.names_of(tenant, &operators).await
    }

    pub(super) async fn names_of(
        &self,
        tenant: TenantId,
        operators: &[crate::ids::OperatorId],
    ) -> Result<Names, Error> {
        let mut found = Vec::new();
        for some in operators.chunks(200) {
            found.extend(self.storage().operators().find(tenant, some).await?);
        }
        Ok(Names::of(found))
    }

    /// Publishes from the storage what a conversation has and this node's listeners may have missed.
    pub(super) async fn reread(&self, key: TopicKey, stale: StaleTopic) -> Result<(), Error> {
        let (tenant, conversation) = key;
        let turn = self.hub().turn(key).await;
        let mut window = match (self.hub().published(key), stale.after) {
            (Some(published), _) => Window::After(published.staff),
            (None, Some(after)) => Window::After(after),
            (None, None) => Window::Latest,
        };
        let visitor = loop {
            let limit = if window == Window::Latest { 1 } else { PAGE };
            let events = self.storage().events();
            let page = events.page(tenant, conversation, Audience::Staff, window, limit).await;
            let page = match page {
                Ok(Some(page)) => page,
                // There is no such conversation: nothing had been stored after all.
                Ok(None) => {
                    turn.settle();
                    return Ok(());
                }
                Err(error) => {
                    turn.settle();
                    return Err(error.into());
                }
            };
            self.publish_here(tenant, &page.events).await;
            match page.events.last() {
                Some(last) if last.position.staff < page.heads.staff => {
                    window = Window::After(last.position.staff)
                }
                _ => break page.visitor,
            }
        };
        turn.settle();
        self.subscribe_visitor(key, visitor);
        Ok(())
    }

    /// Connections of a visitor that do not know a conversation which another node has opened begin to hear it.
    pub(super) fn subscribe_visitor(&self, key: TopicKey, visitor: VisitorId) {
        for connection in self.hub().roster().of(key.0, crate::domain::Author::Visitor(visitor)) {
            if !self.hub().is_member(key, connection.id()) {
                let chat = self.clone();
                // A slow reader must not hold up what others hear.
                tokio::spawn(async move {
                    let start = catch_up::Start::After { epoch: None, after: 0 };
                    let _ = catch_up::catch_up(&chat, &connection, key.1, start, None).await;
                });
            }
        }
    }
}

fn event_frame(event: &Event, audience: Audience, names: &Names) -> Option<Frame> {
    let object = EventObject::new(event, audience, names)?;
    Some(Frame::event(encode(&ServerFrame::Event(object))))
}
