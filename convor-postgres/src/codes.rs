//! The small numbers that stand for enums in the tables, and how large numbers are clamped.

use convor::domain::{Author, ControlEvent, MessageKind, Notification, Role, Status, TenantState};
use uuid::Uuid;

/// Somebody, as a kind and an id.
pub(crate) const fn author(author: Author) -> (i16, Uuid) {
    match author {
        Author::Visitor(visitor) => (VISITOR, visitor.uuid()),
        Author::Operator(operator) => (1, operator.uuid()),
        Author::System => (2, Uuid::nil()),
    }
}

/// The kind of a visitor, by which functions tell the audiences apart.
pub(crate) const VISITOR: i16 = 0;

pub(crate) fn author_of(kind: i16, id: Uuid) -> Option<Author> {
    match kind {
        VISITOR => Some(Author::Visitor(id.into())),
        1 => Some(Author::Operator(id.into())),
        2 => Some(Author::System),
        _ => None,
    }
}

pub(crate) const fn status(status: Status) -> i16 {
    match status {
        Status::Open => 0,
        Status::Snoozed => 1,
        Status::Closed => 2,
    }
}

/// Every status.
pub(crate) const STATUSES: [i16; 3] = [0, 1, 2];

pub(crate) const fn status_of(code: i16) -> Option<Status> {
    match code {
        0 => Some(Status::Open),
        1 => Some(Status::Snoozed),
        2 => Some(Status::Closed),
        _ => None,
    }
}

pub(crate) const fn role(role: Role) -> i16 {
    match role {
        Role::Owner => 0,
        Role::Admin => 1,
        Role::Operator => 2,
    }
}

pub(crate) const fn role_of(code: i16) -> Option<Role> {
    match code {
        0 => Some(Role::Owner),
        1 => Some(Role::Admin),
        2 => Some(Role::Operator),
        _ => None,
    }
}

pub(crate) const fn tenant_state(state: TenantState) -> i16 {
    match state {
        TenantState::Active => 0,
    }
}

pub(crate) const fn tenant_state_of(code: i16) -> Option<TenantState> {
    match code {
        0 => Some(TenantState::Active),
        _ => None,
    }
}

pub(crate) const fn is_note(kind: MessageKind) -> bool {
    matches!(kind, MessageKind::Note)
}

pub(crate) const fn message_kind(is_note: bool) -> MessageKind {
    if is_note { MessageKind::Note } else { MessageKind::Message }
}

/// A notification, as its kind and the conversation that it names.
pub(crate) const fn notification(notification: Notification) -> (i16, Uuid) {
    match notification {
        Notification::MessageWaiting { conversation } => (0, conversation.uuid()),
    }
}

/// A control event, as its kind and the session that it names.
pub(crate) const fn control_event(event: ControlEvent) -> (i16, Uuid) {
    match event {
        ControlEvent::SessionEnded(session) => (0, session.uuid()),
    }
}

pub(crate) fn notification_of(kind: i16, conversation: Uuid) -> Option<Notification> {
    (kind == 0).then(|| Notification::MessageWaiting { conversation: conversation.into() })
}

pub(crate) fn control_event_of(kind: i16, session: Uuid) -> Option<ControlEvent> {
    (kind == 0).then(|| ControlEvent::SessionEnded(session.into()))
}

/// A position, a version or a count as the database has it; one that is too large is clamped, and never wraps.
pub(crate) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The same of a limit.
pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_leads_back() {
        for it in [Status::Open, Status::Snoozed, Status::Closed] {
            assert_eq!(status_of(status(it)), Some(it));
            assert!(STATUSES.contains(&status(it)));
        }
        for it in [Role::Owner, Role::Admin, Role::Operator] {
            assert_eq!(role_of(role(it)), Some(it));
        }
        let id = Uuid::from_u128(7);
        for it in [Author::Visitor(id.into()), Author::Operator(id.into()), Author::System] {
            let (kind, id) = author(it);
            assert_eq!(author_of(kind, id), Some(it));
        }
        assert_eq!(tenant_state_of(tenant_state(TenantState::Active)), Some(TenantState::Active));
        assert_eq!((status_of(9), role_of(9), author_of(9, id)), (None, None, None));
    }

    #[test]
    fn large_numbers_are_clamped() {
        assert_eq!((number(u64::MAX), limit(usize::MAX)), (i64::MAX, i64::MAX));
    }
}
