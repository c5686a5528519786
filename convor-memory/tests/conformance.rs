//! The memory storage keeps every contract.

use std::sync::Arc;

use convor::conformance::Harness;
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
