//! Waiting for what a sound system does soon, and a broken one never.

use std::time::Duration;

/// How long anything may take; a bound for a broken system, not a measure of a sound one.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long to pause between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// Looks again and again until there is something to see.
///
/// # Errors
/// If [`PATIENCE`] ends first.
pub async fn look<T>(mut probe: impl AsyncFnMut() -> Option<T>) -> Result<T, tokio::time::error::Elapsed> {
    let looking = async {
        loop {
            if let Some(seen) = probe().await {
                return seen;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await
}

/// Looks again and again until it is so.
///
/// # Panics
/// If [`PATIENCE`] ends first; `what` says what was waited for.
pub async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let seen = look(async || is().then_some(())).await;
    assert!(seen.is_ok(), "in vain waited for this: {what}");
}
