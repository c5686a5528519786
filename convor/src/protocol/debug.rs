//! What people type, and what proves who they are, never shows in `Debug`.

use std::fmt::Debug;

use uuid::Uuid;

use super::*;
use crate::domain::{
    Audience, Author, Color, Conversation, CurrentPage, Email, Event, EventKind, Heads, Message, MessageKind,
    Operator, Origin, PerAudience, Position, Role, Site, Status, TenantProfile, Text, Visitor,
};
use crate::ids::{ConversationId, OperatorId};
use crate::ports::storage::{
    ContactPatch, ConversationPatch, ConversationScope, ConversationView, EventPage, NewMessage,
};
use crate::service::{InboxFilter, NewOperator, NewSite};
use crate::session::Entrance;
use crate::time::Timestamp;

const CANARY: &str = "canary";
const PAGE: &str = "https://canary.example/";
const ADDRESS: &str = "canary@canary.example";

fn id<I: From<Uuid>>() -> I {
    Uuid::from_u128(1).into()
}

fn at() -> Timestamp {
    Timestamp::from_millis(0)
}

fn text() -> Text {
    Text::from_stored(CANARY.to_owned())
}

fn email() -> Email {
    Email::from_stored(ADDRESS.to_owned())
}

fn operator() -> Operator {
    Operator { id: id(), name: text(), email: email(), role: Role::Owner, created_at: at() }
}

fn visitor() -> Visitor {
    Visitor { id: id(), site: id(), name: Some(text()), email: Some(email()), created_at: at() }
}

fn page() -> CurrentPage {
    CurrentPage { url: Text::from_stored(PAGE.to_owned()), title: Some(text()), at: at() }
}

fn event(kind: EventKind) -> Event {
    let position = Position { staff: 1, visitor: Some(1) };
    Event { conversation: id(), position, epoch: 1, at: at(), by: Author::Operator(id()), kind }
}

fn message() -> Event {
    let said = Message { id: id(), client_id: id(), kind: MessageKind::Message, text: Some(text()) };
    event(EventKind::Message(said))
}

fn view() -> ConversationView {
    let conversation = Conversation {
        id: id(),
        site: id(),
        visitor: id(),
        subject: Some(text()),
        status: Status::Open,
        snoozed_until: None,
        assignee: Some(id()),
        tags: vec![text()],
        created_at: at(),
        updated_at: PerAudience { staff: at(), visitor: at() },
        heads: Heads::default(),
        floor: Heads::default(),
        epoch: 1,
        version: 1,
    };
    ConversationView {
        conversation,
        visitor: visitor(),
        page: Some(page()),
        last_message: Some(message()),
        read: 0,
        other_read: 0,
        unread: 1,
    }
}

fn site() -> Site {
    let color = Color::parse("#336699").expect("a colour");
    Site {
        id: id(),
        name: text(),
        title: text(),
        greeting: text(),
        color,
        origins: vec![Origin::parse("https://b.example").expect("an origin")],
        created_at: at(),
    }
}

/// Fails if the value shows what it holds, in either form of `Debug`.
#[track_caller]
fn hides(value: &dyn Debug) {
    let shown = format!("{value:?}\n{value:#?}");
    assert!(!shown.contains(CANARY), "it shows what it holds: {shown}");
}

#[test]
fn s52_what_is_stored_hides_from_debug() {
    let digest = crate::domain::BodyDigest::new(&[7; 32], &[CANARY.as_bytes()]);
    let kind = MessageKind::Message;
    let new = NewMessage { id: id(), client_id: id(), digest, kind, text: text() };
    let page = EventPage {
        events: vec![message(), event(EventKind::Tagged(vec![text()]))],
        visitor: id(),
        heads: Heads::default(),
        floor: Heads::default(),
        epoch: 1,
    };
    let patch = ConversationPatch { tags: Some(vec![text()]), ..ConversationPatch::default() };
    let contact = ContactPatch { name: Some(Some(text())), email: Some(Some(email())) };
    let scope = ConversationScope::Inbox { status: None, assignee: None, tag: Some(text()) };
    let profile = TenantProfile { name: text(), digest_key: [7; 32] };
    for value in
        [&operator() as &dyn Debug, &site(), &new, &page, &patch, &contact, &scope, &profile, &view()]
    {
        hides(value);
    }
    #[cfg(feature = "accounts")]
    hides(&crate::ports::storage::PasswordHash::from_phc(CANARY.to_owned()));
}

#[test]
fn s52_objects_hide_what_they_hold_from_debug() {
    let names = Names::of(vec![operator()]);
    hides(&names);
    let (operator, view, name) = (operator(), view(), text());
    hides(&OperatorObject::new(&operator, true));
    let page = page();
    hides(&PageObject::new(&page));
    let events = [message(), event(EventKind::Tagged(vec![text()])), event(EventKind::Assigned(Some(id())))];
    for audience in [Audience::Staff, Audience::Visitor] {
        hides(&ConversationObject::new(&view, audience, &names, true));
        hides(&AuthorObject::new(Author::Operator(id()), audience, &names));
        for event in &events {
            let object = EventObject::new(event, audience, &names).expect("it has a position");
            hides(&ListObject::new(vec![object.clone()], None));
            hides(&ServerFrame::Event(object));
        }
    }
    let (visitor, site) = (visitor(), site());
    hides(&VisitorObject::new(&visitor));
    hides(&SiteObject::new(&site, true));
    for principal in [
        PrincipalObject::Visitor { id: id(), name: Some(&name) },
        PrincipalObject::Operator { id: id(), name: Some(&name), role: Role::Owner },
    ] {
        hides(&principal);
        hides(&ServerFrame::Welcome { session: id(), principal, heartbeat_ms: 1 });
    }
    hides(&ServerFrame::Page { visitor: id(), page: PageObject::new(&page) });
    hides(&ServerFrame::Unsubscribed { r#ref: CANARY });
    hides(&ServerFrame::Error {
        r#ref: Some(CANARY),
        conversation: None,
        code: "conflict",
        title: CANARY,
        retry_after_ms: None,
    });
}

#[test]
fn s52_requests_hide_what_they_hold_from_debug() {
    let said = || CANARY.to_owned();
    let first = || FirstMessage { client_id: id(), text: said() };
    hides(&first());
    hides(&OpenRequest { client_id: id(), subject: Some(said()), first_message: Some(first()) });
    hides(&SearchRequest { text: said(), cursor: Some(said()), limit: None });
    hides(&MessageRequest { client_id: id(), text: said(), kind: MessageKind::Message });
    hides(&RegisterRequest { site: said() });
    hides(&VisitorRequest { name: Some(Some(said())), email: Some(Some(said())) });
    let (status, snoozed_until, assignee) = (None, None, None::<Option<OperatorId>>);
    hides(&ConversationRequest { status, snoozed_until, assignee, tags: Some(vec![said()]) });
    #[cfg(feature = "accounts")]
    hides(&SignInRequest { tenant: said(), email: said(), password: said(), r#as: Presentation::default() });
    hides(&InboxFilter { tag: Some(said()), ..InboxFilter::default() });
    hides(&NewOperator { name: CANARY, email: ADDRESS, role: Role::Owner });
    hides(&NewSite { name: CANARY, title: CANARY, greeting: CANARY, color: CANARY, origins: &[PAGE] });
    hides(&Entrance { cookie: Some(said()), ..Entrance::default() });
    let conversation: ConversationId = id();
    for frame in [
        r#"{"type":"hello","token":"canary"}"#.to_owned(),
        format!(
            r#"{{"type":"send","ref":"canary","conversation":"{conversation}","client_id":"{conversation}","text":"canary"}}"#
        ),
        r#"{"type":"page","url":"https://canary.example/","title":"canary"}"#.to_owned(),
        r#"{"type":"subscribe","ref":"canary","inbox":true}"#.to_owned(),
        r#"{"type":"canary","ref":"other","canary":"canary"}"#.to_owned(),
    ] {
        match decode_frame(&frame) {
            Ok(frame) => hides(&frame),
            Err((_, error)) => hides(&error),
        }
    }
}
