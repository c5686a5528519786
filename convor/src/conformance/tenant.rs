//! A tenant as the cases use it: with a site, a visitor and an operator, and short ways to do what people do.

use std::ops::Deref;

use super::world::{Answered, World, digest, text};
use crate::credentials::TokenHash;
use crate::domain::{
    Audience, Author, Color, Conversation, Email, Event, Heads, MessageKind, Operator, Origin, Role, Site,
    TenantProfile, Text, Upload, Visitor,
};
use crate::ids::{ConversationId, OperatorId, SiteId, TenantId, VisitorId};
use crate::ports::storage::{
    Append, AppendOutcome, ConversationPatch, ConversationView, EventPage, NewMessage, NewVisitor, Open,
    OpenOutcome, OperatorOutcome, StatusChange, UpdateOutcome, Window,
};
use crate::ports::{BlobKey, Change};
use crate::time::Timestamp;

/// A tenant with what the cases need most.
#[derive(Clone)]
pub(super) struct Tenant {
    pub(super) world: World,
    pub(super) id: TenantId,
    pub(super) site: SiteId,
    pub(super) visitor: VisitorId,
    pub(super) token: TokenHash,
    pub(super) operator: OperatorId,
    pub(super) email: Email,
}

impl Tenant {
    /// Only the ids; nothing is stored yet.
    pub(super) fn new(world: &World, id: TenantId) -> Self {
        Self {
            world: world.clone(),
            id,
            site: world.id(),
            visitor: world.id(),
            token: world.token(),
            operator: world.id(),
            email: Email::parse("ann@example.org").expect("an address"),
        }
    }

    /// Stores the profile, the site, the visitor and the operator, all named after `name`.
    pub(super) async fn settle_in(&self, name: &str) {
        let (world, system) = (&self.world, Author::System);
        let profile = TenantProfile { name: text(name), digest_key: [3; 32] };
        assert!(world.tenants().insert(self.id, &profile, &world.change(system)).await.answered());
        let site = self.site_named(self.site, name);
        assert!(world.sites().insert(self.id, &site, &world.change(system)).await.answered());
        assert!(self.register(self.visitor, self.token, Some(text(name))).await);
        let added = self.add_operator(self.operator, name, self.email.as_str()).await;
        assert_eq!(added, OperatorOutcome::Added);
    }

    pub(super) fn site_named(&self, id: SiteId, name: &str) -> Site {
        Site {
            id,
            name: text(name),
            title: text("Talk to us"),
            greeting: text("Hello!\nHow can we help?"),
            color: Color::parse("#336699").expect("a colour"),
            origins: ["https://b.example", "http://127.0.0.1:8080"]
                .iter()
                .filter_map(|origin| Origin::parse(origin))
                .collect(),
            created_at: self.world.now(),
        }
    }

    pub(super) async fn register(&self, id: VisitorId, token: TokenHash, name: Option<Text>) -> bool {
        let visitor = Visitor { id, site: self.site, name, email: None, created_at: self.now() };
        let change = self.change(Author::Visitor(id));
        self.visitors().register(self.id, &NewVisitor { visitor, token }, &change).await.answered()
    }

    /// One more visitor.
    pub(super) async fn another_visitor(&self) -> VisitorId {
        let id = self.world.id();
        assert!(self.register(id, self.token(), None).await, "a visitor with a new id is registered");
        id
    }

    pub(super) async fn add_operator(&self, id: OperatorId, name: &str, email: &str) -> OperatorOutcome {
        let email = Email::parse(email).expect("an address");
        let operator = Operator { id, name: text(name), email, role: Role::Operator, created_at: self.now() };
        self.operators().insert(self.id, &operator, &self.change(Author::System)).await.answered()
    }

    /// One more operator.
    pub(super) async fn another_operator(&self) -> OperatorId {
        let id: OperatorId = self.world.id();
        let added = self.add_operator(id, "Ben", &format!("{id}@example.org")).await;
        assert_eq!(added, OperatorOutcome::Added, "an operator with a new id and address is added");
        id
    }

    pub(super) const fn visitor_author(&self) -> Author {
        Author::Visitor(self.visitor)
    }

    pub(super) const fn operator_author(&self) -> Author {
        Author::Operator(self.operator)
    }

    /// What opens a conversation of the visitor without a message.
    pub(super) fn opening(&self) -> Open {
        Open {
            id: self.world.id(),
            client_id: self.world.id(),
            digest: digest("open"),
            site: self.site,
            visitor: self.visitor,
            subject: None,
            first_message: None,
            conversations_max: 1_000,
        }
    }

    pub(super) async fn try_open(&self, open: &Open) -> OpenOutcome {
        self.try_open_with(open, &self.change(Author::Visitor(open.visitor))).await
    }

    pub(super) async fn try_open_with(&self, open: &Open, change: &Change) -> OpenOutcome {
        self.conversations().open(self.id, open, change).await.answered()
    }

    /// A new conversation of the visitor, without a message.
    pub(super) async fn open(&self) -> Conversation {
        match self.try_open(&self.opening()).await {
            OpenOutcome::Opened { conversation, .. } => conversation,
            other => panic!("a new conversation is opened, and not {other:?}"),
        }
    }

    pub(super) fn message(&self, kind: MessageKind, says: &str) -> NewMessage {
        NewMessage {
            id: self.world.id(),
            client_id: self.world.id(),
            digest: digest(says),
            kind,
            text: text(says),
        }
    }

    /// What appends a message that opens nothing again.
    pub(super) fn appending(
        &self,
        to: ConversationId,
        author: Author,
        kind: MessageKind,
        says: &str,
    ) -> Append {
        Append { conversation: to, author, message: self.message(kind, says), reopen: false }
    }

    pub(super) async fn try_append(&self, append: &Append) -> AppendOutcome {
        self.try_append_with(append, &self.change(append.author)).await
    }

    pub(super) async fn try_append_with(&self, append: &Append, change: &Change) -> AppendOutcome {
        self.events().append(self.id, append, change).await.answered()
    }

    /// Appends what has not been appended yet; answers its events and the positions after them.
    pub(super) async fn append(&self, append: &Append) -> (Vec<Event>, Heads) {
        match self.try_append(append).await {
            AppendOutcome::Stored { events, heads, .. } => (events, heads),
            other => panic!("a new message is stored, and not {other:?}"),
        }
    }

    async fn say(&self, to: ConversationId, author: Author, kind: MessageKind, says: &str) -> Event {
        let (mut events, _) = self.append(&self.appending(to, author, kind, says)).await;
        assert_eq!(events.len(), 1, "a message that opens nothing again is one event");
        events.remove(0)
    }

    pub(super) async fn ask(&self, to: ConversationId, says: &str) -> Event {
        self.say(to, self.visitor_author(), MessageKind::Message, says).await
    }

    pub(super) async fn answer(&self, to: ConversationId, says: &str) -> Event {
        self.say(to, self.operator_author(), MessageKind::Message, says).await
    }

    pub(super) async fn note(&self, to: ConversationId, says: &str) -> Event {
        self.say(to, self.operator_author(), MessageKind::Note, says).await
    }

    pub(super) async fn try_update(
        &self,
        of: ConversationId,
        version: u64,
        patch: &ConversationPatch,
    ) -> UpdateOutcome {
        let change = self.change(self.operator_author());
        self.conversations().update(self.id, of, version, patch, &change).await.answered()
    }

    /// Changes a conversation in its present version.
    pub(super) async fn update(
        &self,
        of: ConversationId,
        patch: &ConversationPatch,
    ) -> (Conversation, Vec<Event>) {
        let version = self.find(of).await.version;
        match self.try_update(of, version, patch).await {
            UpdateOutcome::Updated { conversation, events } => (conversation, events),
            other => panic!("a change to the present version is made, and not {other:?}"),
        }
    }

    pub(super) async fn close(&self, of: ConversationId) -> Conversation {
        self.update(of, &status(StatusChange::Closed)).await.0
    }

    pub(super) async fn snooze(&self, of: ConversationId, until: Timestamp) -> Conversation {
        self.update(of, &status(StatusChange::Snoozed(until))).await.0
    }

    pub(super) async fn find(&self, conversation: ConversationId) -> Conversation {
        let found = self.conversations().find(self.id, conversation).await.answered();
        found.expect("a conversation that was opened is found")
    }

    pub(super) async fn view(&self, conversation: ConversationId, reader: Author) -> ConversationView {
        let view = self.conversations().view(self.id, conversation, reader).await.answered();
        view.expect("a conversation that was opened can be seen")
    }

    pub(super) async fn page(
        &self,
        of: ConversationId,
        audience: Audience,
        window: Window,
        limit: usize,
    ) -> EventPage {
        let page = self.events().page(self.id, of, audience, window, limit).await.answered();
        page.expect("a conversation that was opened has a log")
    }

    /// The whole log, as this audience sees it.
    pub(super) async fn log(&self, of: ConversationId, audience: Audience) -> Vec<Event> {
        self.page(of, audience, Window::After(0), 10_000).await.events
    }

    /// The same tenant with another visitor.
    pub(super) fn seen_by(&self, visitor: VisitorId, token: TokenHash) -> Self {
        Self { visitor, token, ..self.clone() }
    }

    /// A file that the visitor has begun to send.
    pub(super) fn upload(&self, to: ConversationId, name: &str) -> Upload {
        Upload {
            id: self.world.id(),
            conversation: to,
            by: self.visitor_author(),
            name: text(name),
            media_type: "image/png".to_owned(),
            blob: BlobKey(self.world.id()),
            created_at: self.now(),
            content: None,
        }
    }

    /// Moves a read position, and answers where it is then.
    pub(super) async fn advance(
        &self,
        of: ConversationId,
        reader: Author,
        audience: Audience,
        seq: u64,
    ) -> Option<Heads> {
        let change = self.change(reader);
        let moved = self.reads().advance(self.id, of, reader, audience, seq, &change).await.answered();
        moved.map(|moved| moved.to)
    }
}

impl Deref for Tenant {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

/// A patch that changes the status alone.
pub(super) fn status(to: StatusChange) -> ConversationPatch {
    ConversationPatch { status: Some(to), ..ConversationPatch::default() }
}

/// A patch that changes the assignee alone.
pub(super) fn assign(to: Option<OperatorId>) -> ConversationPatch {
    ConversationPatch { assignee: Some(to), ..ConversationPatch::default() }
}

/// A patch that changes the tags alone.
pub(super) fn tag(tags: &[&str]) -> ConversationPatch {
    ConversationPatch {
        tags: Some(tags.iter().map(|tag| text(tag)).collect()),
        ..ConversationPatch::default()
    }
}
