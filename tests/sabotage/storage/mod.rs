//! A decorator over the memory storage that hands every method on, but for its fault.

#![deny(clippy::missing_trait_methods)]

mod accounts;
mod conversations;
mod events;
mod records;
mod work;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use convor::domain::{Author, Heads};
use convor::ids::{ConversationId, MessageId, OperatorId, TenantId};
use convor::ports::storage::{
    AuditRepository, ControlRepository, ConversationRepository, EventRepository, OperatorRepository,
    OutboxRepository, PageRepository, PasswordHash, ReadRepository, SiteRepository, TenantRegistry,
    TenantRepository, VisitorRepository,
};
use convor::ports::{Storage, StorageError};
use convor_memory::MemoryStorage;

use crate::fault::Fault;

/// A memory storage with at most one fault.
#[derive(Debug)]
pub(crate) struct Sabotaged {
    inner: MemoryStorage,
    fault: Option<Fault>,
    memory: Mutex<Memory>,
}

/// What some faults have to remember.
#[derive(Debug, Default)]
struct Memory {
    tenants: Vec<TenantId>,
    notes: HashSet<MessageId>,
    passwords: HashMap<(TenantId, OperatorId), PasswordHash>,
    reads: HashMap<(TenantId, ConversationId, Author), Heads>,
}

impl Sabotaged {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        Self { inner: MemoryStorage::new(), fault, memory: Mutex::default() }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tenant, and with the fault all the others too.
    fn reach(&self, tenant: TenantId, fault: Fault) -> Vec<TenantId> {
        let mut tenants = vec![tenant];
        if self.has(fault) {
            tenants.extend(self.memory().tenants.iter().filter(|other| **other != tenant));
        }
        tenants
    }
}

#[async_trait]
impl Storage for Sabotaged {
    fn registry(&self) -> &dyn TenantRegistry {
        self
    }

    fn tenants(&self) -> &dyn TenantRepository {
        self
    }

    fn sites(&self) -> &dyn SiteRepository {
        self
    }

    fn visitors(&self) -> &dyn VisitorRepository {
        self
    }

    fn pages(&self) -> &dyn PageRepository {
        self
    }

    fn operators(&self) -> &dyn OperatorRepository {
        self
    }

    fn conversations(&self) -> &dyn ConversationRepository {
        self
    }

    fn events(&self) -> &dyn EventRepository {
        self
    }

    fn reads(&self) -> &dyn ReadRepository {
        self
    }

    fn outbox(&self) -> &dyn OutboxRepository {
        self
    }

    fn control(&self) -> &dyn ControlRepository {
        self
    }

    fn audit(&self) -> &dyn AuditRepository {
        self
    }

    fn accounts(&self) -> Option<&dyn convor::ports::storage::AccountRepository> {
        self.inner.accounts().is_some().then_some(self as _)
    }

    async fn ping(&self) -> Result<(), StorageError> {
        self.inner.ping().await
    }
}
