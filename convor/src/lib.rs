//! Convor is live chat for your own application: visitors of a website talk to the operators of the organisation behind
//! it. This crate is the core: the domain, the ports that adapters implement, the wire protocol, sessions, fan-out and
//! the use cases. It does no I/O of its own. `convor-memory` keeps everything in memory and connects within the
//! process; `convor-hyper` speaks HTTP and WebSocket.
//!
//! ```
//! # #[cfg(feature = "system")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use convor::credentials::SiteKey;
//! use convor::domain::Principal;
//! use convor::protocol::OpenRequest;
//! use convor::service::NewSite;
//! use convor::Chat;
//! use convor_memory::{InProcess, MemoryStorage};
//!
//! let chat = Chat::builder(Arc::new(MemoryStorage::new())).start();
//! let tenant = chat.create_tenant("Acme", "eu").await?;
//! let origins = ["https://www.acme.example"];
//! let site = NewSite { name: "Shop", title: "Talk to us", greeting: "Hello!", color: "#0b6e4f", origins: &origins };
//! let site = chat.create_site(tenant, site).await?;
//!
//! let (visitor, _token) = chat.register_visitor(&SiteKey::new(tenant, site.id), None).await?;
//! let visitor = Principal::visitor(tenant, site.id, visitor.id);
//! let mut client = InProcess::new(&chat).connect(visitor).await?;
//! let request = r#"{"client_id": "01890a5d-ac96-774b-bcce-b302099a8057",
//!     "first_message": {"client_id": "01890a5d-ac96-774b-bcce-b302099a8058", "text": "Is this seat taken?"}}"#;
//! chat.open(&visitor, convor::protocol::decode_body::<OpenRequest>(request.as_bytes())?).await?;
//! loop {
//!     let frame = client.next().await.map_err(|close| close.reason())?;
//!     if frame.starts_with(br#"{"type":"event""#) {
//!         break assert!(String::from_utf8_lossy(&frame).contains("Is this seat taken?"));
//!     }
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "system"))]
//! # fn main() {}
//! ```
//!
//! # Invariants
//!
//! **Every repository method takes a [`TenantId`](ids::TenantId) first.** No method reads across tenants, not even to find a token or a site:
//! keys and tokens carry their tenant's id. The one exception, [`TenantRegistry`](ports::storage::TenantRegistry), holds
//! no personal data. Use cases take a [`Principal`](domain::Principal), whose tenant comes from a verified credential.
//! *Proven by the conformance group `isolation` and `tests/isolation.rs`.*
//!
//! **Ack is commit.** Nothing is acknowledged or fanned out before the storage has committed. *Proven by
//! `acks_before_commit` in `tests/sabotage.rs`.*
//!
//! **Positions are gapless, for each conversation and audience**, and allotted in the transaction that stores the change.
//! Staff and visitor have a numbering each, so that a hidden note leaves no hole. *Proven by the conformance group
//! `order` and `a_note_leaves_no_trace_with_the_visitor` in `tests/journeys.rs`.*
//!
//! **Everything is bounded.** Every bound is a field of [`Limits`], and meeting it has a defined answer. *Proven by the
//! conformance group `bounds`, `hub::outlet` and `tests/bad_input.rs`.*
//!
//! **Collect less.** What no policy names is not stored: no addresses, no user agents, no page without
//! [`PageDetail`]. *Proven by `query_fragment_and_credentials_are_not_kept` and `s42` in `tests/browser.rs`.*
//!
//! **No content in logs, errors, `Debug` output or audit entries.** *Proven by `content_hides_from_debug` and `s52` in
//! `tests/isolation.rs`.*
//!
//! **The core does no I/O of its own.** Time and randomness come through [`Clock`](ports::Clock) and
//! [`Entropy`](ports::Entropy). *Proven by the lint `clippy::disallowed_methods`, see `clippy.toml`.*
//!
//! # One way through the house
//!
//! Bytes → [`protocol`] → [`session`] → [`service`] → storage commit → [`hub`] (this node) and
//! [`Broker`](ports::Broker) (other nodes) → [`Outlet`](hub::Outlet) → bytes. Nothing calls backwards.
//!
//! # Features
//!
//! None is on by default. `system`: the clock and the generator of the operating system. `accounts`: operators' own
//! passwords and sessions. `conformance`: the suite that any storage adapter runs.

pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod credentials;
pub mod domain;
pub mod error;
pub mod hub;
pub mod ids;
pub mod ports;
pub mod protocol;
mod rate;
pub mod service;
pub mod session;
#[cfg(test)]
mod testing;
pub mod time;
pub mod transfer;

pub use async_trait::async_trait;

pub use config::{Limits, PageDetail, Rate};
pub use error::Error;
pub use rate::{Quota, network};
pub use service::{Chat, ChatBuilder};
