//! The whole system in one process, in simulated time, over a network, a broker and a storage that fail as a seed says:
//! nodes behind the real HTTP service, and clients that speak the real protocol. A checker takes what is seen.
//!
//! A run follows from its seed: time, latencies, faults and what people do. What a call of the storage or a signal meets is
//! decided by the seed, the time and what it is, so that it does not depend on what else happens in the same millisecond. One
//! thing does not follow: the order in which the standard library's hash maps are walked, and so the order of what a node does in one
//! millisecond. `CONVOR_SEED=17` runs one seed, some times over.

mod bug;
mod checker;
mod client;
mod clock;
mod dice;
mod faults;
mod found;
mod life;
mod network;
mod node;
mod panics;
mod run;
mod seeds;
mod storage;
mod total;
mod uplink;
mod watcher;
mod world;
