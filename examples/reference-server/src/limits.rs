//! Other bounds than the defaults, as a file says them.
//!
//! The file is TOML, each key a field of [`Limits`]: numbers as they are, durations as `"500ms"`, `"10s"`, `"5m"`, `"12h"` or
//! `"30d"`, rates as `{ per_minute = 120, burst = 40 }` or `"unlimited"`. What is not named keeps its default.

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use convor::{Limits, Rate};
use serde::Deserialize;

/// The bounds of a file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Limits> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("the limits in {} are not usable", path.display()))
}

fn parse(text: &str) -> Result<Limits, toml::de::Error> {
    let mut limits = Limits::default();
    toml::from_str::<Given>(text)?.apply(&mut limits);
    Ok(limits)
}

/// Only fields that are listed here can be set, since nobody but the core can make `Limits` from its fields.
macro_rules! fields {
    ($($field:ident: $kind:ty,)*) => {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Given {
            $($field: Option<$kind>,)*
        }

        impl Given {
            fn apply(self, limits: &mut Limits) {
                $(if let Some(given) = self.$field {
                    limits.$field = given.into();
                })*
            }
        }

        #[cfg(test)]
        const FIELDS: &[&str] = &[$(stringify!($field),)*];
    };
}

fields! {
    text_chars_max: Count,
    subject_chars_max: Count,
    name_chars_max: Count,
    tag_chars_max: Count,
    tags_max: CountOrNone,
    title_chars_max: Count,
    url_chars_max: Count,
    snooze_max: Span,
    page_default: Count,
    page_max: Count,
    search_chars_max: Count,
    search_batch_max: Count,
    search_indexed_max: CountOrNone,
    body_bytes_max: Count,
    frame_bytes_max: Count,
    body_timeout: Span,
    queue_frames_max: Count,
    queue_bytes_max: Count,
    queue_droppable_max: CountOrNone,
    subscriptions_max: Count,
    resume_conversations_max: Count,
    resume_events_max: u64,
    visitor_conversations_max: Count,
    connections_per_principal_max: Count,
    connections_per_tenant_max: Count,
    connections_per_address_max: Count,
    connections_pending_per_address_max: Count,
    hello_timeout: Span,
    heartbeat: Span,
    pong_timeout: Span,
    write_timeout: Span,
    withdrawn_timeout: Span,
    drain_timeout: Span,
    control_lag_max: Span,
    storage_timeout: Span,
    readiness_timeout: Span,
    work_max: Count,
    work_per_tenant_max: Count,
    work_of_strangers_max: Count,
    work_of_strangers_per_tenant_max: Count,
    arrival_reads_max: Count,
    arrival_reads_per_tenant_max: Count,
    arrivals_waiting_max: CountOrNone,
    arrivals_waiting_per_tenant_max: CountOrNone,
    connections: Pace,
    requests: Pace,
    messages: Pace,
    requests_per_tenant: Pace,
    messages_per_tenant: Pace,
    registrations: Pace,
    sign_ins: Pace,
    sign_ins_per_account: Pace,
    sign_ins_per_address: Pace,
    rate_keys_max: Count,
    password_chars_min: CountOrNone,
    password_chars_max: Count,
    password_hashes_parallel_max: Count,
    password_hashes_waiting_max: CountOrNone,
    password_hashes_per_tenant_max: Count,
    session_lifetime: Span,
    tenants_cached_max: Count,
    background_batch_max: Count,
    notification_lease: Span,
    notification_timeout: Span,
    notifications_claimed_max: Count,
    rereads_max: Count,
    rereads_per_tenant_max: Count,
    control_reads_max: Count,
    control_heads_max: Count,
    signals_told_max: Count,
    signals_waiting_max: Count,
    signals_waiting_bytes_max: Count,
    told_bytes_max: CountOrNone,
    presence_lease: Span,
}

/// A number of things of which there must be some, or nothing would go on. What does not fit here is no bound.
#[derive(Debug, Deserialize)]
#[serde(try_from = "u32")]
struct Count(NonZeroU32);

impl TryFrom<u32> for Count {
    type Error = &'static str;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        NonZeroU32::new(number).map(Self).ok_or("0 would let nothing happen: it must be 1 or more")
    }
}

impl From<Count> for usize {
    fn from(count: Count) -> Self {
        Self::try_from(count.0.get()).unwrap_or(Self::MAX)
    }
}

/// A number of things, or none of them.
#[derive(Debug, Deserialize)]
struct CountOrNone(u32);

impl From<CountOrNone> for usize {
    fn from(count: CountOrNone) -> Self {
        Self::try_from(count.0).unwrap_or(Self::MAX)
    }
}

/// A duration with its unit, and not none: what repeats would never do anything else.
#[derive(Debug, Deserialize)]
#[serde(try_from = "toml::Value")]
struct Span(Duration);

impl TryFrom<toml::Value> for Span {
    type Error = &'static str;

    fn try_from(value: toml::Value) -> Result<Self, Self::Error> {
        const WRONG: &str =
            "a duration is a whole number above 0 and a unit: \"500ms\", \"10s\", \"5m\", \"12h\", \"30d\"";
        let text = value.as_str().ok_or(WRONG)?;
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or(WRONG)?;
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| WRONG)?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(WRONG),
        };
        let millis = number.checked_mul(millis).filter(|millis| *millis > 0).ok_or(WRONG)?;
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

/// A rate, or none.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a rate is `{ per_minute = NUMBER, burst = NUMBER }`, both 1 or more, or \"unlimited\""
)]
enum Pace {
    Limited(Limited),
    Unlimited(Unlimited),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limited {
    per_minute: NonZeroU32,
    burst: NonZeroU32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Unlimited {
    Unlimited,
}

impl From<Pace> for Rate {
    fn from(pace: Pace) -> Self {
        match pace {
            Pace::Limited(Limited { per_minute, burst }) => Self::per_minute(per_minute.get(), burst.get()),
            Pace::Unlimited(Unlimited::Unlimited) => Self::UNLIMITED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of a default differs once a file has been read.
    fn changed(text: &str) -> Vec<String> {
        let (before, after) = (shown(&Limits::default()), shown(&parse(text).expect("limits")));
        after.lines().filter(|line| !before.lines().any(|other| other == *line)).map(str::to_owned).collect()
    }

    /// One field a line.
    fn shown(limits: &Limits) -> String {
        format!("{limits:#?}").replace(",\n        ", ", ").replace("{\n        ", "{ ")
    }

    fn refusal(text: &str) -> String {
        parse(text).expect_err("it is refused").to_string()
    }

    #[test]
    fn every_field_of_the_limits_can_be_set() {
        let fields: Vec<_> = shown(&Limits::default())
            .lines()
            .filter(|line| line.starts_with("    ") && !line.starts_with("     ") && line.contains(':'))
            .filter_map(|line| line.trim().split(':').next().map(str::to_owned))
            .collect();
        assert_eq!(FIELDS, fields);
    }

    #[test]
    fn what_a_file_names_is_set_and_nothing_else() {
        assert!(changed("").is_empty());
        assert_eq!(changed("queue_frames_max = 7"), ["    queue_frames_max: 7,"]);
        assert_eq!(changed("hello_timeout = '500ms'"), ["    hello_timeout: 500ms,"]);
        assert_eq!(changed("session_lifetime = '30d'"), ["    session_lifetime: 2592000s,"]);
        let limits =
            parse("messages = { per_minute = 6, burst = 3 }\nrequests = 'unlimited'").expect("limits");
        assert_eq!((limits.messages, limits.requests), (Rate::per_minute(6, 3), Rate::UNLIMITED));
        assert_eq!(limits.connections, Limits::default().connections);
    }

    #[test]
    fn an_unknown_name_is_refused_with_its_place() {
        let said = refusal("page_max = 10\nqueue_frame_max = 7");
        assert!(said.contains("line 2") && said.contains("unknown field `queue_frame_max`"), "{said}");
    }

    #[test]
    fn a_value_of_the_wrong_shape_is_refused_with_the_right_one() {
        for duration in
            ["10", "'10'", "'0s'", "'s'", "'1.5s'", "'-1s'", "'10 s'", "'10 minutes'", "'9999999999999999d'"]
        {
            let said = refusal(&format!("heartbeat = {duration}"));
            assert!(said.contains("\"500ms\""), "{said}");
        }
        for rate in [
            "120",
            "'always'",
            "{ per_minute = 6 }",
            "{ per_minute = 6, burst = 3, per_hour = 9 }",
            "{ per_minute = 0, burst = 3 }",
            "{ per_minute = 6, burst = 0 }",
        ] {
            let said = refusal(&format!("messages = {rate}"));
            assert!(said.contains("per_minute = NUMBER"), "{said}");
        }
        refusal("page_max = -1");
        refusal("page_max = '10'");
        refusal("signals_told_max = 9000000000000000000");
    }

    #[test]
    fn none_is_refused_where_nothing_would_go_on() {
        for field in ["queue_frames_max", "work_max", "text_chars_max", "connections_per_tenant_max"] {
            let said = refusal(&format!("{field} = 0"));
            assert!(said.contains(field) && said.contains("1 or more"), "{said}");
        }
        assert_eq!(changed("tags_max = 0"), ["    tags_max: 0,"]);
    }
}
