//! Chat on a storage of one's own: a few lines of talk, which are still there when it is run again.

use std::path::PathBuf;
use std::sync::Arc;

use convor::Chat;
use convor::credentials::SiteKey;
use convor::domain::{MessageKind, Principal, Role};
use convor::ids::ClientId;
use convor::ports::Storage;
use convor::ports::storage::Window;
use convor::protocol::{FirstMessage, MessageRequest, OpenRequest};
use convor::service::{NewOperator, NewSite};
use convor_example_custom_storage::RedbStorage;
use uuid::Uuid;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let path = std::env::args_os().nth(1).map(PathBuf::from);
    let path = path.unwrap_or_else(|| std::env::temp_dir().join("convor-chat.redb"));
    let storage: Arc<dyn Storage> = Arc::new(RedbStorage::open(&path)?);
    let chat = Chat::builder(Arc::clone(&storage)).start();

    let tenant = chat.create_tenant("Acme", "eu").await?;
    let site =
        NewSite { name: "Shop", title: "Talk to us", greeting: "Hello!", color: "#0b6e4f", origins: &[] };
    let site = chat.create_site(tenant, site).await?;
    let anna = NewOperator { name: "Anna", email: "anna@acme.example", role: Role::Operator };
    let anna = chat.create_operator(tenant, anna).await?;
    let anna = Principal::operator(tenant, anna.id, anna.role);
    let (visitor, _) = chat.register_visitor(&SiteKey::new(tenant, site.id), None).await?;
    let visitor = Principal::visitor(tenant, site.id, visitor.id);

    let first_message = Some(FirstMessage { client_id: id(), text: "Is this seat taken?".into() });
    let opened = chat.open(&visitor, OpenRequest { client_id: id(), subject: None, first_message }).await?;
    let conversation = opened.conversation.view.conversation.id;
    let answer = MessageRequest { client_id: id(), text: "No, please!".into(), kind: MessageKind::Message };
    chat.post(&anna, conversation, answer).await?;

    for event in chat.history(&visitor, conversation, Window::Latest, None).await?.page.events {
        let who = if event.by == anna.author() { "Anna" } else { "The visitor" };
        if let Some(text) = event.kind.message().and_then(|message| message.text.as_ref()) {
            println!("{who}: {}", text.as_str());
        }
    }
    let runs = storage.registry().list(None, usize::MAX).await?.len();
    println!("{} holds what was said in {runs} runs by now.", path.display());
    Ok(())
}

/// A client picks an id for everything it creates, so that it can repeat the request.
fn id() -> ClientId {
    #[expect(clippy::disallowed_methods, reason = "this is a client's id, and this is the client")]
    Uuid::new_v4().into()
}
