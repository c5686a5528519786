//! What befalls a database, a broker or a server while people talk, and what becomes of what they have said: every message
//! that was acknowledged is stored once, in its place, everybody who follows gets it once, and nobody needs more than to try
//! again.

mod api;
mod broker;
mod database;
mod follower;
mod hop;
mod log;
mod node;
mod nodes;
mod progress;
mod report;
mod retry;
mod socket;
mod talk;
mod way;
mod writer;
