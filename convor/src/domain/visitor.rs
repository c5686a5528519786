//! A visitor: a technical record of a person on a site.

use crate::domain::{Email, Text};
use crate::ids::{SiteId, VisitorId};
use crate::time::Timestamp;

/// A person on a site, as far as the person has said. Neither an address nor a user agent is part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct Visitor {
    /// Its id.
    pub id: VisitorId,
    /// The site; the visitor's token is good there only.
    pub site: SiteId,
    /// The name that the person gave.
    pub name: Option<Text>,
    /// The address that the person gave; nobody has checked it.
    pub email: Option<Email>,
    /// When the record was made.
    pub created_at: Timestamp,
}
