//! From `hello` to `welcome`.

use std::sync::Arc;

use crate::domain::{Audience, Principal, Text};
use crate::error::Error;
use crate::hub::{Arrival, Connection};
use crate::ids::ConnectionId;
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
                self.transport.close(Close::Revoked);
                return Ok(());
            }
        };
        let authenticated = match self.chat.authenticate(&credential).await {
            Ok(Some(authenticated)) => authenticated,
            Ok(None) => {
                self.transport.close(Close::Revoked);
                return Ok(());
            }
            Err(error) => {
                // The machine is past `hello`: the client comes back with a new connection.
                self.transport.close(Close::PositionLost);
                return Err(error);
            }
        };
        if !admits(self.entrance.admits, &authenticated) {
            self.transport.close(Close::Forbidden);
            return Ok(());
        }
        self.machine.greeted(authenticated.principal);
        let welcomed = self.welcome(authenticated, resume).await;
        // A session that ended between the two looks is not on the control log that this node has yet to obey.
        let still = self.chat.authenticate(&credential).await;
        match (welcomed, still) {
            (Ok(()), Ok(Some(_))) => Ok(()),
            (Ok(()), Ok(None)) => {
                self.transport.close(Close::Revoked);
                Ok(())
            }
            (Err(error @ Error::Invalid { .. }), _) => {
                self.transport.close(Close::ProtocolError);
                Err(error)
            }
            (Err(error), _) | (Ok(()), Err(error)) => {
                self.transport.close(Close::PositionLost);
                Err(error)
            }
        }
    }

    /// Makes a recognised principal present, and brings it up to date.
    pub(super) async fn welcome(
        &mut self,
        authenticated: Authenticated,
        resume: Vec<Resume>,
    ) -> Result<(), Error> {
        if resume.len() > self.chat.limits().resume_conversations_max {
            return Err(Error::invalid("resume", "names too many conversations"));
        }
        let id: ConnectionId = self.chat.new_id();
        let connection = Connection::new(id, authenticated, Arc::clone(&self.transport));
        let arrival = self.chat.hub().roster().add(&connection, self.chat.limits());
        if arrival == Arrival::Refused {
            self.transport.close(Close::TooManyConnections);
            return Ok(());
        }
        // From here on, dropping the session takes the connection out.
        self.connection = Some(Arc::clone(&connection));
        self.chat.obey_control(authenticated.principal.tenant()).await?;
        self.greet(&connection).await?;
        self.chat.arrived(&connection, arrival);
        // A visitor hears its own conversations without asking.
        let own = match connection.principal() {
            Principal::Visitor { tenant, visitor, .. } => self.chat.conversations_of(tenant, visitor).await?,
            _ => Vec::new(),
        };
        for held in &resume {
            let start = Start::After { epoch: Some(held.epoch), after: held.after };
            match catch_up(&self.chat, &connection, held.conversation, start, None).await {
                Err(error @ Error::NotFound) => self.refuse(None, &error),
                outcome => outcome?,
            }
        }
        for conversation in own.into_iter().filter(|own| !resume.iter().any(|held| held.conversation == *own))
        {
            catch_up(&self.chat, &connection, conversation, Start::Head, None).await?;
        }
        Ok(())
    }

    async fn greet(&self, connection: &Connection) -> Result<(), Error> {
        let limits = self.chat.limits();
        let name = self.own_name(&connection.principal()).await?;
        let name = name.as_ref().map(Text::as_str);
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
