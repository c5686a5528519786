//! What the benches share. For those within this process: short runs, time that is measured by criterion alone, and a chat
//! in memory with a conversation. For those of whole servers: whose turn it is, CPU seconds, and the report.
//!
//! What criterion measures runs on one thread, so a figure is what a part costs and not how many cores there were. Each
//! sample gets a chat of its own: what one has stored does not slow the next one down.

pub mod cpu;
pub mod report;
pub mod turns;

use std::sync::Arc;
use std::time::Duration;

use convor::credentials::SiteKey;
use convor::domain::{MessageKind, Principal, Role};
use convor::ids::{ConversationId, TenantId};
use convor::protocol::{MessageRequest, OpenRequest};
use convor::service::{NewOperator, NewSite};
use convor::{Chat, Error, Limits, Rate};
use convor_memory::MemoryStorage;
use criterion::Criterion;
use criterion::measurement::{Measurement, WallTime};
use uuid::Uuid;

/// What is said in every bench: the length of a usual message.
pub const TEXT: &str = "Good morning! I have ordered a chair last week and would like to know when it comes.";

/// Short runs; arguments on the command line may ask for others.
#[must_use]
pub fn criterion() -> Criterion {
    let short = Criterion::default().warm_up_time(Duration::from_millis(500)).sample_size(20);
    short.measurement_time(Duration::from_secs(2)).configure_from_args()
}

/// Runs everything on this thread.
///
/// # Errors
/// If the operating system has none of what a runtime needs.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().build()
}

/// How long `work` takes.
pub async fn timed(work: impl Future<Output = ()>) -> Duration {
    let clock = WallTime;
    let start = clock.start();
    work.await;
    clock.end(start)
}

/// A tenant with a visitor and an operator, and the conversation that the visitor has opened.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stage {
    /// What keeps it.
    pub storage: Arc<MemoryStorage>,
    /// The chat.
    pub chat: Chat,
    /// The tenant.
    pub tenant: TenantId,
    /// The visitor.
    pub visitor: Principal,
    /// The operator.
    pub operator: Principal,
    /// The conversation.
    pub conversation: ConversationId,
}

impl Stage {
    /// A new chat in memory, whose limits no bench meets.
    ///
    /// # Errors
    /// [`Error`] if it could not be set up.
    pub async fn new() -> Result<Self, Error> {
        let mut limits = Limits::default();
        for rate in [
            &mut limits.connections,
            &mut limits.requests,
            &mut limits.messages,
            &mut limits.requests_per_tenant,
            &mut limits.messages_per_tenant,
        ] {
            *rate = Rate::UNLIMITED;
        }
        limits.connections_per_principal_max = usize::MAX;
        let storage = Arc::new(MemoryStorage::new());
        let chat = Chat::builder(Arc::clone(&storage) as _).limits(limits).start();
        let tenant = chat.create_tenant("Acme", "eu").await?;
        let new = NewSite { name: "Shop", title: "Talk", greeting: "Hello!", color: "#0b6e4f", origins: &[] };
        let site = chat.create_site(tenant, new).await?.id;
        let anna = NewOperator { name: "Anna", email: "anna@example.org", role: Role::Owner };
        let anna = chat.create_operator(tenant, anna).await?;
        let (visitor, _) = chat.register_visitor(&SiteKey::new(tenant, site), None).await?;
        let visitor = Principal::visitor(tenant, site, visitor.id);
        let operator = Principal::operator(tenant, anna.id, anna.role);
        let request = OpenRequest { client_id: id(0), subject: None, first_message: None };
        let conversation = chat.open(&visitor, request).await?.conversation.view.conversation.id;
        Ok(Self { storage, chat, tenant, visitor, operator, conversation })
    }
}

/// A message with a `client_id` of its own.
#[must_use]
pub fn message(number: u128) -> MessageRequest {
    MessageRequest { client_id: id(number), text: TEXT.to_owned(), kind: MessageKind::Message }
}

/// The id of this number.
#[must_use]
pub fn id<I: From<Uuid>>(number: u128) -> I {
    Uuid::from_u128(number).into()
}
