//! Connections whose other end is the test: what they write is looked at byte by byte.

mod beats;
mod closes;
mod ends;
mod rig;
mod sweeps;
