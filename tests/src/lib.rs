//! What the tests of the whole share: a chat with two tenants, people in it, and the frames they see.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a fixture that fails is a failed test"
)]

pub mod fixture;
pub mod person;
