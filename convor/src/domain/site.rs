//! A site: a website of a tenant, where visitors are.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::domain::Text;
use crate::ids::SiteId;
use crate::time::Timestamp;

/// A website of a tenant, with what its widget shows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// Its name.
    pub name: Text,
    /// What stands above the conversation.
    pub title: Text,
    /// What greets a visitor who has not said anything.
    pub greeting: Text,
    /// The colour of the widget.
    pub color: Color,
    /// The origins whose pages may show the widget; compared exactly.
    pub origins: Vec<Origin>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Site {
    /// Whether a page of `origin` may speak for this site.
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        self.origins.iter().any(|allowed| allowed.as_str() == origin)
    }
}

/// A web origin (RFC 6454): scheme, host and port as a browser sends them, such as `https://www.example.org`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// Reads an origin in its serialised form; `None` for `null`, a path, user information, upper case or a default port
    /// spelt out, because no browser sends these and a comparison would never match.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, host) = text.split_once("://")?;
        let default_port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => return None,
        };
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:[]".contains(&b);
        let bounded = !host.is_empty() && text.len() <= 300;
        (bounded && host.bytes().all(allowed) && !host.ends_with(default_port)).then(|| Self(text.to_owned()))
    }

    /// The origin, as a browser sends it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A colour, `#rrggbb` in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Color(String);

impl Color {
    /// Reads a colour; `None` if `text` is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        let well_formed = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        well_formed.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The colour as `#rrggbb`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Color {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for good in
            ["https://example.org", "http://127.0.0.1:8080", "http://[::1]:3000", "https://a.b-c.example"]
        {
            assert!(Origin::parse(good).is_some(), "{good}");
        }
        for bad in [
            "null",
            "",
            "https://",
            "https://example.org/",
            "https://Example.org",
            "https://example.org:443",
            "http://example.org:80",
            "ftp://example.org",
            "https://u@example.org",
            "https://*.example.org",
        ] {
            assert!(Origin::parse(bad).is_none(), "{bad}");
        }
    }
}
