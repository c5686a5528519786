//! Stores of a tenant what lets every table have a row of it.

use convor::domain::{Audience, CurrentPage, MessageKind, UploadContent};
use convor::ports::storage::{
    AppendOutcome, ConversationPatch, OpenOutcome, OperatorOutcome, StatusChange, UpdateOutcome,
};
use convor::time::Timestamp;

use crate::tenant::Tenant;

impl Tenant {
    /// Stores everything that the tenant's ids name, and something in every other table.
    pub(crate) async fn fill(&self) {
        let (id, store) = (self.id, &self.storage);
        let system = || self.change(convor::domain::Author::System, None);
        assert!(store.registry().insert(&self.record(id)).await.expect("stored"));
        assert!(store.tenants().insert(id, &self.profile(), &system()).await.expect("stored"));
        assert!(store.sites().insert(id, &self.new_site(self.site), &system()).await.expect("stored"));
        let operator = self.new_operator(self.operator, self.email.clone());
        let added = store.operators().insert(id, &operator, &system()).await.expect("stored");
        assert_eq!(added, OperatorOutcome::Added);
        let accounts = store.accounts().expect("accounts");
        assert!(accounts.set_password(id, self.operator, &self.hash, &system()).await.expect("stored"));
        let session = self.new_session(self.session, self.session_token);
        assert!(accounts.insert_session(id, &session, &system()).await.expect("stored"));
        self.visits().await;
        for to in [self.conversation, self.snoozed] {
            self.talks(to).await;
        }
        self.sends().await;
        let search = store.search().expect("search");
        assert!(search.index(id, 100).await.expect("indexed") > 0);
        let asleep = StatusChange::Snoozed(Timestamp::MAX);
        self.changes(
            self.snoozed,
            ConversationPatch { status: Some(asleep), ..ConversationPatch::default() },
        )
        .await;
    }

    async fn visits(&self) {
        let (id, store) = (self.id, &self.storage);
        let change = || self.change(self.by_visitor(), None);
        let visitor = self.new_visitor(self.visitor, self.token);
        assert!(store.visitors().register(id, &visitor, &change()).await.expect("stored"));
        let page = CurrentPage { url: self.text(), title: Some(self.text()), at: self.now() };
        assert!(store.pages().put(id, self.visitor, &page, &change()).await.expect("stored"));
    }

    async fn talks(&self, to: convor::ids::ConversationId) {
        let (id, store) = (self.id, &self.storage);
        let open = self.opening(to, self.visitor);
        let opened = store
            .conversations()
            .open(id, &open, &self.change(self.by_visitor(), None))
            .await
            .expect("stored");
        assert!(matches!(opened, OpenOutcome::Opened { .. }), "{opened:?}");
        for (author, kind) in [
            (self.by_operator(), MessageKind::Message),
            (self.by_operator(), MessageKind::Note),
            (self.by_visitor(), MessageKind::Message),
        ] {
            let append = self.appending(to, author, kind);
            let change = self.change(author, Some(append.message.id));
            let stored = store.events().append(id, &append, &change).await.expect("stored");
            assert!(matches!(stored, AppendOutcome::Stored { .. }), "{stored:?}");
        }
        for (reader, audience) in
            [(self.by_operator(), Audience::Staff), (self.by_visitor(), Audience::Visitor)]
        {
            let change = self.change(reader, None);
            assert!(
                store.reads().advance(id, to, reader, audience, 2, &change).await.expect("stored").is_some()
            );
        }
        let patch = ConversationPatch {
            assignee: Some(Some(self.operator)),
            tags: Some(vec![self.text()]),
            status: None,
        };
        self.changes(to, patch).await;
    }

    async fn changes(&self, of: convor::ids::ConversationId, patch: ConversationPatch) {
        let conversations = self.storage.conversations();
        let found = conversations.find(self.id, of).await.expect("read").expect("it is there");
        let change = self.change(self.by_operator(), None);
        let updated =
            conversations.update(self.id, of, found.version, &patch, &change).await.expect("stored");
        assert!(matches!(updated, UpdateOutcome::Updated { .. }), "{updated:?}");
    }

    async fn sends(&self) {
        let (id, uploads) = (self.id, self.storage.uploads().expect("uploads"));
        let change = || self.change(self.by_visitor(), None);
        let content = UploadContent { bytes: 1, sha256: [1; 32] };
        assert!(uploads.begin(id, &self.new_upload(self.upload), &change()).await.expect("stored"));
        assert!(uploads.complete(id, self.upload, &content, &change()).await.expect("stored"));
        let discarded = self.new_upload(self.id());
        assert!(uploads.begin(id, &discarded, &change()).await.expect("stored"));
        assert!(uploads.discard(id, discarded.id, &change()).await.expect("stored"));
        assert!(uploads.begin(id, &self.new_upload(self.id()), &change()).await.expect("stored"));
    }
}
