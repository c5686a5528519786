//! The core's use cases on a storage in memory, with time that stands still until it is moved.

use convor::{ports, time};

mod bounds;
mod notifications;
mod own_users;
mod snoozes;
mod stage;
#[path = "../../src/testing.rs"]
mod testing;
mod texts;
