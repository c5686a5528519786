//! The suite is worth its cases: stores with a planted fault each, and the case that is aimed at it catches it.

#[path = "sabotage/bare.rs"]
mod bare;
#[path = "sabotage/fault.rs"]
mod fault;
#[path = "sabotage/storage/mod.rs"]
mod storage;

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Mutex};

use convor::conformance::{CASES, Case, Harness, Outcome, Report};
use convor::ports::Storage;

use bare::Bare;
use fault::{Fault, PLANTED};
use storage::Sabotaged;

/// Fresh stores with this fault, or sound ones behind the same decorator.
struct Planted(Option<Fault>);

impl Harness for Planted {
    type Guard = ();

    async fn fresh(&self) -> (Arc<dyn Storage>, ()) {
        (Arc::new(Sabotaged::new(self.0)), ())
    }
}

/// Without a fault the decorator hands everything on, so that what is caught below is the fault and nothing else.
#[test]
fn a_sound_store_passes_every_case() {
    let report = Report::of(&Planted(None));
    assert!(report.left_out.is_empty(), "no fault can be planted in what is left out: {report}");
    assert_eq!(report.passed, CASES.len());
}

/// A store that leaves groups out passes the rest, and is told which they are and how much of the suite they were.
#[test]
fn what_a_store_leaves_out_is_counted() {
    let report = Report::of(&Bare);
    let groups: Vec<_> = report.left_out.keys().copied().collect();
    assert_eq!(groups, ["accounts", "search", "transfer", "uploads"]);
    for (group, cases) in &report.left_out {
        assert_eq!(*cases, CASES.iter().filter(|case| case.group == *group).count());
    }
    let left_out: usize = report.left_out.values().sum();
    assert_eq!(report.passed + left_out, CASES.len(), "{report}");
}

#[test]
fn every_planted_fault_is_caught_by_the_case_aimed_at_it() {
    println!("proof-columns: Sabotage | planted fault | caught by");
    for planted in PLANTED {
        let case = Case::named(planted.group, planted.case).expect("a fault aims at a case that there is");
        if case.run(&Planted(None)) == Outcome::Unsupported {
            println!("unsupported: {case}");
            continue;
        }
        assert!(fails(case, planted.fault), "`{case}` does not catch a store that {}", planted.name);
        println!("proof: Sabotage | {} | {case}", planted.name);
    }
}

/// Whether claims of the suite's fail on a store with this fault, and nothing else does: neither the decorator, nor what
/// a case stands on, which says so where a storage fails that must not. What is said then is for the writer of such a
/// store: not printed.
fn fails(case: &Case, fault: Fault) -> bool {
    let places = Arc::new(Mutex::new(Vec::new()));
    let hook = take_hook();
    let seen = Arc::clone(&places);
    set_hook(Box::new(move |panic| {
        let place = panic.location().map(|place| place.file().to_owned());
        seen.lock().expect("nobody panics with it").extend(place);
    }));
    let result = catch_unwind(AssertUnwindSafe(|| case.run(&Planted(Some(fault)))));
    set_hook(hook);
    let is_claim = |place: &String| place.contains("/conformance/") && !place.ends_with("/world.rs");
    let places = places.lock().expect("nobody panics with it");
    result.is_err() && !places.is_empty() && places.iter().all(is_claim)
}
