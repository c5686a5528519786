//! Points in time, in milliseconds of UTC. The clock itself is a port: [`crate::ports::Clock`].

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z; RFC 3339 with milliseconds as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The last point in time that is used, 9999-12-30T00:00:00Z; jiff ends within the day after it.
    pub const MAX: Self = Self(253_402_128_000_000);

    /// The point `millis` milliseconds after 1970; what lies outside the years 1970–9999 is moved to their edge.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(0, Self::MAX.0))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The point `by` later.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(by))
    }

    /// How long after `earlier` this is; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => Err(fmt::Error),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let at: jiff::Timestamp =
            text.parse().map_err(|_| serde::de::Error::custom("not an RFC 3339 time"))?;
        Ok(Self::from_millis(at.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_rfc_3339_with_milliseconds() {
        let at = Timestamp::from_millis(1_772_616_600_007);
        assert_eq!(at.to_string(), "2026-03-04T09:30:00.007Z");
        assert_eq!(serde_json::to_string(&at).expect("json"), "\"2026-03-04T09:30:00.007Z\"");
        let back: Timestamp = serde_json::from_str("\"2026-03-04T10:30:00.007+01:00\"").expect("json");
        assert_eq!(back, at);
    }

    #[test]
    fn every_representable_time_has_a_text() {
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_millis(i64::MAX), Timestamp::MAX);
        assert!(Timestamp::MAX.to_string().starts_with("9999-12-30"));
    }
}
