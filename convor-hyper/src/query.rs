//! The query of a request's address.

use std::borrow::Cow;
use std::str::FromStr;

use convor::Error;
use convor::credentials::SiteKey;
use percent_encoding::percent_decode_str;

/// The keys that every route takes.
const EVERYWHERE: &[&str] = &["site"];

/// No route takes as many keys; a query with more is refused before it is looked at.
const PAIRS_MAX: usize = 16;

/// The query of a request's address: each key once.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Error> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        if query.unwrap_or_default().split('&').nth(PAIRS_MAX).is_some() {
            return Err(Error::invalid("query", "has too many keys"));
        }
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decode(key)?, decode(value)?);
            if pairs.iter().any(|(known, _)| *known == key) {
                return Err(Error::invalid("query", "has a key twice"));
            }
            pairs.push((key, value));
        }
        Ok(Self(pairs))
    }

    /// Refuses every key but these. So a credential in an address is refused too, whatever it is called.
    pub(crate) fn only(&self, keys: &[&str]) -> Result<(), Error> {
        let known = |key: &str| EVERYWHERE.contains(&key) || keys.contains(&key);
        if self.0.iter().all(|(key, _)| known(key)) {
            Ok(())
        } else {
            Err(Error::invalid("query", "has an unknown key"))
        }
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// A number, in digits and nothing else.
    pub(crate) fn number<N: FromStr>(&self, key: &'static str) -> Result<Option<N>, Error> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let parsed = if digits { text.parse().ok() } else { None };
            parsed.ok_or_else(|| Error::invalid(key, "must be a whole number"))
        };
        self.text(key).map(number).transpose()
    }

    /// The site key. What is no site key names no site.
    pub(crate) fn site(&self) -> Option<Result<SiteKey, Error>> {
        self.text("site").map(|text| SiteKey::parse(text).ok_or(Error::NotFound))
    }
}

fn decode(text: &str) -> Result<String, Error> {
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| Error::invalid("query", "is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded() {
        let query = Query::parse(Some("tag=a%20b+c&limit=10&x")).expect("a query");
        assert_eq!(query.text("tag"), Some("a b c"));
        assert_eq!(query.number::<usize>("limit").expect("a number"), Some(10));
        assert_eq!((query.text("x"), query.text("y")), (Some(""), None));
    }

    #[test]
    fn what_is_not_plain_is_refused() {
        for broken in ["a=1&a=2", "a=1&%61=2", "a=%ff", "%c3=1"] {
            assert!(Query::parse(Some(broken)).is_err(), "{broken}");
        }
        for broken in ["limit=", "limit=-1", "limit=%2B1", "limit=1e3", "limit=99999999999999999999"] {
            assert!(Query::parse(Some(broken)).expect("pairs").number::<u64>("limit").is_err(), "{broken}");
        }
    }

    #[test]
    fn s23_an_unknown_key_is_refused() {
        for (query, known) in [("token=x", false), ("access_token=x", false), ("site=x&limit=1", true)] {
            assert_eq!(Query::parse(Some(query)).expect("pairs").only(&["limit"]).is_ok(), known, "{query}");
        }
    }
}
