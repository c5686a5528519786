//! A member has read.

use crate::domain::Principal;
use crate::error::Error;
use crate::ids::{ConnectionId, ConversationId};
use crate::ports::SignalBody;
use crate::ports::storage::ReadMove;

use super::Chat;

impl Chat {
    /// Notes that the principal has read a conversation up to `seq`, in its own numbering, and tells the others. Answers
    /// the position in that numbering, or `None` if it is no step forward.
    ///
    /// # Errors
    /// [`Error::NotFound`] unless the principal is a member.
    pub async fn read(
        &self,
        principal: &Principal,
        conversation: ConversationId,
        seq: u64,
    ) -> Result<Option<u64>, Error> {
        self.read_from(principal, conversation, seq, None).await
    }

    pub(crate) async fn read_from(
        &self,
        principal: &Principal,
        conversation: ConversationId,
        seq: u64,
        from: Option<ConnectionId>,
    ) -> Result<Option<u64>, Error> {
        let (tenant, author, audience) = (principal.tenant(), principal.author(), principal.audience());
        let change = self.change(principal);
        let reads = self.storage().reads();
        let moving = reads.advance(tenant, conversation, author, audience, seq, &change);
        let moved = self.within(moving).await?;
        let Some(ReadMove { visitor, from: before, to: up_to }) = moved else {
            // No step forward, or no member: the storage answers both alike.
            self.member(principal, conversation).await?;
            return Ok(None);
        };
        let read = SignalBody::Read { tenant, conversation, visitor, author, from: before, up_to };
        self.tell(read, from).await?;
        // Only the reader's own number: from the other one a visitor could count the notes.
        Ok(Some(up_to.of(audience)))
    }
}
