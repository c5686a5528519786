//! What the tests of the whole share: a chat with two tenants, people in it, and the frames they see; and for the tests
//! from outside a server, what lies between it and its users, and browsers.

#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a fixture that fails is a failed test")]

pub mod browser;
pub mod dashboard;
pub mod database;
pub mod dialogue;
pub mod driver;
pub mod ear;
pub mod environment;
pub mod fixture;
pub mod folder;
pub mod hooked;
pub mod host;
pub mod line;
pub mod nats;
pub mod patience;
pub mod person;
pub mod place;
pub mod postgres;
pub mod proxy;
pub mod recording;
pub mod server;
pub mod stage;
pub mod tenant_check;
pub mod widget;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[derive(Debug)]
pub struct Readme;
