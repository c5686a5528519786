//! A member has read.

use crate::domain::{Heads, Principal};
use crate::error::Error;
use crate::ids::{ConnectionId, ConversationId};
use crate::ports::SignalBody;
use crate::ports::storage::ReadMove;

use super::Chat;

impl Chat {
    /// Notes that the principal has read a conversation up to `seq`, in its own numbering, and tells the others. Answers
    /// the position in both numberings, or `None` if it is no step forward.
    ///
    /// # Errors
    /// [`Error::NotFound`] unless the principal is a member.
    pub async fn read(
        &self,
        principal: &Principal,
        conversation: ConversationId,
        seq: u64,
    ) -> Result<Option<Heads>, Error> {
        self.read_from(principal, conversation, seq, None).await
    }

    pub(crate) async fn read_from(
        &self,
        principal: &Principal,
        conversation: ConversationId,
        seq: u64,
        from: Option<ConnectionId>,
    ) -> Result<Option<Heads>, Error> {
        let found = self.member(principal, conversation).await?;
        let (tenant, author, audience) = (principal.tenant(), principal.author(), principal.audience());
        let change = self.change(principal);
        let reads = self.storage().reads();
        let moved = reads.advance(tenant, conversation, author, audience, seq, &change).await?;
        if let Some(ReadMove { from: before, to: up_to }) = moved {
            let visitor = found.visitor;
            let read = SignalBody::Read { tenant, conversation, visitor, author, from: before, up_to };
            self.tell(read, from).await?;
        }
        Ok(moved.map(|moved| moved.to))
    }
}
