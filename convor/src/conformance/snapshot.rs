//! Everything that can be read of a tenant, to tell whether anything has changed.

use std::collections::BTreeSet;

use super::groups::keeps;
use super::search::{found, index_all};
use super::tenant::Tenant;
use super::world::Answered;
use crate::domain::{
    Audience, Author, ControlEvent, Conversation, CurrentPage, Event, Notification, Operator, Site,
    TenantProfile, Upload, Visitor, Word,
};
use crate::ids::{ConversationId, OutboxId};
use crate::ports::BlobKey;
use crate::ports::storage::{
    AuditRow, ConversationPage, ConversationScope, ConversationView, DueSnooze, Login, Record, RecordKind,
    Session, Window,
};
use crate::time::Timestamp;

/// So much is read of each list; the fixtures store less.
const EVERYTHING: usize = 1_000;

/// Everything that can be read of a tenant.
#[derive(PartialEq)]
pub(super) struct Snapshot {
    profile: Option<TenantProfile>,
    sites: Vec<Site>,
    site: Option<Site>,
    visitor: Option<Visitor>,
    visitor_by_token: Option<Visitor>,
    page: Option<CurrentPage>,
    operators: Vec<Operator>,
    operator: Vec<Operator>,
    inbox: Vec<ConversationView>,
    own: Vec<ConversationView>,
    conversations: Vec<Option<Conversation>>,
    views: Vec<Option<ConversationView>>,
    logs: Vec<Vec<Event>>,
    due_snoozes: Vec<DueSnooze>,
    /// What commits together with a change.
    pub(super) owed: Owed,
    login: Option<Login>,
    session: Option<Session>,
    /// What each word of the logs finds.
    found: Vec<Vec<Event>>,
    uploads: Vec<Upload>,
    removable: Vec<BlobKey>,
    /// All but the notifications, which change with each look at them.
    records: Vec<Record>,
}

/// What commits together with a change: its audit records, its notifications, its control events.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Owed {
    pub(super) audit: Vec<AuditRow>,
    pub(super) notifications: Vec<(OutboxId, Notification)>,
    pub(super) control: Vec<(u64, ControlEvent)>,
    control_head: u64,
}

impl Owed {
    /// Reads it. Notifications can only be read by taking them: they are held until the very next look.
    pub(super) async fn of(tenant: &Tenant) -> Self {
        let (id, now) = (tenant.id, tenant.now());
        let until = now.plus(std::time::Duration::from_millis(1));
        let claimed = tenant.world.outbox().claim(id, now, until, EVERYTHING).await.answered();
        Self {
            audit: tenant.audit().page(id, None, EVERYTHING).await.answered(),
            notifications: claimed.into_iter().map(|claimed| (claimed.id, claimed.notification)).collect(),
            control: tenant.control().after(id, 0, EVERYTHING).await.answered(),
            control_head: tenant.control().head(id).await.answered(),
        }
    }
}

impl Snapshot {
    /// Reads everything of the tenant, by every method that reads.
    pub(super) async fn of(tenant: &Tenant) -> Self {
        let (id, world) = (tenant.id, &tenant.world);
        let inbox = ConversationScope::Inbox { status: None, assignee: None, tag: None };
        let inbox = list(tenant, tenant.operator_author(), inbox).await;
        let mut conversations = Vec::new();
        let mut views = Vec::new();
        let mut logs = Vec::new();
        for conversation in inbox.iter().map(|view| view.conversation.id) {
            conversations.push(world.conversations().find(id, conversation).await.answered());
            for reader in [tenant.operator_author(), tenant.visitor_author()] {
                views.push(world.conversations().view(id, conversation, reader).await.answered());
            }
            for audience in [Audience::Staff, Audience::Visitor] {
                let page =
                    world.events().page(id, conversation, audience, Window::After(0), EVERYTHING).await;
                logs.push(page.answered().map(|page| page.events).unwrap_or_default());
            }
        }
        let (login, session) = Self::accounts(tenant).await;
        let ids: Vec<_> = inbox.iter().map(|view| view.conversation.id).collect();
        let (uploads, removable) = Self::uploads(tenant, &ids).await;
        Self {
            found: Self::found(tenant, &logs).await,
            uploads,
            removable,
            profile: world.tenants().find(id).await.answered(),
            sites: world.sites().page(id, None, EVERYTHING).await.answered(),
            site: world.sites().find(id, tenant.site).await.answered(),
            visitor: world.visitors().find(id, tenant.visitor).await.answered(),
            visitor_by_token: world.visitors().find_by_token(id, &tenant.token).await.answered(),
            page: world.pages().find(id, tenant.visitor).await.answered(),
            operators: world.operators().page(id, None, EVERYTHING).await.answered(),
            operator: world.operators().find(id, &[tenant.operator]).await.answered(),
            own: list(tenant, tenant.visitor_author(), ConversationScope::Of(tenant.visitor)).await,
            inbox,
            conversations,
            views,
            logs,
            due_snoozes: world.conversations().due_snoozes(id, Timestamp::MAX, EVERYTHING).await.answered(),
            owed: Owed::of(tenant).await,
            login,
            session,
            records: Self::records(tenant).await,
        }
    }

    async fn found(tenant: &Tenant, logs: &[Vec<Event>]) -> Vec<Vec<Event>> {
        index_all(tenant).await;
        let texts = logs.iter().flatten().filter_map(|event| event.kind.message()?.text.as_ref());
        let words: BTreeSet<Word> = texts.flat_map(|text| Word::all_in(text.as_str())).collect();
        let mut answers = Vec::new();
        for word in &words {
            answers.push(found(tenant, word.as_str()).await);
        }
        answers
    }

    async fn uploads(tenant: &Tenant, of: &[ConversationId]) -> (Vec<Upload>, Vec<BlobKey>) {
        let Some(uploads) = tenant.world.uploads() else {
            return (Vec::new(), Vec::new());
        };
        let mut all = Vec::new();
        for conversation in of {
            for upload in uploads.page(tenant.id, *conversation, None, EVERYTHING).await.answered() {
                let found = uploads.find(tenant.id, upload.id).await.answered();
                assert_eq!(found.as_ref(), Some(&upload), "a page shows each upload as it is");
                all.push(upload);
            }
        }
        let nothing_is_stale = Timestamp::from_millis(0);
        (all, uploads.removable(tenant.id, nothing_is_stale, EVERYTHING).await.answered())
    }

    async fn records(tenant: &Tenant) -> Vec<Record> {
        let Some(transfer) = tenant.world.transfer() else {
            return Vec::new();
        };
        let mut records = Vec::new();
        for kind in RecordKind::ALL.iter().copied() {
            if kind != RecordKind::Notification && keeps(&*tenant.world, kind) {
                records.extend(transfer.export(tenant.id, kind, None, EVERYTHING).await.answered());
            }
        }
        records
    }

    async fn accounts(tenant: &Tenant) -> (Option<Login>, Option<Session>) {
        let Some(accounts) = tenant.world.accounts() else {
            return (None, None);
        };
        let login = accounts.find_login(tenant.id, &tenant.email).await.answered();
        let session =
            accounts.find_session(tenant.id, &tenant.token, Timestamp::from_millis(0)).await.answered();
        (login, session)
    }

    /// Fails if anything differs from what was `before`, and says what, and what `because` demands otherwise.
    #[track_caller]
    pub(super) fn assert_same_as(&self, before: &Self, because: &str) {
        macro_rules! same {
            ($($field:ident)*) => {$(
                assert!(self.$field == before.$field, "{because}: `{}` is not as it was", stringify!($field));
            )*};
        }
        assert_eq!(self.owed, before.owed, "{because}: what commits with a change is not as it was");
        same!(profile sites site visitor visitor_by_token page operators operator login session);
        same!(conversations inbox own views logs due_snoozes found uploads removable records);
        assert!(self == before, "{because}: something is not as it was");
    }
}

async fn list(tenant: &Tenant, reader: Author, scope: ConversationScope) -> Vec<ConversationView> {
    let page = ConversationPage { reader, scope, before: None, limit: EVERYTHING };
    tenant.conversations().page(tenant.id, &page).await.answered()
}
