//! Staff change a conversation: close, reopen, snooze, assign, tag.

use crate::domain::{AuditAction, Principal, Status, Text};
use crate::error::Error;
use crate::ids::{ConversationId, OperatorId};
use crate::ports::storage::{ConversationPatch, StatusChange, UpdateOutcome};
use crate::protocol::ConversationRequest;
use crate::time::Timestamp;

use super::{Chat, Viewed, line, staff_only};

impl Chat {
    /// Changes a conversation that still has `version`, all of it or nothing.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a visitor, [`Error::NotFound`], [`Error::PreconditionFailed`] if it has another version,
    /// [`Error::Invalid`] for a value out of bounds or an operator that the tenant does not have.
    pub async fn change_conversation(
        &self,
        principal: &Principal,
        conversation: ConversationId,
        version: u64,
        request: ConversationRequest,
    ) -> Result<Viewed, Error> {
        staff_only(principal)?;
        let patch = self.patch(request)?;
        self.apply(principal, conversation, version, &patch).await
    }

    /// Closes a conversation: it waits for nobody.
    ///
    /// # Errors
    /// As [`Self::change_conversation`].
    pub async fn close(
        &self,
        principal: &Principal,
        id: ConversationId,
        version: u64,
    ) -> Result<Viewed, Error> {
        self.set_status(principal, id, version, StatusChange::Closed).await
    }

    /// Opens a conversation that sleeps or is closed.
    ///
    /// # Errors
    /// As [`Self::change_conversation`].
    pub async fn reopen(
        &self,
        principal: &Principal,
        id: ConversationId,
        version: u64,
    ) -> Result<Viewed, Error> {
        self.set_status(principal, id, version, StatusChange::Open).await
    }

    /// Lets a conversation sleep; it wakes then, or when something is said.
    ///
    /// # Errors
    /// As [`Self::change_conversation`].
    pub async fn snooze(
        &self,
        principal: &Principal,
        id: ConversationId,
        version: u64,
        until: Timestamp,
    ) -> Result<Viewed, Error> {
        self.check_snooze(until)?;
        self.set_status(principal, id, version, StatusChange::Snoozed(until)).await
    }

    /// Gives a conversation to an operator, or to nobody.
    ///
    /// # Errors
    /// As [`Self::change_conversation`].
    pub async fn assign(
        &self,
        principal: &Principal,
        id: ConversationId,
        version: u64,
        assignee: Option<OperatorId>,
    ) -> Result<Viewed, Error> {
        staff_only(principal)?;
        let patch = ConversationPatch { assignee: Some(assignee), ..ConversationPatch::default() };
        self.apply(principal, id, version, &patch).await
    }

    /// Replaces a conversation's tags.
    ///
    /// # Errors
    /// As [`Self::change_conversation`].
    pub async fn tag(
        &self,
        principal: &Principal,
        id: ConversationId,
        version: u64,
        tags: &[&str],
    ) -> Result<Viewed, Error> {
        staff_only(principal)?;
        let patch = ConversationPatch { tags: Some(self.tags(tags)?), ..ConversationPatch::default() };
        self.apply(principal, id, version, &patch).await
    }

    async fn set_status(
        &self,
        principal: &Principal,
        id: ConversationId,
        version: u64,
        status: StatusChange,
    ) -> Result<Viewed, Error> {
        staff_only(principal)?;
        let patch = ConversationPatch { status: Some(status), ..ConversationPatch::default() };
        self.apply(principal, id, version, &patch).await
    }

    fn patch(&self, request: ConversationRequest) -> Result<ConversationPatch, Error> {
        let ConversationRequest { status, snoozed_until, assignee, tags } = request;
        let status = match (status, snoozed_until) {
            (Some(Status::Snoozed), Some(until)) => {
                self.check_snooze(until)?;
                Some(StatusChange::Snoozed(until))
            }
            (Some(Status::Snoozed), None) => return Err(Error::invalid("snoozed_until", "is needed")),
            (_, Some(_)) => return Err(Error::invalid("snoozed_until", "goes with the status snoozed only")),
            (Some(Status::Open), None) => Some(StatusChange::Open),
            (Some(Status::Closed), None) => Some(StatusChange::Closed),
            (None, None) => None,
        };
        let tags =
            tags.map(|tags| self.tags(&tags.iter().map(String::as_str).collect::<Vec<_>>())).transpose()?;
        let patch = ConversationPatch { status, assignee, tags };
        if patch == ConversationPatch::default() {
            return Err(Error::invalid("body", "names nothing to change"));
        }
        Ok(patch)
    }

    fn check_snooze(&self, until: Timestamp) -> Result<(), Error> {
        let now = self.now();
        if until <= now || until.since(now) > self.limits().snooze_max {
            return Err(Error::invalid("snoozed_until", "must lie ahead, and not too far"));
        }
        Ok(())
    }

    fn tags(&self, tags: &[&str]) -> Result<Vec<Text>, Error> {
        let limits = self.limits();
        if tags.len() > limits.tags_max {
            return Err(Error::invalid("tags", format!("must be at most {}", limits.tags_max)));
        }
        let mut tags =
            tags.iter().map(|tag| line("tags", tag, limits.tag_chars_max)).collect::<Result<Vec<_>, _>>()?;
        tags.sort();
        tags.dedup();
        Ok(tags)
    }

    async fn apply(
        &self,
        principal: &Principal,
        id: ConversationId,
        version: u64,
        patch: &ConversationPatch,
    ) -> Result<Viewed, Error> {
        self.update(principal, id, version, patch).await?;
        self.conversation(principal, id).await
    }

    /// Commits and publishes a change of a conversation.
    pub(super) async fn update(
        &self,
        principal: &Principal,
        id: ConversationId,
        version: u64,
        patch: &ConversationPatch,
    ) -> Result<(), Error> {
        let tenant = principal.tenant();
        let change = self.audited(principal, AuditAction::ConversationUpdated, id.uuid());
        let turn = self.turn((tenant, id)).await?;
        let outcome =
            self.within(self.storage().conversations().update(tenant, id, version, patch, &change)).await?;
        let updated = match outcome {
            UpdateOutcome::Updated { conversation, events } => {
                self.publish(tenant, conversation.visitor, conversation.heads, &events).await;
                Ok(())
            }
            UpdateOutcome::VersionMismatch => Err(Error::PreconditionFailed),
            UpdateOutcome::NoSuchOperator => Err(Error::invalid("assignee", "there is no such operator")),
            UpdateOutcome::NotFound => Err(Error::NotFound),
        };
        turn.settle();
        updated
    }
}
