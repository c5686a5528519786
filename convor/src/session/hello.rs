//! From `hello` to `welcome`.

use std::sync::Arc;

use crate::domain::{Audience, Principal, Text};
use crate::error::Error;
use crate::hub::{Arrival, Connection};
use crate::ids::{ConnectionId, ConversationId};
use crate::ports::{Authenticated, Close, Frame};
use crate::protocol::{PrincipalObject, Resume, ServerFrame, encode};

use super::catch_up::{Start, catch_up};
use super::{Session, admits};

impl Session {
    pub(super) async fn hello(&mut self, token: Option<String>, resume: Vec<Resume>) -> Result<(), Error> {
        let credential = match (token, self.entrance.cookie.take()) {
            (Some(token), None) => token,
            (None, Some(cookie)) => cookie,
            // Two credentials may be two principals.
            (Some(_), Some(_)) | (None, None) => {
                return self.turn_away(Error::Unauthenticated, Close::Revoked);
            }
        };
        let claimed = self.chat.claimed_tenant(&credential);
        let authenticating = self.chat.authenticate(&credential);
        let authenticated = match self.chat.in_strangers_turn(claimed, authenticating).await {
            Ok(Some(authenticated)) => authenticated,
            Ok(None) => return self.turn_away(Error::Unauthenticated, Close::Revoked),
            // The machine is past `hello`: the client comes back with a new connection.
            Err(error) => return self.turn_away(error, self.chat.draining()),
        };
        if !admits(self.entrance.admits, &authenticated) {
            return self.turn_away(Error::Forbidden, Close::Forbidden);
        }
        self.machine.greeted(authenticated.principal);
        match self.welcome(authenticated, resume, Some(&credential)).await {
            Ok(()) => Ok(()),
            Err(error @ Error::Invalid { .. }) => self.turn_away(error, Close::ProtocolError),
            Err(error @ Error::Unauthenticated) => self.turn_away(error, Close::Revoked),
            Err(error) => self.turn_away(error, self.chat.draining()),
        }
    }

    /// Says what is wrong, and ends the connection.
    fn turn_away(&self, error: Error, reason: Close) -> Result<(), Error> {
        self.refuse(None, &error);
        self.transport.close(reason);
        Ok(())
    }

    /// Makes a recognised principal present, and brings it up to date. Its credential, if it has shown one, is looked at
    /// once more when it can be found by those who end sessions: one that ended before is not on the part of the control
    /// log that this node has yet to obey.
    pub(super) async fn welcome(
        &mut self,
        authenticated: Authenticated,
        resume: Vec<Resume>,
        credential: Option<&str>,
    ) -> Result<(), Error> {
        self.check_resume(&resume)?;
        let principal = authenticated.principal;
        self.chat.admit_connection(&principal)?;
        let id: ConnectionId = self.chat.new_id();
        let connection = Connection::new(id, authenticated, Arc::clone(&self.transport));
        let (hub, roster) = (self.chat.hub(), self.chat.hub().roster());
        let mut own = Vec::new();
        let arrival = match roster.room(principal.tenant(), principal.author(), self.chat.limits()) {
            Ok(()) => {
                // What a visitor reads once it is welcomed, and what it hears, leave nothing out.
                own = self.own_conversations(&principal).await?;
                // It comes first, before anybody knows that there is somebody to be told anything.
                self.greet(&connection).await?;
                // Nobody else brings the connection up to date where it is a member already.
                for (conversation, _) in &own {
                    hub.enter((principal.tenant(), *conversation), &connection);
                }
                roster.add(&connection, self.chat.limits())
            }
            Err(no_room) => no_room,
        };
        if matches!(arrival, Arrival::Refused | Arrival::Crowded) {
            hub.disconnect(&connection);
        }
        match arrival {
            Arrival::First | Arrival::Another => {}
            Arrival::Refused => {
                self.transport.close(Close::TooManyConnections);
                return Ok(());
            }
            Arrival::Crowded => {
                self.transport.close(self.chat.draining());
                return Ok(());
            }
        }
        // From here on, dropping the session takes the connection out.
        self.connection = Some(Arc::clone(&connection));
        self.chat.arrived(&connection, arrival);
        if self.chat.is_draining() {
            self.transport.close(self.chat.draining());
            return Ok(());
        }
        if connection.session().is_some() {
            self.chat.obey_control_together(principal.tenant()).await?;
        }
        if let Some(credential) = credential {
            let still = self.chat.in_turn(principal.tenant(), self.chat.authenticate(credential)).await?;
            still.ok_or(Error::Unauthenticated)?;
        }
        self.bring_up_to_date(&connection, &resume, &own).await
    }

    fn check_resume(&self, resume: &[Resume]) -> Result<(), Error> {
        if resume.len() > self.chat.limits().resume_conversations_max {
            return Err(Error::invalid("resume", "names too many conversations"));
        }
        let mut named: Vec<_> = resume.iter().map(|held| held.conversation).collect();
        named.sort_unstable();
        if named.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Error::invalid("resume", "names a conversation twice"));
        }
        Ok(())
    }

    /// `own` are the visitor's conversations, and where they stood before it was welcomed.
    async fn bring_up_to_date(
        &self,
        connection: &Arc<Connection>,
        resume: &[Resume],
        own: &[(ConversationId, u64)],
    ) -> Result<(), Error> {
        for held in resume {
            let start = Start::After { epoch: Some(held.epoch), after: held.after };
            match catch_up(&self.chat, connection, held.conversation, start, None).await {
                Err(error @ Error::NotFound) => self.refuse_about(None, Some(held.conversation), &error),
                outcome => outcome?,
            }
        }
        let is_resumed = |conversation| resume.iter().any(|held| held.conversation == conversation);
        for (conversation, after) in own.iter().copied().filter(|(own, _)| !is_resumed(*own)) {
            let start = Start::After { epoch: None, after };
            catch_up(&self.chat, connection, conversation, start, None).await?;
        }
        // Those that have been opened meanwhile, and that nobody else lets it hear.
        let principal = connection.principal();
        for (conversation, _) in self.own_conversations(&principal).await? {
            if self.chat.hub().enter_anew((principal.tenant(), conversation), connection) {
                let start = Start::After { epoch: None, after: 0 };
                catch_up(&self.chat, connection, conversation, start, None).await?;
            }
        }
        Ok(())
    }

    /// A visitor hears its own conversations without asking.
    async fn own_conversations(&self, principal: &Principal) -> Result<Vec<(ConversationId, u64)>, Error> {
        match *principal {
            Principal::Visitor { tenant, visitor, .. } => {
                self.chat.in_turn(tenant, self.chat.conversations_of(tenant, visitor)).await
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn greet(&self, connection: &Connection) -> Result<(), Error> {
        let limits = self.chat.limits();
        let principal = connection.principal();
        let name = self.chat.in_turn(principal.tenant(), self.own_name(&principal)).await?;
        let name = name.as_ref();
        let principal = match connection.principal() {
            Principal::Visitor { visitor, .. } => PrincipalObject::Visitor { id: visitor, name },
            Principal::Operator { operator, role, .. } => {
                PrincipalObject::Operator { id: operator, name, role }
            }
            Principal::System { .. } => PrincipalObject::System,
        };
        let heartbeat_ms = u64::try_from(limits.heartbeat.as_millis()).unwrap_or(u64::MAX);
        let welcome = encode(&ServerFrame::Welcome { session: connection.id(), principal, heartbeat_ms });
        let _ = self.transport.try_send(Frame::event(welcome));
        if connection.principal().audience() == Audience::Visitor {
            let online = self.chat.hub().roster().is_staffed(connection.principal().tenant());
            let presence = encode(&ServerFrame::Presence { author: None, online });
            let _ = self.transport.try_send(Frame::event(presence));
        }
        Ok(())
    }

    async fn own_name(&self, principal: &Principal) -> Result<Option<Text>, Error> {
        let storage = self.chat.storage();
        Ok(match *principal {
            Principal::Visitor { tenant, visitor, .. } => {
                storage.visitors().find(tenant, visitor).await?.and_then(|visitor| visitor.name)
            }
            Principal::Operator { tenant, operator, .. } => {
                storage.operators().find(tenant, &[operator]).await?.pop().map(|operator| operator.name)
            }
            Principal::System { .. } => None,
        })
    }
}
