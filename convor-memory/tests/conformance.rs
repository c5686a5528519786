//! The memory storage keeps every contract.

use std::sync::Arc;

use convor::conformance::{Harness, Report};
use convor::ports::Storage;
use convor_memory::MemoryStorage;

struct Memory;

impl Harness for Memory {
    type Guard = ();

    async fn fresh(&self) -> (Arc<dyn Storage>, ()) {
        (Arc::new(MemoryStorage::new()), ())
    }
}

convor::storage_conformance!(Memory);

/// The cases once more, counted: what a proof says of them.
#[test]
fn the_whole_suite_is_counted() {
    if std::env::var_os("CONVOR_PROVE").is_none() {
        return;
    }
    let report = Report::of(&Memory);
    assert!(report.failed.is_empty(), "{report}");
    println!("proof-columns: Conformance | storage | cases passed | groups left out");
    println!("proof: Conformance | memory | {} | {}", report.passed, report.left_out.len());
}
