//! Whatever goes wrong around a chat, nobody misses a word, and nobody stays who may not: storages that are slow,
//! fail, or do not say what they have done; brokers that lose what they carry; nodes that come and go; clients that do
//! not wait.
//!
//! Time is the runtime's, and stands still while there is anything to do: a minute of patience costs nothing.

#[path = "trouble/background.rs"]
mod background;
#[path = "trouble/cluster.rs"]
mod cluster;
#[path = "trouble/deadlines.rs"]
mod deadlines;
#[path = "trouble/hearing.rs"]
mod hearing;
#[path = "trouble/inbox.rs"]
mod inbox;
#[path = "trouble/load.rs"]
mod load;
#[path = "trouble/opening.rs"]
mod opening;
#[path = "trouble/presence.rs"]
mod presence;
#[path = "trouble/revocation.rs"]
mod revocation;
#[path = "trouble/shedding.rs"]
mod shedding;
#[path = "trouble/socket.rs"]
mod socket;
#[path = "trouble/subscriptions.rs"]
mod subscriptions;
#[path = "trouble/told.rs"]
mod told;
#[path = "trouble/unknown_outcome.rs"]
mod unknown_outcome;
#[path = "trouble/world.rs"]
mod world;
