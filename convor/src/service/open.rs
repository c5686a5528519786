//! A visitor opens a conversation.

use crate::domain::{BodyDigest, Conversation, Heads, MessageKind, Principal, Text};
use crate::error::Error;
use crate::hub::Live;
use crate::ports::storage::{NewMessage, Open, OpenOutcome};
use crate::protocol::{FirstMessage, OpenRequest, PostedObject};

use super::post::posted;
use super::{Chat, Viewed, line, parse};

/// When it is worth asking again with too many conversations: not soon, for only retention or erasure makes room.
const TOO_MANY_RETRY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// A conversation that has been opened, now or by the same request before.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The conversation.
    pub conversation: Viewed,
    /// What became of its first message.
    pub message: Option<PostedObject>,
    /// Whether the same request had opened it before.
    pub duplicate: bool,
}

impl Chat {
    /// Opens a conversation, with a first message if there is one.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for anybody but a visitor, [`Error::Invalid`], [`Error::Conflict`] if the `client_id` came
    /// before with another body, [`Error::RateLimited`] with too many conversations.
    pub async fn open(&self, principal: &Principal, request: OpenRequest) -> Result<Opened, Error> {
        let Principal::Visitor { tenant, site, visitor } = *principal else { return Err(Error::Forbidden) };
        self.admit_message(principal)?;
        let chars_max = self.limits().subject_chars_max;
        let subject = request.subject.map(|subject| line("subject", &subject, chars_max)).transpose()?;
        let key = self.digest_key(tenant).await?;
        let digest = digest_of(&key, subject.as_ref(), request.first_message.as_ref());
        let first_message = request.first_message.map(|first| self.first_message(&key, first)).transpose()?;
        let open = Open {
            id: self.new_id(),
            client_id: request.client_id,
            digest,
            site,
            visitor,
            subject,
            first_message,
            conversations_max: self.limits().visitor_conversations_max,
        };
        let mut change = self.change(principal);
        if open.first_message.is_some() {
            change.outbox.extend(self.message_waiting(principal, open.id));
        }
        // A new conversation is in nobody else's hands, but its first event must not be overtaken by the second.
        let turn = self.turn((tenant, open.id)).await?;
        let outcome = self.within(self.storage().conversations().open(tenant, &open, &change)).await?;
        let (conversation, first, duplicate) = match outcome {
            OpenOutcome::Opened { conversation, first } => {
                self.let_visitor_hear(principal, &conversation);
                if let Some(first) = &first {
                    self.publish(tenant, visitor, conversation.heads, std::slice::from_ref(first)).await;
                }
                (conversation, first, false)
            }
            OpenOutcome::Duplicate { conversation, first } => {
                if let Some(first) = &first {
                    self.publish_again(tenant, first);
                }
                (conversation, first, true)
            }
            refused => {
                turn.settle();
                return Err(match refused {
                    OpenOutcome::ClientIdReused => Error::Conflict,
                    OpenOutcome::TooMany => Error::RateLimited { retry_after: TOO_MANY_RETRY },
                    _ => Error::NotFound,
                });
            }
        };
        turn.settle();
        let message = first.and_then(|first| posted(&first, principal.audience(), duplicate));
        let conversation = self.conversation(principal, conversation.id).await?;
        Ok(Opened { conversation, message, duplicate })
    }

    fn first_message(&self, key: &[u8; 32], first: FirstMessage) -> Result<NewMessage, Error> {
        let text = parse("first_message.text", Text::prose(&first.text, self.limits().text_chars_max))?;
        let kind = MessageKind::Message;
        let digest = super::post::digest_of(key, kind, &text);
        Ok(NewMessage { id: self.new_id(), client_id: first.client_id, digest, kind, text })
    }

    /// The visitor's connections hear its new conversation from its first event on. One that has just arrived has found it by
    /// itself.
    fn let_visitor_hear(&self, principal: &Principal, conversation: &Conversation) {
        let key = (principal.tenant(), conversation.id);
        for connection in self.hub().roster().of(principal.tenant(), principal.author()) {
            if !self.hub().enter_anew(key, &connection) {
                continue;
            }
            match self.hub().go_live(key, connection.id(), 0, (Heads::default(), conversation.epoch)) {
                Live::Yes | Live::Gone => {}
                // Somebody else has heard more of it already.
                Live::Behind | Live::OtherEpoch => self.bring_up_to_date(key, connection),
            }
        }
    }
}

fn digest_of(key: &[u8; 32], subject: Option<&Text>, first: Option<&FirstMessage>) -> BodyDigest {
    let subject = subject.map_or("", Text::as_str);
    let (id, text) =
        first.map_or((String::new(), ""), |first| (first.client_id.to_string(), first.text.as_str()));
    BodyDigest::new(key, &[b"open", subject.as_bytes(), id.as_bytes(), text.as_bytes()])
}
