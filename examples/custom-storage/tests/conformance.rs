//! The conformance suite, and which groups this storage leaves out.

use std::sync::Arc;

use convor::conformance::{CASES, Harness, Outcome};
use convor::ports::Storage;
use convor_example_custom_storage::RedbStorage;
use tempfile::TempDir;

struct Redb;

impl Harness for Redb {
    type Guard = TempDir;

    async fn fresh(&self) -> (Arc<dyn Storage>, TempDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let storage = RedbStorage::open(folder.path().join("chat.redb")).expect("a new file opens");
        (Arc::new(storage), folder)
    }
}

convor::storage_conformance!(Redb);

#[test]
fn only_what_is_optional_is_left_out() {
    let optional = ["accounts", "search", "transfer", "uploads"];
    for case in CASES.iter().filter(|case| optional.contains(&case.group)) {
        assert_eq!(case.run(&Redb), Outcome::Unsupported, "{case}");
    }
}
