//! A sound store that offers nothing that it may leave out.

use std::sync::Arc;

use async_trait::async_trait;
use convor::conformance::Harness;
use convor::ports::storage::{
    AuditRepository, ControlRepository, ConversationRepository, EventRepository, OperatorRepository,
    OutboxRepository, PageRepository, ReadRepository, SiteRepository, TenantRegistry, TenantRepository,
    VisitorRepository,
};
use convor::ports::{Storage, StorageError};
use convor_memory::MemoryStorage;

/// Fresh bare stores.
pub(crate) struct Bare;

impl Harness for Bare {
    type Guard = ();

    async fn fresh(&self) -> (Arc<dyn Storage>, ()) {
        (Arc::new(BareStorage(MemoryStorage::new())), ())
    }
}

#[derive(Debug)]
struct BareStorage(MemoryStorage);

#[async_trait]
impl Storage for BareStorage {
    fn registry(&self) -> &dyn TenantRegistry {
        self.0.registry()
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
