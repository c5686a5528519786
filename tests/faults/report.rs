//! What the faults have shown.

use std::time::Duration;

use convor_tests::environment::proving;

/// How often a fault is tried.
pub(crate) fn runs() -> usize {
    if proving() { 20 } else { 1 }
}

/// What became of one talk.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Messages that were acknowledged to those who wrote them.
    pub(crate) acknowledged: usize,
    /// Messages that there are.
    pub(crate) stored: usize,
    /// Messages that came to somebody who follows, each to the operator and to its visitor.
    pub(crate) delivered: usize,
    /// Positions that are missing, in the log or to somebody who follows it.
    pub(crate) gaps: usize,
    /// Messages that are there more than once, and events that came to somebody more than once.
    pub(crate) duplicates: usize,
    /// How long it took until everybody was heard again.
    pub(crate) recovered: Duration,
}

/// What became of all talks through one fault.
#[derive(Debug)]
pub(crate) struct Report {
    section: &'static str,
    fault: String,
    outcomes: Vec<Outcome>,
}

impl Report {
    /// What befalls the database.
    pub(crate) fn of_the_database(fault: &str) -> Self {
        Self { section: "Faults of the database", fault: fault.to_owned(), outcomes: Vec::new() }
    }

    /// What befalls servers, or what connects them.
    pub(crate) fn of_nodes(fault: &str) -> Self {
        Self { section: "Faults of nodes", ..Self::of_the_database(fault) }
    }

    /// Adds a talk, in which nothing may have been lost, doubled or made up.
    pub(crate) fn add(&mut self, outcome: Outcome) {
        assert!(outcome.acknowledged > 0, "{outcome:?}");
        assert_eq!(outcome.stored, outcome.acknowledged, "{outcome:?}");
        assert_eq!(outcome.delivered, 2 * outcome.stored, "{outcome:?}");
        assert_eq!((outcome.gaps, outcome.duplicates), (0, 0), "{outcome:?}");
        self.outcomes.push(outcome);
    }

    pub(crate) fn print(mut self) {
        self.outcomes.sort_by_key(|outcome| outcome.recovered);
        let sum = |of: fn(&Outcome) -> usize| self.outcomes.iter().map(of).sum::<usize>();
        let seconds = |index: usize| format!("{:.1}", self.outcomes[index].recovered.as_secs_f64());
        let (section, runs) = (self.section, self.outcomes.len());
        println!(
            "proof-columns: {section} | fault | runs | acknowledged | stored | delivered, to two followers each | \
             gaps | duplicates | seconds to recover: median | most"
        );
        println!(
            "proof: {section} | {} | {runs} | {} | {} | {} | {} | {} | {} | {}",
            self.fault,
            sum(|outcome| outcome.acknowledged),
            sum(|outcome| outcome.stored),
            sum(|outcome| outcome.delivered),
            sum(|outcome| outcome.gaps),
            sum(|outcome| outcome.duplicates),
            seconds(runs / 2),
            seconds(runs - 1),
        );
    }
}
