//! Copies that are cut off, of one tenant only, or into a storage that is not empty.

use std::sync::Arc;

use convor::async_trait;
use convor::domain::TenantRecord;
use convor::ports::storage::{self, RecordKind};
use convor::ports::{Storage, StorageError};
use convor::transfer::{Copied, TransferError, digest};
use convor_memory::MemoryStorage;
use convor_tests::fixture::{Tenant, new_id};
use convor_tests::hooked::{Hooked, Side, every, next};

use super::world::{World, copied, empty};

#[tokio::test]
async fn a_copy_that_was_cut_off_anywhere_goes_on_and_misses_nothing() {
    let world = World::small().await;
    let counted = Hooked::new(empty());
    copied(world.storage.as_ref(), counted.as_ref(), None).await.expect("a copy");
    let (imports, mut cuts) = (counted.count("transfer.import"), 0);
    assert!(imports > 2 * RecordKind::ALL.len() - 2, "each kind of each tenant: {imports}");
    for cut in 0..imports {
        for side in [Side::Before, Side::After] {
            let hooked = Hooked::new(empty());
            hooked.fail(next("transfer.import").but(cut), side);
            let failed = copied(world.storage.as_ref(), hooked.as_ref(), None).await;
            assert!(matches!(failed, Err(TransferError::Destination(_))), "{failed:?}");
            let done = hooked.count("transfer.import");
            let reports = copied(world.storage.as_ref(), hooked.as_ref(), None).await.expect("it goes on");
            assert!(reports.iter().all(Copied::is_exact), "{reports:?}");
            let again = hooked.count("transfer.import") - done;
            let left = imports - cut - usize::from(side == Side::After);
            assert_eq!(again, left, "what is there is not written again");
            world.assert_copied_to(hooked.as_ref()).await;
            cuts += 1;
        }
    }
    println!("proof-columns: Copies cut off | cut at | cuts | gone on, with equal digests");
    println!("proof: Copies cut off | every import, before and after it happened | {cuts} | {cuts}");
}

#[tokio::test]
async fn a_repeat_writes_nothing() {
    let (world, to) = (World::small().await, Hooked::new(empty()));
    let first = copied(world.storage.as_ref(), to.as_ref(), None).await.expect("a copy");
    let imports = to.count("transfer.import");
    let second = copied(world.storage.as_ref(), to.as_ref(), None).await.expect("a copy");
    assert_eq!(to.count("transfer.import"), imports);
    for (first, second) in first.iter().zip(&second) {
        assert_eq!((first.written, first.present), (first.digest.records(), 0));
        assert_eq!((second.written, second.present), (0, first.written));
        assert_eq!(first.digest, second.digest);
    }
}

#[tokio::test]
async fn one_tenant_is_copied_alone() {
    let (world, to) = (World::small().await, empty());
    let [acme, other] = &world.tenants;
    let reports = copied(world.storage.as_ref(), to.as_ref(), Some(&[other.id])).await.expect("a copy");
    assert_eq!(reports.len(), 1);
    assert_eq!(digest(to.as_ref(), other.id).await.expect("a digest"), world.digest(other.id).await);
    let listed = to.registry().list(None, 10).await.expect("a list");
    assert_eq!(listed.iter().map(|tenant| tenant.id).collect::<Vec<_>>(), [other.id]);
    assert!(matches!(digest(to.as_ref(), acme.id).await, Err(TransferError::NoTenant(id)) if id == acme.id));
}

#[tokio::test]
async fn a_tenant_that_is_not_there_is_found_out_before_anything_is_written() {
    let (world, to) = (World::small().await, empty());
    let these = [world.tenants[0].id, new_id()];
    let refused = copied(world.storage.as_ref(), to.as_ref(), Some(&these)).await;
    assert!(matches!(refused, Err(TransferError::NoTenant(id)) if id == these[1]), "{refused:?}");
    assert_eq!(to.registry().list(None, 10).await.expect("a list"), []);
}

#[tokio::test]
async fn other_tenants_of_the_destination_stay_as_they_are() {
    let (world, to) = (World::small().await, World::small().await);
    copied(world.storage.as_ref(), to.storage.as_ref(), None).await.expect("a copy");
    world.assert_copied_to(to.storage.as_ref()).await;
    for tenant in &to.tenants {
        assert!(world.storage.registry().find(tenant.id).await.expect("a look").is_none());
    }
    let listed = to.storage.registry().list(None, 10).await.expect("a list");
    assert_eq!(listed.len(), 4);
}

#[tokio::test]
async fn what_the_destination_has_more_or_otherwise_is_reported_and_left() {
    let (world, to) = (World::small().await, empty());
    let acme = &world.tenants[0];
    let record = world.storage.registry().find(acme.id).await.expect("a look").expect("it is there");
    let renamed = TenantRecord { region: "elsewhere".to_owned(), ..record };
    assert!(to.registry().insert(&renamed).await.expect("it is made"));
    let chat = convor::Chat::builder(Arc::clone(&to)).start();
    let there = acme.on(&chat);
    let new = convor::service::NewSite {
        name: "Another",
        title: "T",
        greeting: "G",
        color: "#000000",
        origins: &["https://another.example"],
    };
    let more = chat.create_site(there.id, new).await.expect("a site");
    let reports = copied(world.storage.as_ref(), to.as_ref(), Some(&[acme.id])).await.expect("a copy");
    let report = &reports[0];
    assert!(!report.is_exact());
    assert_eq!(
        (report.different, report.extra),
        (1, 2),
        "its region; the site, and that it was made: {report:?}"
    );
    let found = digest(to.as_ref(), acme.id).await.expect("a digest");
    assert_ne!(found, report.digest);
    assert_eq!(found.first_difference(&report.digest), Some(RecordKind::Site));
    assert!(to.sites().find(acme.id, more.id).await.expect("a look").is_some(), "it is left");
    assert_eq!(to.registry().find(acme.id).await.expect("a look"), Some(renamed));
}

#[tokio::test]
async fn a_group_that_the_destination_has_not_is_refused_before_anything_is_written() {
    let world = World::small().await;
    for (group, said) in [("accounts", "`password`"), ("uploads", "`upload`"), ("transfer", "take in")] {
        let to = Lacking { inner: MemoryStorage::new(), group };
        let error = copied(world.storage.as_ref(), &to, None).await.expect_err("it is refused");
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(to.registry().list(None, 10).await.expect("a list"), []);
    }
    let from = Lacking { inner: MemoryStorage::new(), group: "transfer" };
    let error = copied(&from, empty().as_ref(), None).await.expect_err("it is refused");
    assert!(error.to_string().contains("hand out"), "{error}");
}

#[tokio::test]
async fn a_group_of_which_there_is_nothing_may_be_missing() {
    let from = empty();
    let chat = convor::Chat::builder(Arc::clone(&from)).start();
    let tenant = Tenant::new(&chat, "Plain").await;
    tenant.visitor().await;
    for group in ["accounts", "uploads"] {
        let to = Lacking { inner: MemoryStorage::new(), group };
        let reports = copied(from.as_ref(), &to, None).await.expect("a copy");
        assert_eq!(digest(&to, tenant.id).await.expect("a digest"), reports[0].digest);
    }
}

#[tokio::test]
async fn a_source_that_fails_is_told_from_a_destination_that_does() {
    let (world, to) = (World::small().await, empty());
    let hooked = Hooked::new(Arc::clone(&world.storage));
    hooked.fail(every("transfer.export").but(3), Side::Before);
    let failed = copied(hooked.as_ref(), to.as_ref(), None).await;
    assert!(matches!(failed, Err(TransferError::Source(_))), "{failed:?}");
    hooked.recover();
    copied(hooked.as_ref(), to.as_ref(), None).await.expect("it goes on");
    world.assert_copied_to(to.as_ref()).await;
}

/// A storage without one of the optional groups.
#[derive(Debug)]
struct Lacking {
    inner: MemoryStorage,
    group: &'static str,
}

macro_rules! handed_on {
    ($($accessor:ident: $repository:ident,)*) => {$(
        fn $accessor(&self) -> &dyn storage::$repository {
            self.inner.$accessor()
        }
    )*};
    (unless lacking $($accessor:ident: $repository:ident,)*) => {$(
        fn $accessor(&self) -> Option<&dyn storage::$repository> {
            if self.group == stringify!($accessor) { None } else { self.inner.$accessor() }
        }
    )*};
}

#[async_trait]
impl Storage for Lacking {
    handed_on! {
        registry: TenantRegistry,
        tenants: TenantRepository,
        sites: SiteRepository,
        visitors: VisitorRepository,
        pages: PageRepository,
        operators: OperatorRepository,
        conversations: ConversationRepository,
        events: EventRepository,
        reads: ReadRepository,
        outbox: OutboxRepository,
        control: ControlRepository,
        audit: AuditRepository,
    }
    handed_on! {
        unless lacking
        accounts: AccountRepository,
        uploads: UploadRepository,
        transfer: TransferRepository,
    }

    async fn ping(&self) -> Result<(), StorageError> {
        self.inner.ping().await
    }
}
