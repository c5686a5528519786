//! Somebody types. It is told and never stored.

use crate::domain::{MessageKind, Principal};
use crate::error::Error;
use crate::ids::ConversationId;
use crate::ports::SignalBody;

use super::{Chat, staff_only};

impl Chat {
    /// Tells the others in a conversation that the principal types, or has stopped.
    ///
    /// # Errors
    /// [`Error::NotFound`] unless the principal is a member, [`Error::Forbidden`] for a visitor's note.
    pub async fn typing(
        &self,
        principal: &Principal,
        conversation: ConversationId,
        active: bool,
        kind: MessageKind,
    ) -> Result<(), Error> {
        if kind == MessageKind::Note {
            staff_only(principal)?;
        }
        let found = self.member(principal, conversation).await?;
        let (tenant, author, visitor) = (principal.tenant(), principal.author(), found.visitor);
        self.tell(SignalBody::Typing { tenant, conversation, visitor, author, active, kind }, None).await
    }
}
