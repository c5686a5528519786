//! What has happened since an order was given.

use std::collections::BTreeMap;

use anyhow::Result;
use hdrhistogram::Histogram;

use super::plan::{Back, Report};
use crate::plan::{Latency, Tally};

#[derive(Debug)]
pub(super) struct Count {
    pub(super) began: u64,
    /// From when, and until when posts are no longer made: what is acknowledged earlier or later is no goodput.
    pub(super) steady: (u64, u64),
    pub(super) offered: u64,
    pub(super) held_back: u64,
    pub(super) unmade: u64,
    acknowledged: u64,
    in_time: u64,
    deliveries: u64,
    pub(super) frame_bytes: usize,
    last_at: u64,
    pub(super) refused: BTreeMap<String, u64>,
    pub(super) untold: u64,
    pub(super) missing: u64,
    pub(super) doubled: u64,
    pub(super) closed: u64,
    pub(super) storm: Option<Storm>,
    delivery: Histogram<u64>,
    acknowledgement: Histogram<u64>,
}

/// What becomes of those that are cut.
#[derive(Debug)]
pub(super) struct Storm {
    /// When they may come back.
    pub(super) back_at: u64,
    /// When each member was welcomed, and up to where it then lacks something, and when it lacked nothing any more.
    pub(super) arrivals: Vec<Arrival>,
    pub(super) turned_away: BTreeMap<String, u64>,
    pub(super) resumed: u64,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Arrival {
    pub(super) welcomed: Option<u64>,
    pub(super) owed: Option<usize>,
    pub(super) complete: Option<u64>,
}

impl Count {
    pub(super) fn new(began: u64) -> Result<Self> {
        // From a microsecond to a minute, in nanoseconds, to a thousandth.
        let histogram = Histogram::new_with_bounds(1_000, 60_000_000_000, 3)?;
        Ok(Self {
            began,
            steady: (began, u64::MAX),
            offered: 0,
            held_back: 0,
            unmade: 0,
            acknowledged: 0,
            in_time: 0,
            deliveries: 0,
            frame_bytes: 0,
            last_at: began,
            refused: BTreeMap::new(),
            untold: 0,
            missing: 0,
            doubled: 0,
            closed: 0,
            storm: None,
            delivery: histogram.clone(),
            acknowledgement: histogram,
        })
    }

    pub(super) fn acknowledged(&mut self, posted_at: u64, now: u64) {
        self.acknowledged += 1;
        self.in_time += u64::from(self.steady.0 <= now && now <= self.steady.1);
        self.last_at = now;
        self.acknowledgement.saturating_record(now.saturating_sub(posted_at));
    }

    /// Somebody has heard a post; one that was away when it was posted is late for a reason of its own.
    pub(super) fn delivered(&mut self, member: usize, posted_at: u64, now: u64) {
        self.deliveries += 1;
        self.last_at = now;
        let arrival = self.storm.as_mut().and_then(|storm| {
            let arrival = storm.arrivals[member];
            let was_away = arrival.welcomed.is_some_and(|welcomed| posted_at < welcomed);
            storm.resumed += u64::from(was_away);
            was_away.then_some(arrival)
        });
        if arrival.is_none() {
            self.delivery.saturating_record(now.saturating_sub(posted_at));
        }
    }

    pub(super) fn refused(&mut self, code: String, is_told: bool) {
        *self.refused.entry(code).or_default() += 1;
        self.untold += u64::from(!is_told);
    }

    pub(super) fn report(self, posted_until: u64, unanswered: u64) -> Report {
        let latency = |histogram: &Histogram<u64>| {
            let micros = |quantile| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
            Latency { p50: micros(0.5), p99: micros(0.99), max: micros(1.0) }
        };
        let (from, until) = (self.steady.0, self.steady.1.min(posted_until));
        Report {
            tally: Tally {
                posts: self.acknowledged,
                deliveries: self.deliveries,
                seconds: self.last_at.saturating_sub(self.began) as f64 / 1e9,
                frame_bytes: self.frame_bytes,
                delivery: latency(&self.delivery),
                acknowledgement: latency(&self.acknowledgement),
            },
            offered: self.offered,
            held_back: self.held_back,
            unmade: self.unmade,
            goodput: self.in_time as f64 * 1e9 / until.saturating_sub(from) as f64,
            refused: self.refused,
            untold: self.untold,
            unanswered,
            missing: self.missing,
            doubled: self.doubled,
            closed: self.closed,
            back: self.storm.map(Storm::back),
        }
    }
}

impl Storm {
    fn back(self) -> Back {
        let since = |at: Option<u64>| at.unwrap_or_default().saturating_sub(self.back_at) as f64 / 1e9;
        let complete = self.arrivals.iter().filter_map(|arrival| arrival.complete);
        Back {
            clients: 0,
            complete: complete.clone().count(),
            welcomed: since(self.arrivals.iter().filter_map(|arrival| arrival.welcomed).max()),
            seconds: since(complete.max()),
            turned_away: self.turned_away,
            resumed: self.resumed,
        }
    }
}
