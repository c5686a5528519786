//! The memory storage keeps every contract.

use std::sync::Arc;

use convor::conformance::{CASES, Harness, Outcome};
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

/// The cases once more, counted: what a report may say of them.
#[test]
fn the_whole_suite_passes() {
    let passed = CASES.iter().filter(|case| case.run(&Memory) == Outcome::Passed).count();
    println!("proof-columns: Conformance | storage | cases passed");
    println!("proof: Conformance | memory | {passed}");
}
