//! Convor over HTTP and WebSocket: one tower service, [`ChatService`], that speaks the protocol of `docs/protocol.md`
//! in HTTP/1.1 and HTTP/2 and can be mounted anywhere.
//!
//! # In axum
//!
//! axum takes the prefix away before the service sees a path.
//!
//! ```
//! use std::sync::Arc;
//!
//! use convor::Chat;
//! use convor::domain::Origin;
//! use convor_hyper::ChatService;
//! use convor_memory::MemoryStorage;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let chat = Chat::builder(Arc::new(MemoryStorage::new())).start();
//! let dashboard = Origin::parse("https://desk.example.org").ok_or("no origin")?;
//! let service = ChatService::builder(chat).dashboard_origins([dashboard]).build();
//! let app: axum::Router = axum::Router::new().nest_service("/chat", service.clone());
//! // … serve `app`, and at the end, when the server has begun its own graceful shutdown:
//! let cut = service.drain().await;
//! assert_eq!(cut, 0);
//! # Ok(())
//! # }
//! ```
//!
//! # In plain hyper
//!
//! `hyper_util::service::TowerToHyperService` makes a hyper service of it. A server must allow upgrades, and for WebSockets
//! over HTTP/2 (RFC 8441) the extended CONNECT.
//!
//! ```
//! # use std::sync::Arc;
//! # use convor::Chat;
//! # use convor_memory::MemoryStorage;
//! use convor_hyper::ChatService;
//! use hyper_util::rt::{TokioExecutor, TokioIo};
//! use hyper_util::server::conn::auto::Builder;
//! use hyper_util::service::TowerToHyperService;
//!
//! async fn accept(listener: tokio::net::TcpListener, service: ChatService) -> std::io::Result<()> {
//!     loop {
//!         let (stream, _) = listener.accept().await?;
//!         stream.set_nodelay(true)?;
//!         let service = TowerToHyperService::new(service.clone());
//!         tokio::spawn(async move {
//!             let mut server = Builder::new(TokioExecutor::new());
//!             server.http1().timer(hyper_util::rt::TokioTimer::new());
//!             server.http2().enable_connect_protocol();
//!             let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
//!         });
//!     }
//! }
//! ```
//!
//! # What the host owes
//!
//! - **TLS**, itself or in front of it: a browser keeps the session cookie over TLS only (and on `localhost`).
//! - **The client's address**, as the extension [`Peer`] of each request. Without it the limits by address are off.
//! - **A bound for all connections**, sockets included: what counts them is the extension [`WhileConnected`].
//! - **Bounds below HTTP**: how long headers may take (hyper: `header_read_timeout`, which needs a timer), how large they
//!   may be (`max_buf_size`, `max_header_list_size`), how many connections there are.
//! - **`TCP_NODELAY`**: each frame is small and waited for.
//! - **The end**: [`ChatService::drain`] beside the server's own graceful shutdown, which does not see WebSockets.
//! - **What it knows and the chat does not**: `/readyz` says whether the storage answers and the node is not draining. That other nodes cannot
//!   be heard is the broker's to know; the reference server adds it as `degraded`, with 200, since such a node lives on rereading.
//! - **Logs**: tungstenite writes the frames that it reads to the crate `log`, at the level `trace`. A host that brings those
//!   records into its own log leaves that level of the target `tungstenite` out.
//!
//! # Without a socket
//!
//! The service can be called like any other, which is how its own tests do it:
//!
//! ```
//! # use std::sync::Arc;
//! # use convor::Chat;
//! # use convor_memory::MemoryStorage;
//! use bytes::Bytes;
//! use convor_hyper::ChatService;
//! use http_body_util::Empty;
//! use tower_service::Service;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let chat = Chat::builder(Arc::new(MemoryStorage::new())).start();
//! let mut service = ChatService::new(chat);
//! let response = service.call(http::Request::get("/healthz").body(Empty::<Bytes>::new())?).await?;
//! assert_eq!(response.status(), http::StatusCode::OK);
//! # Ok(())
//! # }
//! ```

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
pub use peer::{Peer, WhileConnected};
pub use routes::{Access, Route, routes};
pub use service::{ChatService, ChatServiceBuilder, InvalidCookieName, ResponseFuture};
