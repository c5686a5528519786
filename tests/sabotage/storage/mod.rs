//! A decorator over the memory storage that hands every method on, but for its fault.

#![deny(clippy::missing_trait_methods)]

mod accounts;
mod conversations;
mod erasure;
mod events;
mod records;
mod search;
mod transfer;
mod uploads;
mod work;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use convor::credentials::TokenHash;
use convor::domain::{Author, Event, Heads, Visitor};
use convor::ids::{ConversationId, MessageId, OperatorId, TenantId, VisitorId};
use convor::ports::storage::{PasswordHash, TenantRegistry};
use convor::ports::{Storage, StorageError};
use convor::time::Timestamp;
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
    /// Messages that are gone, and are found all the same.
    ghosts: Vec<(TenantId, Event)>,
    /// Visitors that are gone, and whose tokens are good all the same.
    tokens: HashMap<(TenantId, TokenHash), Visitor>,
    erased: HashSet<(TenantId, VisitorId)>,
    purged_before: HashMap<TenantId, Timestamp>,
    imported: HashSet<TenantId>,
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

    convor::decorated_repositories!(inner);

    async fn ping(&self) -> Result<(), StorageError> {
        self.inner.ping().await
    }
}
