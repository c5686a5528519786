//! Which records may come: those of kinds that are kept, whose references lead somewhere and whose names are free. All of
//! it is looked at before the first is stored.

use std::collections::HashSet;

use convor::credentials::TokenHash;
use convor::domain::Email;
use convor::ids::{ClientId, VisitorId};
use convor::ports::storage::{Record, RecordKey, RecordKind};
use convor::ports::{BlobKey, StorageError, StorageErrorKind};
use uuid::Uuid;

use crate::storage::state::TenantState;

/// The kinds of records that are kept.
const KEPT: &[RecordKind] = &[
    RecordKind::Profile,
    RecordKind::Site,
    RecordKind::Operator,
    #[cfg(feature = "accounts")]
    RecordKind::Password,
    #[cfg(feature = "accounts")]
    RecordKind::Session,
    RecordKind::Visitor,
    RecordKind::Token,
    RecordKind::Page,
    RecordKind::Conversation,
    RecordKind::Event,
    RecordKind::Read,
    RecordKind::Upload,
    RecordKind::RemovableBlob,
    RecordKind::Notification,
    RecordKind::Control,
    RecordKind::Audit,
];

/// What only one record may have.
#[derive(PartialEq, Eq, Hash)]
enum Name {
    Email(Email),
    #[cfg(feature = "accounts")]
    SessionToken(TokenHash),
    VisitorToken(TokenHash),
    Opening(VisitorId, ClientId),
    Blob(BlobKey),
}

/// Refuses the records if one of them cannot be stored.
pub(super) fn check(state: &TenantState, records: &[Record]) -> Result<(), StorageError> {
    let (mut coming, mut names) = (HashSet::new(), HashSet::new());
    for record in records {
        if !KEPT.contains(&record.kind()) {
            return Err(StorageError::new(StorageErrorKind::Unsupported));
        }
        if state.holds(record.kind(), record.key()) || !coming.insert((record.kind(), record.key())) {
            continue;
        }
        let is_there = |of: &(RecordKind, RecordKey)| coming.contains(of) || state.holds(of.0, of.1);
        let is_free = |name: Name| !state.has_named(&name) && names.insert(name);
        if !references(record).iter().all(is_there) || !name(record).is_none_or(is_free) {
            return Err(StorageError::new(StorageErrorKind::Other));
        }
    }
    Ok(())
}

/// Which records must be there.
fn references(record: &Record) -> Vec<(RecordKind, RecordKey)> {
    let to = |kind, id: Uuid| (kind, RecordKey { id, part: Uuid::nil() });
    match record {
        #[cfg(feature = "accounts")]
        Record::Password { operator, .. } | Record::Session { operator, .. } => {
            vec![to(RecordKind::Operator, operator.uuid())]
        }
        Record::Visitor(visitor) => vec![to(RecordKind::Site, visitor.site.uuid())],
        Record::Token { visitor, .. } | Record::Page { visitor, .. } => {
            vec![to(RecordKind::Visitor, visitor.uuid())]
        }
        Record::Conversation { conversation, .. } => {
            let assignee = conversation.assignee.map(|operator| to(RecordKind::Operator, operator.uuid()));
            let visitor = to(RecordKind::Visitor, conversation.visitor.uuid());
            assignee.into_iter().chain([visitor]).collect()
        }
        Record::Event { event, .. } => vec![to(RecordKind::Conversation, event.conversation.uuid())],
        Record::Read { conversation, .. } => vec![to(RecordKind::Conversation, conversation.uuid())],
        Record::Upload(upload) => vec![to(RecordKind::Conversation, upload.conversation.uuid())],
        _ => Vec::new(),
    }
}

fn name(record: &Record) -> Option<Name> {
    match record {
        Record::Operator(operator) => Some(Name::Email(operator.email.clone())),
        #[cfg(feature = "accounts")]
        Record::Session { token, .. } => Some(Name::SessionToken(*token)),
        Record::Token { hash, .. } => Some(Name::VisitorToken(*hash)),
        Record::Conversation { conversation, client_id, .. } => {
            Some(Name::Opening(conversation.visitor, *client_id))
        }
        Record::Upload(upload) => Some(Name::Blob(upload.blob)),
        _ => None,
    }
}

impl TenantState {
    /// Whether a record is here, of the kinds to which others refer or which have names.
    fn holds(&self, kind: RecordKind, RecordKey { id, .. }: RecordKey) -> bool {
        match kind {
            RecordKind::Site => self.sites.contains_key(&id.into()),
            RecordKind::Operator => self.operators.contains_key(&id.into()),
            #[cfg(feature = "accounts")]
            RecordKind::Session => self.accounts.sessions.contains_key(&id.into()),
            RecordKind::Visitor => self.visitors.contains_key(&id.into()),
            RecordKind::Token => self.visitors.get(&id.into()).is_some_and(|of| of.token.is_some()),
            RecordKind::Conversation => self.conversations.contains_key(&id.into()),
            RecordKind::Upload => self.uploads.records.contains_key(&id.into()),
            _ => false,
        }
    }

    fn has_named(&self, name: &Name) -> bool {
        match name {
            Name::Email(email) => self.operators_by_email.contains_key(email),
            #[cfg(feature = "accounts")]
            Name::SessionToken(token) => self.accounts.sessions_by_token.contains_key(token),
            Name::VisitorToken(token) => self.visitors_by_token.contains_key(token),
            Name::Opening(visitor, client_id) => {
                self.visitors.get(visitor).is_some_and(|of| of.opened.contains_key(client_id))
            }
            Name::Blob(blob) => self.uploads.has(*blob),
        }
    }
}

#[cfg(test)]
mod tests {
    use convor::domain::{Color, Operator, Role, Site, Text, Visitor};
    use convor::time::Timestamp;

    use super::*;

    fn text() -> Text {
        Text::from_stored("text".to_owned())
    }

    fn id<T: From<Uuid>>(number: u128) -> T {
        Uuid::from_u128(number).into()
    }

    fn site(number: u128) -> Record {
        Record::Site(Site {
            id: id(number),
            name: text(),
            title: text(),
            greeting: text(),
            color: Color::parse("#000000").expect("a colour"),
            origins: Vec::new(),
            created_at: Timestamp::from_millis(0),
        })
    }

    fn visitor(number: u128, site: u128) -> Record {
        Record::Visitor(Visitor {
            id: id(number),
            site: id(site),
            name: None,
            email: None,
            created_at: Timestamp::from_millis(0),
        })
    }

    fn operator(number: u128, email: &str) -> Record {
        Record::Operator(Operator {
            id: id(number),
            name: text(),
            email: Email::from_stored(email.to_owned()),
            role: Role::Operator,
            created_at: Timestamp::from_millis(0),
        })
    }

    fn checked(records: &[Record]) -> Result<(), StorageErrorKind> {
        check(&TenantState::default(), records).map_err(|error| error.kind())
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        assert_eq!(checked(&[site(1), visitor(2, 1)]), Ok(()));
        assert_eq!(checked(&[visitor(2, 1), site(1)]), Err(StorageErrorKind::Other));
    }

    #[test]
    fn a_name_belongs_to_one_record() {
        let (anna, ben) = (operator(1, "anna@example.org"), operator(2, "ben@example.org"));
        assert_eq!(checked(&[anna.clone(), ben]), Ok(()));
        assert_eq!(checked(&[anna.clone(), anna.clone()]), Ok(()), "it is the same record");
        assert_eq!(checked(&[anna, operator(2, "anna@example.org")]), Err(StorageErrorKind::Other));
    }
}
