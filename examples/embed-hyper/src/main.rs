//! Chat in a plain hyper application: the tower service, served by hyper-util.

use std::sync::Arc;
use std::time::Duration;

use convor::Chat;
use convor::credentials::SiteKey;
use convor::service::NewSite;
use convor_hyper::{ChatService, Peer};
use convor_memory::MemoryStorage;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let chat = Chat::builder(Arc::new(MemoryStorage::new())).start();
    let tenant = chat.create_tenant("Acme", "eu").await?;
    let origins = ["http://127.0.0.1:3001"];
    let site = NewSite {
        name: "Shop",
        title: "Talk to us",
        greeting: "Hello!",
        color: "#0b6e4f",
        origins: &origins,
    };
    let site = chat.create_site(tenant, site).await?;
    println!("try: curl {}/v1/site?site={}", origins[0], SiteKey::new(tenant, site.id));

    let service = TowerToHyperService::new(ChatService::new(chat));
    let mut builder = Builder::new(TokioExecutor::new());
    // Slow headers are cut; WebSockets over HTTP/2 need the extended CONNECT of RFC 8441.
    builder.http1().timer(TokioTimer::new());
    builder.http2().timer(TokioTimer::new()).enable_connect_protocol();
    let listener = TcpListener::bind("127.0.0.1:3001").await?;
    loop {
        // One connection that fails is no reason to end, also not the one for which there was no file descriptor left.
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (builder, service) = (builder.clone(), service.clone());
        tokio::spawn(async move {
            let requests = hyper::service::service_fn(move |mut request: Request<Incoming>| {
                // A tower service does not see the peer: without this, limits by address are off.
                request.extensions_mut().insert(Peer(peer.ip()));
                hyper::service::Service::call(&service, request)
            });
            if let Err(error) = builder.serve_connection_with_upgrades(TokioIo::new(stream), requests).await {
                eprintln!("a connection ended early: {error}");
            }
        });
    }
}
