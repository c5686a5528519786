//! What many runs have come to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::run::Outcome;

/// What many runs have come to.
#[derive(Debug, Default)]
pub(crate) struct Total {
    pub(crate) violations: usize,
    runs: usize,
    simulated: Duration,
    counts: BTreeMap<&'static str, usize>,
}

impl Total {
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.violations += usize::from(outcome.violation.is_some());
        self.simulated += outcome.simulated;
        for (what, count) in &outcome.counts {
            *self.counts.entry(what).or_default() += count;
        }
    }
}

impl fmt::Display for Total {
    /// The cells of a proof.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { violations, runs, simulated, counts } = self;
        let hours = simulated.as_secs() / 3_600;
        let messages = counts.get("messages").copied().unwrap_or(0);
        let befell = counts.iter().filter(|(what, _)| **what != "messages");
        let befell: Vec<_> = befell.map(|(what, count)| format!("{what} {count}")).collect();
        write!(f, "{runs} | {hours} | {messages} | {} | {violations}", befell.join(", "))
    }
}
