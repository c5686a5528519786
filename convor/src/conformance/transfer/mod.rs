//! What is stored moves to another store without a loss, and goes on there. Where a storage cannot move it, these cases are
//! skipped and say so.

mod export;
mod import;
mod life;
mod source;

pub(super) use export::*;
pub(super) use import::*;
pub(super) use life::*;

use super::groups::keeps;
use super::tenant::Tenant;
use super::world::{Answered, World};
use crate::ids::TenantId;
use crate::ports::storage::{Record, RecordKey, RecordKind, TransferRepository};

fn transfer(world: &World) -> &dyn TransferRepository {
    world.transfer().expect("these cases run where what is stored can be moved")
}

/// The kinds of records that the store keeps.
fn kept(world: &World) -> impl Iterator<Item = RecordKind> + '_ {
    RecordKind::ALL.iter().copied().filter(|kind| keeps(&**world, *kind))
}

async fn page(
    world: &World,
    tenant: TenantId,
    kind: RecordKind,
    after: Option<RecordKey>,
    limit: usize,
) -> Vec<Record> {
    transfer(world).export(tenant, kind, after, limit).await.answered()
}

/// Every record of a kind, page by page.
async fn exported(world: &World, tenant: TenantId, kind: RecordKind, limit: usize) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let after = records.last().map(Record::key);
        let page = page(world, tenant, kind, after, limit).await;
        assert!(page.len() <= limit, "at most as many as asked for");
        if page.is_empty() {
            return records;
        }
        records.extend(page);
        assert!(records.len() <= 1_000, "each page begins above the cursor");
    }
}

/// Every record of every kind that the store keeps, in the order in which they are imported.
async fn everything(world: &World, tenant: TenantId) -> Vec<Record> {
    let mut records = Vec::new();
    for kind in kept(world) {
        records.extend(exported(world, tenant, kind, 1_000).await);
    }
    records
}

async fn import(world: &World, tenant: TenantId, records: &[Record]) {
    transfer(world).import(tenant, records).await.answered();
}

/// A tenant with the same id in another store, into which nothing has been imported.
async fn registered(of: &Tenant, target: World) -> Tenant {
    let record = of.registry().find(of.id).await.answered().expect("the tenant is registered");
    assert!(target.registry().insert(&record).await.answered(), "nobody has the id there");
    Tenant { world: target, ..of.clone() }
}

/// The tenant in the second store, after everything of it has been moved there in pages of this size.
async fn moved(of: &Tenant, limit: usize) -> Tenant {
    let there = registered(of, of.world.target()).await;
    for kind in kept(&of.world) {
        for page in exported(&of.world, of.id, kind, 1_000).await.chunks(limit) {
            import(&there.world, there.id, page).await;
        }
    }
    there
}
