//! The reference server: Convor mounted at `/chat`, beside the widget, an operator dashboard and a page for visitors.
//!
//! It shows the whole, and is small on purpose: what it does, an application of your own can do in its own process.

mod announce;
mod args;
mod demo;
mod files;
mod serve;

use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use convor::Chat;
use convor::ports::Storage;
use convor_hyper::ChatService;
use convor_memory::MemoryStorage;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use args::{Args, StorageUrl};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // Standard output is for the one line that programs read; everything else goes to standard error.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();

    let listener =
        TcpListener::bind(args.listen).await.with_context(|| format!("cannot listen on {}", args.listen))?;
    let listen = listener.local_addr()?;
    let origins = args.origins(listen);
    let storage: Arc<dyn Storage> = match args.storage {
        StorageUrl::Memory => Arc::new(MemoryStorage::new()),
    };
    let chat = Chat::builder(storage).start();
    let tenants = if args.demo { demo::fill(&chat, &origins).await? } else { Vec::new() };
    let service = ChatService::builder(chat).dashboard_origins(origins).build();

    let ended = serve::until(serve::shutdown_signal()?, listener, args.connections_max, service);
    let ended = tokio::spawn(ended);
    announce::print(listen, &tenants)?;
    ended.await?;
    Ok(())
}
