//! Convor over HTTP and WebSocket.

mod body;
mod call;
mod credential;
mod finish;
mod gate;
mod intake;
mod origin;
mod peer;
mod problem;
mod query;
mod reply;
mod request_id;
mod routes;
mod service;
mod socket;

pub use body::Body;
pub use peer::Peer;
pub use routes::{Access, Route, routes};
pub use service::{ChatService, ChatServiceBuilder, InvalidCookieName, ResponseFuture};
