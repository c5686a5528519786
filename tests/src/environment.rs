//! What a test gets from whoever runs it.

use std::path::{Path, PathBuf};

/// The path that a variable names.
///
/// # Panics
/// If it is not set: such a test cannot run, and must not pass.
#[must_use]
pub fn provided(variable: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => path.into(),
        None => panic!("{variable} is not set: run `cargo xtask test`, which provides it"),
    }
}

/// Whether the tests are run with their full counts, as proofs.
#[must_use]
pub fn proving() -> bool {
    std::env::var_os("CONVOR_PROVE").is_some()
}

/// A folder among what is built, which no commit contains.
///
/// # Panics
/// If it cannot be made.
#[must_use]
pub fn built(folder: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target").join(folder);
    std::fs::create_dir_all(&path).expect("a folder");
    path
}
