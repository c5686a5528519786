//! The page on which a visitor is.

use std::fmt;

use crate::domain::Text;
use crate::time::Timestamp;

/// The page on which a visitor was last, as far as the tenant's policy lets it be kept.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct CurrentPage {
    /// Its address, without query and fragment unless a policy keeps them.
    pub url: Text,
    /// Its title.
    pub title: Option<Text>,
    /// When the visitor said so.
    pub at: Timestamp,
}

impl fmt::Debug for CurrentPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentPage").field("at", &self.at).finish_non_exhaustive()
    }
}
