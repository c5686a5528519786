//! Conversations and what is said in them come back as they were stored.

use super::snapshot::Snapshot;
use super::world::{Answered, World, text};
use crate::domain::{Audience, Author, CurrentPage, EventKind, Heads, MessageKind, PerAudience, Status};
use crate::ports::storage::{Append, AppendOutcome, Open, OpenOutcome};

/// A new conversation is open, nobody's, without tags, in version 1, and stands at 0.
pub(super) async fn a_new_conversation_is_as_the_contract_says(world: World) {
    let tenant = world.tenant().await;
    let open = Open { subject: Some(text("Where is my parcel?")), ..tenant.opening() };
    let change = world.change(tenant.visitor_author());
    let OpenOutcome::Opened { conversation, first } = tenant.try_open_with(&open, &change).await else {
        panic!("a new conversation is opened");
    };
    assert_eq!(first, None, "there was no first message");
    assert_eq!(
        (conversation.id, conversation.site, conversation.visitor),
        (open.id, tenant.site, tenant.visitor)
    );
    assert_eq!(conversation.subject, open.subject);
    assert_eq!((conversation.status, conversation.snoozed_until), (Status::Open, None));
    assert_eq!((conversation.assignee, conversation.tags.len(), conversation.version), (None, 0, 1));
    assert_eq!(conversation.created_at, change.at);
    assert_eq!(conversation.updated_at, PerAudience { staff: change.at, visitor: change.at });
    assert_eq!((conversation.heads, conversation.floor), (Heads::default(), Heads::default()));
    assert_eq!(tenant.find(open.id).await, conversation, "what was answered is what is stored");
}

/// A first message opens the log: position 1 in both numberings, by the visitor, as it was sent.
pub(super) async fn a_first_message_opens_the_log(world: World) {
    let tenant = world.tenant().await;
    let message = tenant.message(MessageKind::Message, "hello");
    let open = Open { first_message: Some(message.clone()), ..tenant.opening() };
    let OpenOutcome::Opened { conversation, first: Some(first) } = tenant.try_open(&open).await else {
        panic!("a new conversation is opened with its message");
    };
    assert_eq!(conversation.heads, Heads { staff: 1, visitor: 1 });
    assert_eq!((first.position.staff, first.position.visitor), (1, Some(1)));
    assert_eq!(first.by, tenant.visitor_author(), "the visitor says it");
    let said = first.kind.message().expect("a message");
    assert_eq!((said.id, said.client_id, said.kind), (message.id, message.client_id, message.kind));
    assert_eq!(said.text, Some(message.text), "it is kept as it was sent");
    assert_eq!(tenant.log(open.id, Audience::Visitor).await, [first], "it stands in the log");
}

/// A conversation that is not there is `None`, bare and as a view.
pub(super) async fn an_unknown_conversation_is_none(world: World) {
    let tenant = world.tenant().await;
    let id = world.id();
    assert_eq!(tenant.conversations().find(tenant.id, id).await.answered(), None);
    for reader in [tenant.operator_author(), tenant.visitor_author()] {
        assert_eq!(tenant.conversations().view(tenant.id, id, reader).await.answered(), None);
    }
}

/// A view shows the conversation, its visitor and the visitor's page.
pub(super) async fn a_view_shows_the_visitor_and_its_page(world: World) {
    let tenant = world.tenant().await;
    let id = tenant.open().await.id;
    assert_eq!(tenant.view(id, tenant.operator_author()).await.page, None, "the visitor has named no page");
    let page = CurrentPage { url: text("https://b.example/"), title: Some(text("Prices")), at: world.now() };
    let change = world.change(tenant.visitor_author());
    assert!(world.pages().put(tenant.id, tenant.visitor, &page, &change).await.answered());
    let view = tenant.view(id, tenant.operator_author()).await;
    assert_eq!(view.conversation, tenant.find(id).await);
    assert_eq!(Some(view.visitor), world.visitors().find(tenant.id, tenant.visitor).await.answered());
    assert_eq!(view.page, Some(page));
}

/// The last message of a view is the last that its reader may see: a note counts for staff only, a change of status not.
pub(super) async fn a_view_shows_the_last_message_its_reader_sees(world: World) {
    let tenant = world.tenant().await;
    let id = tenant.open().await.id;
    for reader in [tenant.operator_author(), tenant.visitor_author()] {
        assert_eq!(tenant.view(id, reader).await.last_message, None, "nothing was said yet");
    }
    let question = tenant.ask(id, "hello").await;
    let note = tenant.note(id, "careful").await;
    tenant.close(id).await;
    let last = async |reader| tenant.view(id, reader).await.last_message;
    assert_eq!(last(tenant.operator_author()).await, Some(note), "for staff the note");
    assert_eq!(last(tenant.visitor_author()).await, Some(question), "for the visitor the message before it");
}

/// Another visitor of the tenant writes nothing: it is as if there were no such conversation.
pub(super) async fn a_visitor_writes_in_its_own_conversations_only(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    tenant.ask(to, "hello").await;
    tenant.close(to).await;
    let stranger = Author::Visitor(tenant.another_visitor().await);
    let before = Snapshot::of(&tenant).await;
    for kind in [MessageKind::Message, MessageKind::Note] {
        let append = Append { reopen: true, ..tenant.appending(to, stranger, kind, "let me in") };
        let outcome = tenant.try_append_with(&append, &world.loaded(stranger)).await;
        assert!(matches!(outcome, AppendOutcome::NotFound), "it is somebody else's: {outcome:?}");
    }
    Snapshot::of(&tenant).await.assert_same_as(&before, "a message that is refused stores nothing");
}

/// A message and a note come back with their ids, their kind and their text.
pub(super) async fn a_message_comes_back_as_it_was(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    for kind in [MessageKind::Message, MessageKind::Note] {
        let append = tenant.appending(to, tenant.operator_author(), kind, "two\nlines");
        let (events, _) = tenant.append(&append).await;
        let stored = tenant.log(to, Audience::Staff).await.pop().expect("it was stored");
        assert_eq!(events.as_slice(), std::slice::from_ref(&stored), "what was answered is what is stored");
        let EventKind::Message(message) = stored.kind else {
            panic!("what was said is a message");
        };
        let sent = append.message;
        assert_eq!((message.id, message.client_id, message.kind), (sent.id, sent.client_id, kind));
        assert_eq!(message.text, Some(sent.text));
    }
}
