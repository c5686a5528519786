//! What one connection says and is told: frames in, frames out, no socket.
//!
//! A machine without effects knows the rules between client and server; [`Session`] carries out what it decides; [`Pulse`] knows when a connection has been silent for too long. A transport feeds a session with the
//! client's frames and drains its [`Outlet`](crate::hub::Outlet).

pub(crate) mod catch_up;
mod hello;
mod machine;
mod pulse;

use std::fmt;
use std::sync::Arc;

use crate::credentials::SiteKey;
use crate::domain::{Audience, Author};
use crate::error::Error;
use crate::hub::Connection;
use crate::ids::ConversationId;
use crate::ports::{Authenticated, Close, Frame, Transport};
use crate::protocol::{MessageRequest, ServerFrame, Topic, encode};
use crate::service::Chat;

use catch_up::{Start, catch_up};
use machine::{Intent, Machine};
pub use pulse::{Beat, Pulse};

/// One connection: it is fed with frames and answers through its transport. When it is dropped, the principal has left.
#[derive(Debug)]
pub struct Session {
    chat: Chat,
    transport: Arc<dyn Transport>,
    entrance: Entrance,
    machine: Machine,
    connection: Option<Arc<Connection>>,
}

/// What a transport knows of a connection before its `hello`.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Entrance {
    /// The credential of the cookie that came with the upgrade, if one did.
    pub cookie: Option<String>,
    /// For whom the `Origin` of the upgrade is good.
    pub admits: Admits,
}

impl fmt::Debug for Entrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entrance").field("admits", &self.admits).finish_non_exhaustive()
    }
}

/// For whom the origin of a connection is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Admits {
    /// There was no origin: the client is no page in a browser.
    #[default]
    Anyone,
    /// The origin is one of this site's: its visitors.
    VisitorsOf(SiteKey),
    /// The origin is the dashboard's own.
    Operators,
}

impl Session {
    /// A connection that has not said `hello`.
    #[must_use]
    pub fn new(chat: &Chat, transport: Arc<dyn Transport>, entrance: Entrance) -> Self {
        Self { chat: chat.clone(), transport, entrance, machine: Machine::default(), connection: None }
    }

    /// A connection of a principal that the host has verified itself: it is welcomed at once.
    ///
    /// # Errors
    /// [`Error`] if the welcome failed.
    pub async fn welcomed(
        chat: &Chat,
        transport: Arc<dyn Transport>,
        authenticated: Authenticated,
    ) -> Result<Self, Error> {
        let mut session = Self::new(chat, transport, Entrance::default());
        session.machine.greeted(authenticated.principal);
        session.welcome(authenticated, Vec::new(), None).await?;
        Ok(session)
    }

    /// Whether the client has been welcomed.
    #[must_use]
    pub const fn is_welcomed(&self) -> bool {
        self.connection.is_some()
    }

    /// The connection, once it has been welcomed.
    #[must_use]
    pub const fn connection(&self) -> Option<&Arc<Connection>> {
        self.connection.as_ref()
    }

    /// Takes one frame of the client and does what it asks for. Frames are handled in their order: the next one is taken
    /// when this is done. Dropped before, it has done all of it or a part that the client can repeat.
    pub async fn receive(&mut self, text: &str) {
        let intent = self.machine.frame(text);
        if let Some(connection) = &self.connection
            && !matches!(intent, Intent::End(_))
        {
            if connection.has_expired(self.chat.now()) {
                connection.close(Close::Revoked);
                return;
            }
            if let Err(error) = self.chat.admit(&connection.principal()) {
                self.refuse(intent.reference(), &error);
                return;
            }
        }
        let reference = intent.reference().map(str::to_owned);
        if let Err(error) = self.carry_out(intent).await {
            self.refuse(reference.as_deref(), &error);
        }
    }

    async fn carry_out(&mut self, intent: Intent) -> Result<(), Error> {
        if let Intent::Hello { token, resume } = intent {
            return self.hello(token, resume).await;
        }
        let connection = match (&intent, &self.connection) {
            (Intent::End(reason), _) => {
                self.transport.close(*reason);
                return Ok(());
            }
            (_, Some(connection)) => Arc::clone(connection),
            // The machine lets nothing else pass before the welcome.
            (_, None) => return Err(Error::Unauthenticated),
        };
        let principal = connection.principal();
        // Who arrives or subscribes waits its turn instead.
        let _work = if intent.is_work() { Some(self.chat.begin(principal.tenant())?) } else { None };
        match intent {
            Intent::Hello { .. } | Intent::End(_) => Ok(()),
            Intent::Refuse { error, .. } => Err(error),
            Intent::Subscribe { reference, topic, after } => {
                self.subscribe(&connection, &reference, topic, after).await
            }
            Intent::Unsubscribe { reference, topic } => {
                match topic {
                    Topic::Inbox => self.chat.hub().roster().leave_inbox(&connection),
                    Topic::Conversation(conversation) => {
                        self.chat.hub().leave((principal.tenant(), conversation), &connection);
                    }
                }
                self.reply(&ServerFrame::Unsubscribed { r#ref: &reference });
                Ok(())
            }
            Intent::Send { reference, conversation, request } => {
                self.post(&connection, &reference, conversation, request).await
            }
            Intent::Typing { conversation, active, kind } => {
                self.chat.typing(&principal, conversation, active, kind).await
            }
            Intent::Read { conversation, seq } => {
                self.chat.read_from(&principal, conversation, seq, Some(connection.id())).await.map(|_| ())
            }
            Intent::Page { url, title } => self.chat.page_seen(&principal, &url, title.as_deref()).await,
        }
    }

    async fn post(
        &self,
        connection: &Connection,
        reference: &str,
        conversation: ConversationId,
        request: MessageRequest,
    ) -> Result<(), Error> {
        let client_id = request.client_id;
        let posted = self.chat.post(&connection.principal(), conversation, request).await?;
        self.reply(&ServerFrame::Ack {
            r#ref: reference,
            conversation,
            client_id,
            message_id: posted.message_id,
            seq: posted.seq,
            at: posted.at,
            duplicate: posted.duplicate,
        });
        Ok(())
    }

    async fn subscribe(
        &self,
        connection: &Arc<Connection>,
        reference: &str,
        topic: Topic,
        after: Option<u64>,
    ) -> Result<(), Error> {
        let conversation = match topic {
            Topic::Inbox => {
                self.chat.hub().roster().listen_to_inbox(connection);
                self.reply(&ServerFrame::Subscribed {
                    r#ref: reference,
                    conversation: None,
                    inbox: Some(true),
                    seq: None,
                    epoch: None,
                });
                return Ok(());
            }
            Topic::Conversation(conversation) => conversation,
        };
        self.check_subscriptions(connection, conversation)?;
        let start = after.map_or(Start::Head, |after| Start::After { epoch: None, after });
        catch_up(&self.chat, connection, conversation, start, Some(reference)).await
    }

    fn check_subscriptions(
        &self,
        connection: &Connection,
        conversation: ConversationId,
    ) -> Result<(), Error> {
        let topics = connection.topics();
        let full = topics.as_ref().is_some_and(|topics| {
            topics.len() >= self.chat.limits().subscriptions_max && !topics.contains(&conversation)
        });
        if full {
            return Err(Error::RateLimited { retry_after: self.chat.limits().heartbeat });
        }
        Ok(())
    }

    fn refuse(&self, reference: Option<&str>, error: &Error) {
        self.refuse_about(reference, None, error);
    }

    fn refuse_about(&self, reference: Option<&str>, conversation: Option<ConversationId>, error: &Error) {
        let retry_after_ms = match error {
            Error::RateLimited { retry_after } => u64::try_from(retry_after.as_millis()).ok(),
            Error::Unavailable => u64::try_from(self.chat.retry_after().as_millis()).ok(),
            _ => None,
        };
        let title = error.to_string();
        self.reply(&ServerFrame::Error {
            r#ref: reference,
            conversation,
            code: error.code(),
            title: &title,
            retry_after_ms,
        });
    }

    fn reply(&self, frame: &ServerFrame<'_>) {
        // A connection that refuses the reply is closing, and its client asks again.
        let _ = self.transport.try_send(Frame::event(encode(frame)));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.chat.left(&connection);
        }
    }
}

/// The text of the frame that comes before the end of a connection.
#[must_use]
pub fn closing(reason: Close) -> bytes::Bytes {
    let reconnect_after_ms = match reason {
        Close::Draining { reconnect_after_ms } => Some(reconnect_after_ms),
        _ => None,
    };
    encode(&ServerFrame::Closing { code: reason.code(), reason: reason.reason(), reconnect_after_ms })
}

/// The text of a heartbeat.
#[must_use]
pub fn heartbeat() -> bytes::Bytes {
    encode(&ServerFrame::Heartbeat)
}

/// Whether a principal with this entrance may say `hello` as `authenticated`.
fn admits(admits: Admits, authenticated: &Authenticated) -> bool {
    use crate::domain::Principal;
    match (admits, authenticated.principal) {
        (Admits::Anyone, _) => true,
        (Admits::VisitorsOf(key), Principal::Visitor { tenant, site, .. }) => {
            key.tenant == tenant && key.site == site
        }
        (Admits::Operators, principal) => {
            principal.audience() == Audience::Staff && principal.author() != Author::System
        }
        (Admits::VisitorsOf(_), _) => false,
    }
}
