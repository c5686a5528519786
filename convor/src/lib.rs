//! x
pub mod config;
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
#[cfg(feature = "conformance")]
pub mod conformance;

pub use config::{Limits, PageDetail, Rate};
pub use error::Error;
pub use rate::Quota;
pub use service::{Chat, ChatBuilder};
