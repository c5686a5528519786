//! What a test gets from whoever runs it.

use std::path::PathBuf;

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

/// A path of the checkout, given relative to its root.
#[must_use]
pub fn checkout(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .with_file_name("")
        .join(relative)
}
