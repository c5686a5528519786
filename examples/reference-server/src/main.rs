//! The reference server: Convor mounted at `/chat`, beside the widget, an operator dashboard and a page for visitors.
//!
//! It shows the whole, and is small on purpose: what it does, an application of your own can do in its own process.

mod announce;
mod args;
mod copy;
mod demo;
mod files;
mod limits;
mod ready;
mod serve;
mod storage;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use convor::Chat;
use convor::ports::Broker;
use convor_hyper::ChatService;
use tracing_subscriber::EnvFilter;

use args::{Args, Command, Serve};
use ready::Readiness;
use storage::Watched;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    // Standard output is for what programs read; everything else goes to standard error.
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,sqlx_core::pool=error,async_nats=off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let done = match args.command {
        None => serve(args.serve).await,
        Some(Command::Migrate(migrate)) => storage::migrate(&migrate).await,
        Some(Command::Copy(copy)) => copy::run(copy).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", reason(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and what caused it, in one line. A cause that is told already, as some tell theirs, is not told again.
fn reason(error: &anyhow::Error) -> String {
    let mut told = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !told.ends_with(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

async fn serve(args: Serve) -> anyhow::Result<()> {
    let limits = args.limits.as_deref().map(limits::read).transpose()?;
    // An address that is taken is found out before there are files.
    let listener = serve::listen(args.listen).with_context(|| format!("cannot listen on {}", args.listen))?;
    let opened = storage::open(&args.storage, args.broker.as_ref()).await?;
    let listen = listener.local_addr()?;
    let origins = args.origins(listen);
    let broker = opened.broker.map(|broker| Arc::new(Watched::new(broker)));
    let mut builder = Chat::builder(Arc::clone(&opened.storage)).limits(limits.unwrap_or_default());
    if let Some(broker) = &broker {
        builder = builder.broker(Arc::clone(broker) as Arc<dyn Broker>);
    }
    let chat = builder.start();
    let tenants = if args.demo {
        let (passwords, shared) = (opened.demo_passwords.as_deref(), broker.is_some());
        demo::fill(&chat, opened.storage.as_ref(), passwords, shared, &origins).await?
    } else {
        Vec::new()
    };
    let filled = !opened.storage.registry().list(None, 1).await?.is_empty();
    let service = ChatService::builder(chat).dashboard_origins(origins).build();
    let readiness = Readiness::new(opened.storage, broker);

    let ended = serve::until(serve::shutdown_signal()?, listener, args.connections_max, service, readiness);
    let ended = tokio::spawn(ended);
    announce::print(listen, &tenants, filled)?;
    ended.await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the file cannot be opened: {source}")]
    struct Telling {
        source: std::io::Error,
    }

    #[test]
    fn each_cause_is_told_once() {
        let source = std::io::Error::other("no such folder");
        let error = anyhow::Error::new(Telling { source }).context("the destination");
        assert_eq!(reason(&error), "the destination: the file cannot be opened: no such folder");
    }
}
