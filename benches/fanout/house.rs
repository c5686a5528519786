//! A Convor server with many tenants: the same service on the same storages as the reference server, which makes two tenants
//! and no more. Its bounds are the ones that Convor is shipped with.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use convor::credentials::{SiteKey, TenantKey};
use convor::domain::Role;
use convor::ports::Storage;
use convor::service::{NewOperator, NewSite};
use convor::{Chat, Limits, Rate};
use convor_hyper::{ChatService, Peer};
use convor_memory::MemoryStorage;
use convor_postgres::{PostgresOptions, PostgresStorage};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

/// Where the database is, if there is one.
pub(crate) const STORAGE: &str = "CONVOR_STORAGE";

/// What the operators sign in with.
const PASSWORD: &str = "for-a-bench-only";

/// A server with many tenants, which ends with its standard input.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct House {
    #[arg(long)]
    tenants: usize,
}

/// Serves until the parent has gone.
pub(crate) fn run(house: House) -> Result<()> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(house.tenants))
}

async fn serve(tenants: usize) -> Result<()> {
    let storage: Arc<dyn Storage> = match std::env::var(STORAGE) {
        Ok(url) => Arc::new(PostgresStorage::connect(PostgresOptions::new(&url)?).await?),
        Err(_) => Arc::new(MemoryStorage::new()),
    };
    let mut limits = Limits::default();
    // All come from one address, and before anything is measured.
    limits.registrations = Rate::UNLIMITED;
    limits.connections_pending_per_address_max = limits.connections_per_address_max;
    let chat = Chat::builder(storage).limits(limits).start();
    let mut made = Vec::new();
    for number in 0..tenants {
        made.push(tenant(&chat, number).await?);
    }
    let service = TowerToHyperService::new(ChatService::new(chat));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", json!({"listen": listener.local_addr()?, "tenants": made}));
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(answer(stream, peer, service.clone()));
    }
}

async fn answer(stream: TcpStream, peer: SocketAddr, service: TowerToHyperService<ChatService>) {
    // A connection that has ended needs neither.
    let _ = stream.set_nodelay(true);
    let requests = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        hyper::service::Service::call(&service, request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
    let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), requests).await;
}

/// A tenant with a site and an operator, as the reference server announces them.
async fn tenant(chat: &Chat, number: usize) -> Result<Value> {
    let tenant = chat.create_tenant("House", "eu").await?;
    let new = NewSite { name: "Shop", title: "Talk", greeting: "Hello!", color: "#0b6e4f", origins: &[] };
    let site = chat.create_site(tenant, new).await?.id;
    let email = format!("operator-{number}@house.example");
    let operator = NewOperator { name: "Anna", email: &email, role: Role::Operator };
    let operator = chat.create_operator(tenant, operator).await?.id;
    chat.set_password(tenant, operator, PASSWORD).await?;
    Ok(json!({
        "tenant_key": TenantKey::new(tenant).to_string(),
        "site_key": SiteKey::new(tenant, site).to_string(),
        "operators": [{"email": email, "password": PASSWORD}],
    }))
}
