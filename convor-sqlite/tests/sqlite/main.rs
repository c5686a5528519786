//! What holds of a file beyond the contracts: who may open it, what a killed process leaves, and what is left of what was erased.

mod batches;
mod erasure;
mod files;
#[path = "../folder/mod.rs"]
mod folder;
#[cfg(unix)]
mod killed;
mod support;
mod transfers;
