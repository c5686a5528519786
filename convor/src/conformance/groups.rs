//! The groups that an adapter may leave out, and what a run of the suite says of them.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{CASES, Harness, Outcome};
use crate::ports::Storage;
use crate::ports::storage::RecordKind;

/// Whether a store offers the group.
type Offers = fn(&dyn Storage) -> bool;

const OPTIONAL: &[(&str, Offers)] = &[
    ("accounts", |storage| storage.accounts().is_some()),
    ("search", |storage| storage.search().is_some()),
    ("uploads", |storage| storage.uploads().is_some()),
    ("transfer", |storage| storage.transfer().is_some()),
];

/// Whether the store offers the group; what is not optional is always offered.
pub(super) fn offers(storage: &dyn Storage, group: &str) -> bool {
    OPTIONAL.iter().all(|(name, offers)| *name != group || offers(storage))
}

/// Whether the store keeps records of this kind.
pub(super) fn keeps(storage: &dyn Storage, kind: RecordKind) -> bool {
    match kind {
        RecordKind::Password | RecordKind::Session => offers(storage, "accounts"),
        RecordKind::Upload | RecordKind::RemovableBlob => offers(storage, "uploads"),
        _ => true,
    }
}

/// What became of the whole suite on an adapter's stores.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "cases that failed are told, and nothing panics"]
pub struct Report {
    /// How many cases have passed.
    pub passed: usize,
    /// The cases that have failed, as `group::the_claim`; why, each has said on standard error.
    pub failed: Vec<String>,
    /// The groups that the adapter leaves out, and how many cases of each have therefore proved nothing.
    pub left_out: BTreeMap<&'static str, usize>,
}

impl Report {
    /// Runs every case, each on a fresh store, and goes on after one that fails. It blocks, as
    /// [`Case::run`](super::Case::run) does.
    pub fn of<H: Harness>(harness: &H) -> Self {
        let mut report = Self { passed: 0, failed: Vec::new(), left_out: BTreeMap::new() };
        for case in CASES {
            // Each case has a store of its own: what one leaves broken, none of the others sees.
            match catch_unwind(AssertUnwindSafe(|| case.run(harness))) {
                Ok(Outcome::Passed) => report.passed += 1,
                Ok(Outcome::Unsupported) => *report.left_out.entry(case.group).or_default() += 1,
                Err(_) => report.failed.push(case.to_string()),
            }
        }
        report
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cases passed, ", self.passed)?;
        if !self.failed.is_empty() {
            write!(f, "{} failed: {}; ", self.failed.len(), self.failed.join(", "))?;
        }
        if self.left_out.is_empty() {
            return f.write_str("nothing left out");
        }
        let groups: Vec<_> =
            self.left_out.iter().map(|(group, cases)| format!("{group} ({cases} cases)")).collect();
        write!(f, "left out: {}", groups.join(", "))
    }
}
