//! Nodes to which anything can happen.

use std::sync::Arc;
use std::time::Duration;

use convor::domain::{Operator, Principal};
use convor::ids::ConversationId;
use convor::ports::{Broker, Clock, Storage, SystemEntropy};
use convor::protocol::MessageRequest;
use convor::time::Timestamp;
use convor::{Chat, ChatBuilder};
use convor_memory::{MemoryBroker, MemoryStorage};
use convor_tests::fixture::{Tenant, opening};
use convor_tests::hooked::Hooked;
use tokio::time::Instant;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A storage that keeps what is stored, a broker, and a clock.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) broker: Arc<MemoryBroker>,
    storage: Arc<dyn Storage>,
    clock: Arc<RuntimeClock>,
}

/// A node with its own way to the storage, and a tenant there.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) storage: Arc<Hooked>,
    pub(crate) chat: Chat,
}

/// Two nodes that know each other, and their tenant on each of them.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) world: World,
    pub(crate) here: Node,
    pub(crate) there: Node,
    pub(crate) tenant_here: Tenant,
    pub(crate) tenant_there: Tenant,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_broker(MemoryBroker::new())
    }

    pub(crate) fn with_broker(broker: MemoryBroker) -> Self {
        let storage = Arc::new(MemoryStorage::new());
        Self { broker: Arc::new(broker), storage, clock: Arc::new(RuntimeClock::new()) }
    }

    /// A node that serves alone.
    pub(crate) fn alone(&self, configured: impl FnOnce(ChatBuilder) -> ChatBuilder) -> Node {
        let storage = Hooked::new(Arc::clone(&self.storage));
        let builder = Chat::builder_with(
            Arc::clone(&storage) as Arc<dyn Storage>,
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            Arc::new(SystemEntropy::default()),
        );
        Node { storage, chat: configured(builder).start() }
    }

    /// A node among others.
    pub(crate) fn node(&self, configured: impl FnOnce(ChatBuilder) -> ChatBuilder) -> Node {
        let broker = Arc::clone(&self.broker) as Arc<dyn Broker>;
        self.alone(|builder| configured(builder.broker(broker)))
    }
}

impl Cluster {
    pub(crate) async fn new() -> Self {
        Self::of(World::new(), |builder| builder).await
    }

    pub(crate) async fn of(world: World, configured: impl Fn(ChatBuilder) -> ChatBuilder) -> Self {
        let (here, there) = (world.node(&configured), world.node(&configured));
        let tenant_here = Tenant::new(&here.chat, "Acme").await;
        let tenant_there = tenant_here.on(&there.chat);
        pass(3 * SECOND).await;
        Self { world, here, there, tenant_here, tenant_there }
    }
}

/// A node that serves alone, and its tenant.
pub(crate) async fn alone() -> (Node, Tenant) {
    alone_with(|builder| builder).await
}

/// The same, and not with the defaults.
pub(crate) async fn alone_with(configured: impl FnOnce(ChatBuilder) -> ChatBuilder) -> (Node, Tenant) {
    let node = World::new().alone(configured);
    let tenant = Tenant::new(&node.chat, "Acme").await;
    (node, tenant)
}

/// A visitor opens a conversation, and says something in it.
pub(crate) async fn open(tenant: &Tenant, visitor: &Principal) -> ConversationId {
    let opened = tenant.chat.open(visitor, opening("one")).await.expect("it is opened");
    opened.conversation.view.conversation.id
}

/// A new visitor, and its conversation.
pub(crate) async fn asked(tenant: &Tenant) -> (Principal, ConversationId) {
    let visitor = tenant.visitor().await;
    (visitor, open(tenant, &visitor).await)
}

/// An operator who is not connected.
pub(crate) fn away(tenant: &Tenant, operator: &Operator) -> Principal {
    Principal::operator(tenant.id, operator.id, operator.role)
}

/// The same request once more.
pub(crate) fn again(request: &MessageRequest) -> MessageRequest {
    MessageRequest { client_id: request.client_id, text: request.text.clone(), kind: request.kind }
}

/// Lets time pass.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// A clock that goes with the runtime's time.
#[derive(Debug)]
struct RuntimeClock {
    began: Instant,
}

impl RuntimeClock {
    #[expect(clippy::disallowed_methods, reason = "this implements the port")]
    fn new() -> Self {
        Self { began: Instant::now() }
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000).plus(self.began.elapsed())
    }
}
