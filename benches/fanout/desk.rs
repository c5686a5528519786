//! An organisation on a Convor server, as its people see it: an operator who signs in, visitors who come and open
//! conversations. All of it over HTTP, like any client.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::crowd::plan as crowd;
use crate::http;
use crate::plan::{Acknowledged, Member, Plan, Room};
use crate::probe::Probe;

/// How many conversations a visitor opens at most (`Limits::visitor_conversations_max`).
const CONVERSATIONS: usize = 100;

/// Where an organisation is, and who signs in.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) address: SocketAddr,
    /// The path under which the server has mounted Convor.
    pub(crate) prefix: String,
    pub(crate) site_key: String,
    pub(crate) tenant_key: String,
    pub(crate) email: String,
    pub(crate) password: String,
}

/// An organisation with an operator who has signed in.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    address: SocketAddr,
    prefix: String,
    site_key: String,
    operator_token: String,
}

/// Somebody who has come to a site.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    token: String,
}

impl Desk {
    pub(crate) fn sign_in(as_whom: &Credentials) -> Result<Self> {
        let Credentials { address, prefix, site_key, tenant_key, email, password } = as_whom.clone();
        let body = json!({"tenant": tenant_key, "email": email, "password": password});
        let answer = http::post(address, &format!("{prefix}/v1/sessions"), None, &body)?;
        let operator_token = text(&answer, "/token")?;
        Ok(Self { address, prefix, site_key, operator_token })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks from now on whether the server lives.
    pub(crate) fn probe(&self) -> Probe {
        Probe::start(self.address, format!("{}/healthz", self.prefix))
    }

    pub(crate) fn visitor(&self) -> Result<Visitor> {
        let body = json!({"site": self.site_key});
        let answer = http::post(self.address, &format!("{}/v1/visitors", self.prefix), None, &body)?;
        Ok(Visitor { token: text(&answer, "/token")? })
    }

    /// Opens the visitor's conversation of this number, and says its id.
    pub(crate) fn open(&self, visitor: &Visitor, number: usize) -> Result<String> {
        text(&self.opened(visitor, number)?, "/conversation/id")
    }

    /// Opens the visitor's conversation of this number, in which that member of a crowd posts.
    pub(crate) fn conversation(
        &self,
        visitor: &Visitor,
        number: usize,
        poster: usize,
    ) -> Result<crowd::Conversation> {
        let answer = self.opened(visitor, number)?;
        let count = |pointer: &str| {
            let count = answer.pointer(pointer).and_then(Value::as_u64);
            count.with_context(|| format!("an answer lacks {pointer}"))
        };
        let (epoch, seq) = (count("/conversation/epoch")?, count("/conversation/seq")?);
        Ok(crowd::Conversation { id: text(&answer, "/conversation/id")?, epoch, seq, poster })
    }

    fn opened(&self, visitor: &Visitor, number: usize) -> Result<Value> {
        let id = |kind: usize| format!("{kind:08x}-0000-4000-8000-{number:012x}");
        let first = json!({"client_id": id(1), "text": "Is this the one with the leather saddle?"});
        let body = json!({"client_id": id(0), "first_message": first});
        let path = format!("{}/v1/conversations", self.prefix);
        http::post(self.address, &path, Some(&visitor.token), &body)
    }

    /// A member of a crowd: the visitor,
    pub(crate) fn guest(&self, visitor: &Visitor, hears: Option<usize>) -> crowd::Member {
        crowd::Member { token: visitor.token.clone(), hears, is_staff: false, is_cut: false }
    }

    /// or the operator, with one more connection.
    pub(crate) fn staff(&self, hears: Option<usize>) -> crowd::Member {
        crowd::Member { token: self.operator_token.clone(), hears, is_staff: true, is_cut: false }
    }

    /// A crowd of these.
    pub(crate) fn crowd(
        &self,
        members: Vec<crowd::Member>,
        conversations: Vec<crowd::Conversation>,
    ) -> crowd::Crowd {
        crowd::Crowd {
            address: self.address,
            path: format!("{}/v1/socket", self.prefix),
            members,
            conversations,
        }
    }

    /// So many conversations in which nothing happens any more.
    pub(crate) fn leave_idle(&self, conversations: usize) -> Result<()> {
        for begun in (0..conversations).step_by(CONVERSATIONS) {
            let visitor = self.visitor()?;
            for number in begun..conversations.min(begun + CONVERSATIONS) {
                self.open(&visitor, number)?;
            }
        }
        Ok(())
    }

    /// One room with so many subscribers.
    pub(crate) fn plan(&self, subscribers: usize) -> Result<Plan> {
        Ok(Plan { address: self.address, payload_bytes: 0, rooms: vec![self.room(subscribers)?] })
    }

    /// A new visitor with a conversation, and an operator who listens with so many connections.
    pub(crate) fn room(&self, subscribers: usize) -> Result<Room> {
        let visitor = self.visitor()?;
        let member = Member {
            conversation: self.open(&visitor, 0)?,
            visitor_token: visitor.token,
            operator_token: self.operator_token.clone(),
        };
        Ok(Room {
            path: format!("{}/v1/socket", self.prefix),
            subscribers,
            acknowledged: Acknowledged::Frame,
            member: Some(member),
        })
    }
}

fn text(answer: &Value, pointer: &str) -> Result<String> {
    let text = answer.pointer(pointer).and_then(Value::as_str);
    text.map(str::to_owned).with_context(|| format!("an answer lacks {pointer}"))
}
