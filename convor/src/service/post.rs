//! A visitor, an operator or the host says something; an operator notes something.

use crate::domain::{Audience, BodyDigest, Event, MessageKind, Notification, OutboxEntry, Principal, Text};
use crate::error::Error;
use crate::ids::ConversationId;
use crate::ports::storage::{Append, AppendOutcome, NewMessage};
use crate::protocol::{MessageRequest, PostedObject};

use super::{Chat, parse, staff_only};

impl Chat {
    /// Says something in a conversation, or notes something for staff. It is stored when this returns.
    ///
    /// A visitor's message opens a conversation that sleeps or is closed.
    ///
    /// # Errors
    /// [`Error::NotFound`] unless the principal is a member, [`Error::Forbidden`] for a visitor's note,
    /// [`Error::Invalid`], [`Error::Conflict`] if the `client_id` came before with another body, and
    /// [`Error::RateLimited`] beyond [`Limits::messages`](crate::Limits::messages).
    pub async fn post(
        &self,
        principal: &Principal,
        conversation: ConversationId,
        request: MessageRequest,
    ) -> Result<PostedObject, Error> {
        if request.kind == MessageKind::Note {
            staff_only(principal)?;
        }
        let text = parse("text", Text::prose(&request.text, self.limits().text_chars_max))?;
        let tenant = principal.tenant();
        self.admit_message(principal)?;
        let digest = digest_of(&self.digest_key(tenant).await?, request.kind, &text);
        let message =
            NewMessage { id: self.new_id(), client_id: request.client_id, digest, kind: request.kind, text };
        let reopen = principal.audience() == Audience::Visitor;
        let append = Append { conversation, author: principal.author(), message, reopen };
        let mut change = self.change(principal);
        change.outbox.extend(self.message_waiting(principal, conversation));
        let turn = self.turn((tenant, conversation)).await?;
        let outcome = self.within(self.storage().events().append(tenant, &append, &change)).await?;
        let stored = match outcome {
            AppendOutcome::Stored { events, visitor, heads } => {
                self.publish(tenant, visitor, heads, &events).await;
                Ok((events.into_iter().next(), false))
            }
            AppendOutcome::Duplicate(event) => {
                self.publish_again(tenant, &event);
                Ok((Some(event), true))
            }
            AppendOutcome::ClientIdReused => Err(Error::Conflict),
            AppendOutcome::NotFound => Err(Error::NotFound),
        };
        turn.settle();
        let (event, duplicate) = stored?;
        event.and_then(|event| posted(&event, principal.audience(), duplicate)).ok_or(Error::NotFound)
    }

    /// What is owed to the operators if a visitor writes and none of them is there.
    pub(super) fn message_waiting(
        &self,
        principal: &Principal,
        conversation: ConversationId,
    ) -> Option<OutboxEntry> {
        let visitor = principal.audience() == Audience::Visitor;
        let waiting = visitor && self.inner.notifier.is_some() && !self.is_staffed(principal.tenant());
        waiting.then(|| OutboxEntry::Notify {
            id: self.new_id(),
            notification: Notification::MessageWaiting { conversation },
        })
    }
}

/// Over what a repeat of a message must repeat.
pub(super) fn digest_of(key: &[u8; 32], kind: MessageKind, text: &Text) -> BodyDigest {
    let kind: &[u8] = if kind == MessageKind::Note { b"note" } else { b"message" };
    BodyDigest::new(key, &[kind, text.as_str().as_bytes()])
}

/// What the sender gets to know of its message.
pub(super) fn posted(event: &Event, audience: Audience, duplicate: bool) -> Option<PostedObject> {
    let message_id = event.kind.message()?.id;
    Some(PostedObject { message_id, seq: event.seq(audience)?, at: event.at, duplicate })
}
