//! How records leave: each kind in the order of its keys.

use std::collections::BTreeMap;
use std::ops::Bound;

use convor::domain::Event;
use convor::ids::ConversationId;
use convor::ports::BlobKey;
use convor::ports::storage::{Record, RecordKey, RecordKind};
use uuid::Uuid;

use crate::storage::log::Log;
use crate::storage::state::TenantState;

type Records<'a> = Box<dyn Iterator<Item = Record> + 'a>;

impl TenantState {
    pub(super) fn export(&self, kind: RecordKind, after: Option<RecordKey>, limit: usize) -> Vec<Record> {
        let records = self.people(kind, after).or_else(|| self.talk(kind, after));
        let records = records.or_else(|| self.owed(kind, after));
        records.into_iter().flatten().take(limit).collect()
    }

    /// Records of the tenant and of people; `None` if the kind is not one of them.
    fn people(&self, kind: RecordKind, after: Option<RecordKey>) -> Option<Records<'_>> {
        Some(match kind {
            RecordKind::Profile => {
                let profile = self.profile.iter().filter(move |_| after.is_none());
                Box::new(profile.cloned().map(Record::Profile))
            }
            RecordKind::Site => {
                Box::new(above(&self.sites, after).map(|(_, site)| Record::Site(site.clone())))
            }
            RecordKind::Operator => {
                Box::new(above(&self.operators, after).map(|(_, of)| Record::Operator(of.clone())))
            }
            #[cfg(feature = "accounts")]
            RecordKind::Password => Box::new(
                above(&self.accounts.passwords, after)
                    .map(|(operator, hash)| Record::Password { operator: *operator, hash: hash.clone() }),
            ),
            #[cfg(feature = "accounts")]
            RecordKind::Session => Box::new(above(&self.accounts.sessions, after).map(|(id, session)| {
                let (operator, token) = (session.operator, session.token);
                Record::Session { id: *id, operator, token, expires_at: session.expires_at }
            })),
            RecordKind::Visitor => {
                Box::new(above(&self.visitors, after).map(|(_, of)| Record::Visitor(of.visitor.clone())))
            }
            RecordKind::Token => Box::new(
                above(&self.visitors, after)
                    .filter_map(|(id, of)| of.token.map(|hash| Record::Token { visitor: *id, hash })),
            ),
            RecordKind::Page => Box::new(
                above(&self.visitors, after)
                    .filter_map(|(id, of)| of.page.clone().map(|page| Record::Page { visitor: *id, page })),
            ),
            _ => return None,
        })
    }

    /// Records of conversations; `None` if the kind is not one of them.
    fn talk(&self, kind: RecordKind, after: Option<RecordKey>) -> Option<Records<'_>> {
        Some(match kind {
            RecordKind::Conversation => Box::new(above(&self.conversations, after).map(|(_, log)| {
                let opening = &log.opening;
                Record::Conversation {
                    conversation: log.conversation.clone(),
                    client_id: opening.client_id,
                    digest: opening.digest,
                    with_message: opening.with_message,
                }
            })),
            RecordKind::Event => Box::new(self.logs_from(after).flat_map(move |log| {
                let id = log.conversation.id.uuid();
                let above = after.filter(|after| after.id == id).map_or(0, |after| position(after.part));
                log.events_above(above)
                    .map(|event: &Event| Record::Event { event: event.clone(), digest: log.digest(event) })
            })),
            RecordKind::Read => Box::new(self.logs_from(after).flat_map(move |log| {
                let mut reads: Vec<_> = reads(log).filter(|read| Some(read.key()) > after).collect();
                reads.sort_unstable_by_key(Record::key);
                reads
            })),
            RecordKind::Upload => {
                let uploads = above(&self.uploads.records, after);
                Box::new(uploads.map(|(_, upload)| Record::Upload(upload.clone())))
            }
            RecordKind::RemovableBlob => {
                let above = after.map_or(Bound::Unbounded, |after| Bound::Excluded(BlobKey(after.id)));
                let blobs = self.uploads.removable.range((above, Bound::Unbounded));
                Box::new(blobs.copied().map(Record::RemovableBlob))
            }
            _ => return None,
        })
    }

    /// Records of what changes owe to others; `None` if the kind is not one of them.
    fn owed(&self, kind: RecordKind, after: Option<RecordKey>) -> Option<Records<'_>> {
        Some(match kind {
            RecordKind::Notification => {
                Box::new(above(&self.outbox.entries, after).map(|(id, owed)| Record::Notification {
                    id: *id,
                    notification: owed.notification,
                    attempts: owed.attempts,
                    held_until: owed.held_until,
                }))
            }
            RecordKind::Control => {
                let above = after.map_or(0, |after| position(after.part));
                let events = self.control.range((Bound::Excluded(above), Bound::Unbounded));
                Box::new(events.map(|(at, event)| Record::Control { position: *at, event: *event }))
            }
            RecordKind::Audit => {
                Box::new(above(&self.audit, after).map(|(_, row)| Record::Audit(row.clone())))
            }
            _ => return None,
        })
    }

    /// The conversations from the one on in which the page before ended.
    fn logs_from(&self, after: Option<RecordKey>) -> impl Iterator<Item = &Log> {
        let from = after.map_or(Bound::Unbounded, |after| Bound::Included(ConversationId::from(after.id)));
        self.conversations.range((from, Bound::Unbounded)).map(|(_, log)| log)
    }
}

/// What stands above a key in a map by ids.
fn above<K: From<Uuid> + Ord, V>(
    map: &BTreeMap<K, V>,
    after: Option<RecordKey>,
) -> impl Iterator<Item = (&K, &V)> {
    let above = after.map_or(Bound::Unbounded, |after| Bound::Excluded(K::from(after.id)));
    map.range((above, Bound::Unbounded))
}

fn reads(log: &Log) -> impl Iterator<Item = Record> {
    let conversation = log.conversation.id;
    log.reads().iter().map(move |(reader, up_to)| Record::Read {
        conversation,
        reader: *reader,
        up_to: *up_to,
    })
}

/// The position that a key names; beyond all positions, it stands above all of them.
fn position(part: Uuid) -> u64 {
    u64::try_from(part.as_u128()).unwrap_or(u64::MAX)
}
