//! What the use cases ask of their ports, with mocks in their places. What needs a storage that keeps something is in
//! `convor/tests`.

mod background;
mod search;
mod signals;

use std::sync::Arc;

use async_trait::async_trait;

use crate::ports::storage::{
    AuditRepository, ControlRepository, ConversationRepository, EventRepository, MockConversationRepository,
    MockOutboxRepository, MockTenantRegistry, OperatorRepository, OutboxRepository, PageRepository,
    ReadRepository, SearchRepository, SiteRepository, TenantRegistry, TenantRepository, VisitorRepository,
};
use crate::ports::{Clock, Storage, StorageError};
use crate::service::{Chat, ChatBuilder};
use crate::testing::{FixedClock, FixedEntropy};

use search::Backlog;

/// A storage of which only those parts are there that background work has business with.
#[derive(Debug, Default)]
struct Parts {
    registry: MockTenantRegistry,
    conversations: MockConversationRepository,
    outbox: MockOutboxRepository,
    search: Arc<Backlog>,
}

/// What background work has no business with.
macro_rules! absent {
    ($($name:ident: $repository:ident,)*) => {$(
        fn $name(&self) -> &dyn $repository {
            panic!("background work asked for {}", stringify!($name))
        }
    )*};
}

#[async_trait]
impl Storage for Parts {
    fn registry(&self) -> &dyn TenantRegistry {
        &self.registry
    }

    fn conversations(&self) -> &dyn ConversationRepository {
        &self.conversations
    }

    fn outbox(&self) -> &dyn OutboxRepository {
        &self.outbox
    }

    fn search(&self) -> Option<&dyn SearchRepository> {
        Some(self.search.as_ref())
    }

    absent! {
        tenants: TenantRepository,
        sites: SiteRepository,
        visitors: VisitorRepository,
        pages: PageRepository,
        operators: OperatorRepository,
        events: EventRepository,
        reads: ReadRepository,
        control: ControlRepository,
        audit: AuditRepository,
    }

    async fn ping(&self) -> Result<(), StorageError> {
        Ok(())
    }
}

/// A chat on these parts, whose clock stands still.
fn chat(parts: Parts, clock: &Arc<FixedClock>) -> ChatBuilder {
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    Chat::builder_with(Arc::new(parts), clock, Arc::new(FixedEntropy::new(1)))
}
