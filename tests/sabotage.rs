//! The suite is worth its cases: stores with a planted fault each, and the case that is aimed at it catches it.

#[path = "sabotage/fault.rs"]
mod fault;
#[path = "sabotage/storage/mod.rs"]
mod storage;

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Arc;

use convor::conformance::{CASES, Case, Harness, Outcome};
use convor::ports::Storage;

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
    for case in CASES {
        case.run(&Planted(None));
    }
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

/// Whether the case fails on a store with this fault. What it says then is for the writer of such a store: not printed.
fn fails(case: &Case, fault: Fault) -> bool {
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let result = catch_unwind(AssertUnwindSafe(|| case.run(&Planted(Some(fault)))));
    set_hook(hook);
    result.is_err()
}
