//! Commits what goes with a change.

use convor::domain::OutboxEntry;
use convor::ports::Change;
use convor::ports::storage::AuditRow;

use super::outbox::Owed;
use super::state::TenantState;

impl TenantState {
    /// Stores the audit record, the notifications and the control events of a change. It comes after all that may refuse
    /// the change itself.
    pub(super) fn commit(&mut self, change: &Change) {
        if let Some(record) = &change.audit {
            let row = AuditRow { actor: change.actor, at: change.at, record: record.clone() };
            self.audit.insert(record.id, row);
        }
        for entry in &change.outbox {
            match entry {
                OutboxEntry::Notify { id, notification } => {
                    self.outbox.add(*id, Owed { notification: *notification, attempts: 0, held_until: None });
                }
                OutboxEntry::Control(event) => self.push_control(*event),
            }
        }
    }
}
