//! Chat in an axum application: one service, nested under a prefix of the host's choice.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use convor::Chat;
use convor::domain::{Origin, Role};
use convor::service::{NewOperator, NewSite};
use convor_hyper::{ChatService, Peer};
use convor_memory::MemoryStorage;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let chat = Chat::builder(Arc::new(MemoryStorage::new())).start();
    let tenant = chat.create_tenant("Acme", "eu").await?;
    let origins = ["http://127.0.0.1:3000"];
    let site = NewSite {
        name: "Shop",
        title: "Talk to us",
        greeting: "Hello!",
        color: "#0b6e4f",
        origins: &origins,
    };
    let site = chat.create_site(tenant, site).await?;
    let anna = NewOperator { name: "Anna", email: "anna@acme.example", role: Role::Owner };
    let anna = chat.create_operator(tenant, anna).await?;
    chat.set_password(tenant, anna.id, "a long and good one").await?;

    let service = ChatService::builder(chat).dashboard_origins(Origin::parse(origins[0])).build();
    let app = Router::new()
        .route("/", axum::routing::get(|| async { "An application of your own; the chat is under /chat." }))
        .nest_service("/chat", service.clone())
        // A tower service does not see the peer: without this, limits by address are off.
        .layer(from_fn(|ConnectInfo(peer): ConnectInfo<SocketAddr>, mut request: Request, next: Next| {
            request.extensions_mut().insert(Peer(peer.ip()));
            next.run(request)
        }));

    let key = convor::credentials::SiteKey::new(tenant, site.id);
    println!("try: curl {}/chat/v1/site?site={key}", origins[0]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let mut terminate = signal(SignalKind::terminate())?;
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move {
            // Ctrl-C, or what a supervisor sends. hyper does not see upgraded sockets: they are drained first.
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            service.drain().await;
        })
        .await?;
    Ok(())
}
