//! How records come: as they were, and with what is derived of them. A record whose key is there already is left as it is.

use std::collections::HashMap;

use convor::ports::storage::Record;

#[cfg(feature = "accounts")]
use crate::storage::account::Kept;
use crate::storage::log::{Log, Opening};
use crate::storage::outbox::Owed;
use crate::storage::state::{TenantState, VisitorState};

impl TenantState {
    /// Stores a record that has been checked.
    pub(super) fn import(&mut self, record: &Record) {
        match record {
            Record::Profile(profile) => {
                self.profile.get_or_insert_with(|| profile.clone());
            }
            Record::Site(site) => {
                self.sites.entry(site.id).or_insert_with(|| site.clone());
            }
            Record::Operator(operator) => {
                if !self.operators.contains_key(&operator.id) {
                    self.add_operator(operator);
                }
            }
            #[cfg(feature = "accounts")]
            Record::Password { operator, hash } => {
                self.accounts.passwords.entry(*operator).or_insert_with(|| hash.clone());
            }
            #[cfg(feature = "accounts")]
            Record::Session { id, operator, token, expires_at } => {
                if !self.accounts.sessions.contains_key(id) {
                    let session = Kept { operator: *operator, token: *token, expires_at: *expires_at };
                    self.accounts.add(*id, session);
                }
            }
            Record::Visitor(visitor) => {
                self.visitors.entry(visitor.id).or_insert_with(|| VisitorState {
                    visitor: visitor.clone(),
                    token: None,
                    page: None,
                    opened: HashMap::new(),
                });
            }
            Record::Token { visitor, hash } => {
                if let Some(of) = self.visitors.get_mut(visitor)
                    && of.token.is_none()
                {
                    of.token = Some(*hash);
                    self.visitors_by_token.insert(*hash, *visitor);
                }
            }
            Record::Page { visitor, page } => {
                if let Some(of) = self.visitors.get_mut(visitor) {
                    of.page.get_or_insert_with(|| page.clone());
                }
            }
            other => self.import_talk(other),
        }
    }

    fn import_talk(&mut self, record: &Record) {
        match record {
            Record::Conversation { conversation, client_id, digest, with_message } => {
                if !self.conversations.contains_key(&conversation.id) {
                    let opening =
                        Opening { client_id: *client_id, digest: *digest, with_message: *with_message };
                    self.add_conversation(Log::new(conversation.clone(), opening));
                }
            }
            Record::Event { event, digest } => {
                if self.change_log(event.conversation, |log| log.restore(event, *digest)) == Some(true) {
                    self.words.insert(event);
                }
            }
            Record::Read { conversation, reader, up_to } => {
                if let Some(log) = self.conversations.get_mut(conversation)
                    && !log.reads().contains_key(reader)
                {
                    log.set_read(*reader, *up_to);
                }
            }
            Record::Upload(upload) => {
                if !self.uploads.records.contains_key(&upload.id) {
                    self.uploads.add(upload.clone());
                }
            }
            Record::RemovableBlob(blob) => {
                if !self.uploads.has(*blob) {
                    self.uploads.removable.insert(*blob);
                }
            }
            other => self.import_owed(other),
        }
    }

    fn import_owed(&mut self, record: &Record) {
        match record {
            Record::Notification { id, notification, attempts, held_until } => {
                let owed = Owed { notification: *notification, attempts: *attempts, held_until: *held_until };
                self.outbox.add(*id, owed);
            }
            Record::Control { position, event } => {
                self.control.entry(*position).or_insert(*event);
            }
            Record::Audit(row) => {
                self.audit.entry(row.record.id).or_insert_with(|| row.clone());
            }
            // What is not kept has been refused.
            _ => {}
        }
    }
}
