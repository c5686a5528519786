//! A connection that says who it is, without a network.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use convor::Chat;
use convor::credentials::{TenantKey, Token};
use convor::hub::{Batch, Outlet};
use convor::ports::{Close, Transport};
use convor::session::{Entrance, Session};
use convor_tests::fixture::{PASSWORD, Tenant};
use serde_json::{Value, json};

/// A connection that says who it is.
#[derive(Debug)]
pub(crate) struct Socket {
    session: Session,
    outlet: Arc<Outlet>,
}

impl Socket {
    pub(crate) fn new(chat: &Chat) -> Self {
        let outlet = Arc::new(Outlet::new(chat.limits()));
        let session = Session::new(chat, Arc::clone(&outlet) as Arc<dyn Transport>, Entrance::default());
        Self { session, outlet }
    }

    /// Says hello.
    pub(crate) async fn hello(chat: &Chat, token: &str) -> Self {
        let mut socket = Self::new(chat);
        socket.say(json!({"type": "hello", "token": token})).await;
        socket
    }

    /// Says hello, and is welcomed.
    pub(crate) async fn welcomed(chat: &Chat, token: &str) -> Self {
        let socket = Self::hello(chat, token).await;
        assert_eq!(socket.frames()[0]["type"], "welcome");
        assert_eq!(socket.end(), None);
        socket
    }

    /// Sends a frame, and waits until it has been handled.
    pub(crate) async fn say(&mut self, frame: Value) {
        self.session.receive(&frame.to_string()).await;
    }

    /// What waits to be written.
    pub(crate) fn frames(&self) -> Vec<Value> {
        let mut batch = Vec::new();
        let next = pin!(self.outlet.next(&mut batch)).poll(&mut Context::from_waker(Waker::noop()));
        match next {
            Poll::Ready(Batch::Frames) => {
                batch.iter().map(|frame| serde_json::from_slice(&frame.text).expect("JSON")).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The codes of the refusals among what waits to be written.
    pub(crate) fn refusals(&self) -> Vec<String> {
        let frames = self.frames();
        let errors = frames.iter().filter(|frame| frame["type"] == "error");
        errors.map(|error| error["code"].as_str().expect("a code").to_owned()).collect()
    }

    /// Why it is to end, if it is.
    pub(crate) fn end(&self) -> Option<Close> {
        self.outlet.closing()
    }
}

/// Anna signs in.
pub(crate) async fn anna_signs_in(tenant: &Tenant) -> Token {
    tenant.chat.set_password(tenant.id, tenant.anna.id, PASSWORD).await.expect("a password");
    let key = TenantKey::new(tenant.id).to_string();
    let signed_in = tenant.chat.sign_in(&key, "anna@example.org", PASSWORD, None).await;
    signed_in.expect("a session").token
}
