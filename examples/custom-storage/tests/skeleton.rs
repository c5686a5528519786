//! What the suite says of a storage whose methods are not written yet: which they are, and who has asked for them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use convor::async_trait;
use convor::conformance::{CASES, Case, Harness, Outcome, Report};
use convor::domain::TenantRecord;
use convor::ids::TenantId;
use convor::ports::storage::{
    AuditRepository, ControlRepository, ConversationRepository, EventRepository, OperatorRepository,
    OutboxRepository, PageRepository, ReadRepository, SiteRepository, TenantRegistry, TenantRepository,
    VisitorRepository,
};
use convor::ports::{Storage, StorageError};
use convor::time::Timestamp;
use convor_example_custom_storage::skeleton::Skeleton;

/// The skeleton as it is.
struct Unwritten;

impl Harness for Unwritten {
    type Guard = ();

    async fn fresh(&self) -> (Arc<dyn Storage>, ()) {
        (Arc::new(Skeleton::default()), ())
    }
}

/// With its first method written: tenants are taken.
struct Begun;

impl Harness for Begun {
    type Guard = ();

    async fn fresh(&self) -> (Arc<dyn Storage>, ()) {
        (Arc::new(BegunStorage(Skeleton::default())), ())
    }
}

#[derive(Debug)]
struct BegunStorage(Skeleton);

/// What a case says when it fails.
fn said(case: &Case, harness: &impl Harness) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| case.run(harness))).expect_err("nothing is written");
    panic.downcast_ref::<String>().expect("a text").clone()
}

#[test]
fn a_case_that_fails_names_the_method_and_where_it_was_called() {
    let case = Case::named("order", "positions_begin_at_one").expect("there is such a case");
    let (unwritten, begun) = (said(case, &Unwritten), said(case, &Begun));
    for (said, method) in [(unwritten, "registry.insert"), (begun, "tenants.insert")] {
        let (place, failure) = said.split_once(": ").expect("a place and what happened");
        assert!(place.starts_with("at ") && place.contains(".rs:"), "{said}");
        assert!(!place.contains("/core/"), "{said}");
        assert_eq!(failure, format!("{method} answered Unsupported (not written yet?)"), "{said}");
    }
}

#[test]
fn a_report_goes_on_after_a_case_that_fails_and_names_it() {
    let report = Report::of(&Unwritten);
    let optional = |case: &&Case| ["accounts", "search", "transfer", "uploads"].contains(&case.group);
    let (left_out, required): (Vec<_>, Vec<_>) = CASES.iter().partition(optional);
    assert_eq!(report.left_out.values().sum::<usize>(), left_out.len());
    assert!(left_out.iter().all(|case| case.run(&Unwritten) == Outcome::Unsupported));
    assert_eq!(report.passed + report.failed.len(), required.len(), "{report}");
    assert!(report.failed.iter().any(|name| name == "order::positions_begin_at_one"), "{report}");
    assert!(report.to_string().contains("order::positions_begin_at_one"), "{report}");
}

#[async_trait]
impl TenantRegistry for BegunStorage {
    async fn insert(&self, _: &TenantRecord) -> Result<bool, StorageError> {
        Ok(true)
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantRecord>, StorageError> {
        self.0.registry().find(tenant).await
    }

    async fn list(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>, StorageError> {
        self.0.registry().list(after, limit).await
    }

    async fn control_heads(&self, tenants: &[TenantId]) -> Result<Vec<u64>, StorageError> {
        self.0.registry().control_heads(tenants).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StorageError> {
        self.0.registry().due(now, after, limit).await
    }
}

#[async_trait]
impl Storage for BegunStorage {
    fn registry(&self) -> &dyn TenantRegistry {
        self
    }

    fn tenants(&self) -> &dyn TenantRepository {
        self.0.tenants()
    }

    fn sites(&self) -> &dyn SiteRepository {
        self.0.sites()
    }

    fn visitors(&self) -> &dyn VisitorRepository {
        self.0.visitors()
    }

    fn pages(&self) -> &dyn PageRepository {
        self.0.pages()
    }

    fn operators(&self) -> &dyn OperatorRepository {
        self.0.operators()
    }

    fn conversations(&self) -> &dyn ConversationRepository {
        self.0.conversations()
    }

    fn events(&self) -> &dyn EventRepository {
        self.0.events()
    }

    fn reads(&self) -> &dyn ReadRepository {
        self.0.reads()
    }

    fn outbox(&self) -> &dyn OutboxRepository {
        self.0.outbox()
    }

    fn control(&self) -> &dyn ControlRepository {
        self.0.control()
    }

    fn audit(&self) -> &dyn AuditRepository {
        self.0.audit()
    }

    async fn ping(&self) -> Result<(), StorageError> {
        self.0.ping().await
    }
}
