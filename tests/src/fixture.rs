//! A chat with a tenant, a site and operators.

use std::sync::Arc;

use convor::credentials::SiteKey;
use convor::domain::{Operator, Principal, Role, Site};
use convor::ids::TenantId;
use convor::ports::{Broker, Storage};
use convor::protocol::{FirstMessage, MessageRequest, OpenRequest};
use convor::service::{NewOperator, NewSite};
use convor::{Chat, ChatBuilder};
use convor_memory::MemoryStorage;

use crate::person::Person;

/// The origin of the fixtures' sites.
pub const ORIGIN: &str = "https://www.example.org";

/// The password of the fixtures' operators.
pub const PASSWORD: &str = "a long and good one";

/// A tenant with a site and two operators.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tenant {
    /// Its chat.
    pub chat: Chat,
    /// Its id.
    pub id: TenantId,
    /// Its site.
    pub site: Site,
    /// Who answers.
    pub anna: Operator,
    /// Anna's colleague.
    pub ben: Operator,
}

/// A chat in memory.
#[must_use]
pub fn chat() -> Chat {
    Chat::builder(Arc::new(MemoryStorage::new())).start()
}

/// A node of a cluster.
#[must_use]
pub fn node(storage: &Arc<dyn Storage>, broker: &Arc<dyn Broker>) -> ChatBuilder {
    Chat::builder(Arc::clone(storage)).broker(Arc::clone(broker))
}

impl Tenant {
    /// A new tenant of this chat.
    pub async fn new(chat: &Chat, name: &str) -> Self {
        let id = chat.create_tenant(name, "eu").await.expect("a tenant");
        let new =
            NewSite { name, title: "Talk to us", greeting: "Hello!", color: "#0b6e4f", origins: &[ORIGIN] };
        let site = chat.create_site(id, new).await.expect("a site");
        let operator = |name, email, role| chat.create_operator(id, NewOperator { name, email, role });
        let anna = operator("Anna", "anna@example.org", Role::Owner).await.expect("an operator");
        let ben = operator("Ben", "ben@example.org", Role::Operator).await.expect("an operator");
        Self { chat: chat.clone(), id, site, anna, ben }
    }

    /// The same tenant, served by another node.
    #[must_use]
    pub fn on(&self, chat: &Chat) -> Self {
        Self { chat: chat.clone(), ..self.clone() }
    }

    /// The key that stands in the site's pages.
    #[must_use]
    pub fn site_key(&self) -> SiteKey {
        SiteKey::new(self.id, self.site.id)
    }

    /// A new visitor of the site.
    pub async fn visitor(&self) -> Principal {
        let (visitor, _) = self.chat.register_visitor(&self.site_key(), None).await.expect("a visitor");
        Principal::visitor(self.id, self.site.id, visitor.id)
    }

    /// Anna, connected.
    pub async fn anna(&self) -> Person {
        Person::connect(&self.chat, Principal::operator(self.id, self.anna.id, self.anna.role)).await
    }

    /// Ben, connected.
    pub async fn ben(&self) -> Person {
        Person::connect(&self.chat, Principal::operator(self.id, self.ben.id, self.ben.role)).await
    }
}

/// A request to open a conversation with these words.
#[must_use]
pub fn opening(text: &str) -> OpenRequest {
    let first = FirstMessage { client_id: new_id(), text: text.to_owned() };
    OpenRequest { client_id: new_id(), subject: None, first_message: Some(first) }
}

/// A request to say this.
#[must_use]
pub fn message(text: &str) -> MessageRequest {
    MessageRequest { client_id: new_id(), text: text.to_owned(), kind: convor::domain::MessageKind::Message }
}

/// A request to note this.
#[must_use]
pub fn note(text: &str) -> MessageRequest {
    MessageRequest { kind: convor::domain::MessageKind::Note, ..message(text) }
}

/// An id that nothing has.
#[must_use]
pub fn new_id<I: From<uuid::Uuid>>() -> I {
    use convor::ports::{Entropy, SystemEntropy};
    uuid::Builder::from_random_bytes(SystemEntropy::default().bytes_16()).into_uuid().into()
}
