//! Who is there, and what is told without being stored in a log: typing, reading, presence, pages.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::domain::{Audience, Author, MessageKind};
use crate::error::Error;
use crate::hub::{Arrival, Connection};
use crate::ids::{ConnectionId, TenantId, VisitorId};
use crate::ports::{Close, Frame, SignalBody};
use crate::protocol::{AuthorObject, Names, PageObject, ServerFrame, encode};

use super::{Chat, frame_key};

impl Chat {
    /// A connection has been added to the roster.
    pub(crate) fn arrived(&self, connection: &Arc<Connection>, arrival: Arrival) {
        if arrival == Arrival::First {
            self.presence_changed(connection.principal().tenant(), connection.author());
        }
    }

    /// A connection has ended.
    pub(crate) fn left(&self, connection: &Arc<Connection>) {
        if self.hub().disconnect(connection) {
            self.presence_changed(connection.principal().tenant(), connection.author());
        }
    }

    /// Says how it is now, not how it was when somebody noticed: of two that notice, the last one is right.
    fn presence_changed(&self, tenant: TenantId, author: Author) {
        self.show_presence(tenant, author);
        self.signal(if self.hub().roster().is_here(tenant, author) {
            SignalBody::Online { who: vec![(tenant, author)] }
        } else {
            SignalBody::Offline { tenant, author }
        });
    }

    /// Tells this node's listeners whether somebody is there.
    pub(super) fn show_presence(&self, tenant: TenantId, author: Author) {
        let online = self.hub().roster().is_online(tenant, author);
        let names = Names::default();
        let staff_author = AuthorObject::new(author, Audience::Staff, &names);
        let frame = encode(&ServerFrame::Presence { author: Some(staff_author), online });
        let frame = Frame::droppable(frame, frame_key("presence", None, Some(author)));
        self.hub().roster().inbox(tenant).iter().for_each(|connection| connection.offer(&frame));
        if let Some(online) = self.hub().roster().staffed_news(tenant) {
            let frame = encode(&ServerFrame::Presence { author: None, online });
            let frame = Frame::droppable(frame, frame_key("presence", None, None));
            self.hub().roster().visitors(tenant).iter().for_each(|connection| connection.offer(&frame));
        }
    }

    /// Tells this node's listeners and the other nodes.
    pub(super) async fn tell(&self, body: SignalBody, except: Option<ConnectionId>) -> Result<(), Error> {
        let told = if self.somebody_wants(&body) { self.tell_here(&body, except).await } else { Ok(()) };
        self.signal(body);
        told
    }

    /// Whether anybody on this node listens to what a signal says.
    pub(super) fn somebody_wants(&self, body: &SignalBody) -> bool {
        match body {
            SignalBody::Typing { tenant, conversation, visitor, .. }
            | SignalBody::Read { tenant, conversation, visitor, .. } => {
                self.hub().has_listeners((*tenant, *conversation), *visitor)
            }
            SignalBody::PageSeen { tenant, .. } => !self.hub().roster().inbox(*tenant).is_empty(),
            _ => false,
        }
    }

    /// Tells this node's listeners what a signal says.
    pub(super) async fn tell_here(
        &self,
        body: &SignalBody,
        except: Option<ConnectionId>,
    ) -> Result<(), Error> {
        match body {
            SignalBody::Typing { tenant, conversation, visitor, author, active, kind } => {
                let names = self.names_of_author(*tenant, *author).await?;
                let key = frame_key("typing", Some(*conversation), Some(*author));
                let frame = |audience| {
                    let author = AuthorObject::new(*author, audience, &names);
                    let typing = ServerFrame::Typing {
                        conversation: *conversation,
                        author,
                        active: *active,
                        kind: *kind,
                    };
                    Frame::droppable(encode(&typing), key)
                };
                let to_visitor = (*kind == MessageKind::Message).then(|| frame(Audience::Visitor));
                let to_staff = frame(Audience::Staff);
                // One's own typing is no news, whichever window it comes from.
                let own = |connection: &Connection| connection.author() == *author;
                let frames = (Some(&to_staff), to_visitor.as_ref());
                self.hub().tell_conversation((*tenant, *conversation), *visitor, frames, own);
            }
            SignalBody::Read { tenant, conversation, visitor, author, from, up_to } => {
                let names = self.names_of_author(*tenant, *author).await?;
                let key = frame_key("read", Some(*conversation), Some(*author));
                let frame = |audience| {
                    let author = AuthorObject::new(*author, audience, &names);
                    let read =
                        ServerFrame::Read { conversation: *conversation, author, seq: up_to.of(audience) };
                    Frame::droppable(encode(&read), key)
                };
                // A step over nothing but notes is none that the visitor may notice.
                let to_visitor = (up_to.visitor > from.visitor).then(|| frame(Audience::Visitor));
                let to_staff = frame(Audience::Staff);
                let same = |connection: &Connection| Some(connection.id()) == except;
                let frames = (Some(&to_staff), to_visitor.as_ref());
                self.hub().tell_conversation((*tenant, *conversation), *visitor, frames, same);
            }
            SignalBody::PageSeen { tenant, visitor } => self.show_page(*tenant, *visitor).await?,
            _ => {}
        }
        Ok(())
    }

    async fn show_page(&self, tenant: TenantId, visitor: VisitorId) -> Result<(), Error> {
        let inbox = self.hub().roster().inbox(tenant);
        if inbox.is_empty() {
            return Ok(());
        }
        if let Some(page) = self.within(self.storage().pages().find(tenant, visitor)).await? {
            let frame = encode(&ServerFrame::Page { visitor, page: PageObject::new(&page) });
            let frame = Frame::droppable(frame, frame_key("page", None, Some(Author::Visitor(visitor))));
            inbox.iter().for_each(|connection| connection.offer(&frame));
        }
        Ok(())
    }

    async fn names_of_author(&self, tenant: TenantId, author: Author) -> Result<Names, Error> {
        match author {
            Author::Operator(operator) => self.names_of(tenant, &[operator]).await,
            _ => Ok(Names::default()),
        }
    }

    /// Begins to go away: this node is not ready any more, and every connection is told to come back, not all at once.
    /// What is being committed is finished by those who asked for it.
    pub fn drain(&self) {
        self.inner.draining.store(true, Ordering::Relaxed);
        self.signal(SignalBody::Goodbye);
        for connection in self.hub().roster().all() {
            connection.close(self.draining());
        }
    }

    /// What ends a connection that is to come back elsewhere, but not at the same time as all the others.
    #[must_use]
    pub fn draining(&self) -> Close {
        Close::Draining { reconnect_after_ms: self.spread(500, 5_000) }
    }
}
