//! Commits what goes with a change.

use convor::domain::OutboxEntry;
use convor::ports::storage::AuditRow;
use convor::ports::{Change, StorageError, StorageErrorKind};

use super::state::TenantState;

impl TenantState {
    /// Stores the audit record, the notifications and the control events of a change. It comes before the change itself
    /// and after all that may refuse it: where it fails, nothing has been stored.
    ///
    /// # Errors
    /// `Unsupported` for an outbox entry of a kind that this version does not know, because it must not be lost silently.
    pub(super) fn commit(&mut self, change: &Change) -> Result<(), StorageError> {
        let known =
            |entry: &OutboxEntry| matches!(entry, OutboxEntry::Notify { .. } | OutboxEntry::Control(_));
        if !change.outbox.iter().all(known) {
            return Err(StorageError::new(StorageErrorKind::Unsupported));
        }
        if let Some(record) = &change.audit {
            let row = AuditRow {
                actor: change.actor,
                at: change.at,
                record: record.clone(),
            };
            self.audit.insert(record.id, row);
        }
        for entry in &change.outbox {
            match entry {
                OutboxEntry::Notify { id, notification } => self.outbox.add(*id, *notification),
                OutboxEntry::Control(event) => self.control.push(*event),
                _ => {}
            }
        }
        Ok(())
    }
}
