//! x
pub mod credentials;
pub mod domain;
pub mod error;
pub mod ids;
pub mod ports;
#[cfg(test)]
mod testing;
pub mod time;
pub mod hub { #[derive(Debug)] pub struct Outlet; }
