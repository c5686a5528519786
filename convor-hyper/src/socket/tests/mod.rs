//! Connections whose other end is the test: what they write is looked at byte by byte.

mod closes;
mod rig;
mod sweeps;
