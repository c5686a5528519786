//! What befalls a database while people talk, and what becomes of what they have said: every message that was
//! acknowledged is stored once, in its place, and nobody needs more than to try again.

mod api;
mod database;
mod follower;
mod nodes;
mod report;
mod retry;
mod socket;
mod talk;
mod writer;
