//! What people typed. It is bounded and free of NUL, and never shows in `Debug`.

use std::fmt;

use serde::{Serialize, Serializer};

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidText {
    /// It is empty, or holds nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// It is longer than its bound, in characters.
    #[error("is longer than {0} characters")]
    TooLong(usize),
    /// It holds NUL, or another character that has no place there.
    #[error("holds a character that is not allowed")]
    Forbidden,
    /// It is no e-mail address.
    #[error("is not an e-mail address")]
    NotAnAddress,
}

/// A text that somebody typed: not empty, within its bound, without NUL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

impl Text {
    /// Several lines of prose of at most `chars_max` characters.
    ///
    /// # Errors
    /// [`InvalidText`] if it is blank, too long or holds NUL.
    pub fn prose(text: &str, chars_max: usize) -> Result<Self, InvalidText> {
        Self::checked(text, chars_max, |c| c == '\0')
    }

    /// One line, such as a name: no control characters, no white space around it.
    ///
    /// # Errors
    /// [`InvalidText`] if it is blank, too long or holds a control character.
    pub fn line(text: &str, chars_max: usize) -> Result<Self, InvalidText> {
        Self::checked(text.trim(), chars_max, char::is_control)
    }

    fn checked(text: &str, chars_max: usize, forbidden: fn(char) -> bool) -> Result<Self, InvalidText> {
        if text.trim().is_empty() {
            return Err(InvalidText::Empty);
        }
        if text.chars().nth(chars_max).is_some() {
            return Err(InvalidText::TooLong(chars_max));
        }
        if text.contains(forbidden) {
            return Err(InvalidText::Forbidden);
        }
        Ok(Self(text.to_owned()))
    }

    /// A text that a storage has kept, as it was.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(…)")
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// An e-mail address, in lower case so that it can be looked up.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Reads an address of at most 254 characters (RFC 5321, 4.5.3.1.3). Only its shape is checked: whether somebody
    /// reads it, a message to it must show.
    ///
    /// # Errors
    /// [`InvalidText`] if it is not one.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        let line = Text::line(text, 254)?;
        let (local, domain) = line.as_str().rsplit_once('@').ok_or(InvalidText::NotAnAddress)?;
        let clean = |part: &str| !part.is_empty() && !part.contains([' ', '<', '>', ',', ';', '"', '@']);
        let dots = !domain.starts_with('.') && !domain.ends_with('.') && !domain.contains("..");
        if clean(local) && clean(domain) && dots {
            Ok(Self(line.as_str().to_lowercase()))
        } else {
            Err(InvalidText::NotAnAddress)
        }
    }

    /// An address that a storage has kept, as it was.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The address itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

impl Serialize for Email {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s35_nul_and_line_breaks_have_their_places() {
        assert_eq!(Text::prose("a\0b", 10), Err(InvalidText::Forbidden));
        assert!(Text::prose("a\r\nb", 10).is_ok());
        assert_eq!(Text::line("a\r\nb", 10), Err(InvalidText::Forbidden));
    }

    #[test]
    fn bounds_are_in_characters() {
        assert!(Text::prose(&"ß".repeat(10), 10).is_ok());
        assert_eq!(Text::prose(&"ß".repeat(11), 10), Err(InvalidText::TooLong(10)));
        assert_eq!(Text::prose(" \n ", 10), Err(InvalidText::Empty));
    }

    #[test]
    fn content_hides_from_debug() {
        let text = Text::prose("canary", 10).expect("a text");
        let email = Email::parse("canary@example.org").expect("an address");
        assert!(!format!("{text:?}{email:?}").contains("canary"));
    }

    #[test]
    fn an_address_has_a_local_part_and_a_domain() {
        assert_eq!(Email::parse(" Ann@Example.ORG ").expect("an address").as_str(), "ann@example.org");
        for broken in ["", "a", "@b", "a@", "a@.b", "a@b..c", "a b@c", "a@b@c", "a@b\r\nBcc: c"] {
            assert!(Email::parse(broken).is_err(), "{broken}");
        }
    }
}
