//! Where conversations are kept: what the command line names, opened.

mod nats;
mod postgres;
mod url;
mod watched;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use convor::ports::{Broker, Storage};
use convor_memory::MemoryStorage;
use convor_sqlite::{OpenError, SqliteOptions, SqliteStorage};

pub(crate) use nats::Servers;
pub(crate) use postgres::migrate;
pub(crate) use url::{Place, Url};
pub(crate) use watched::Watched;

/// How often, and after what pauses, a file that is in use is tried again.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// A storage, and what connects the servers that share it.
pub(crate) struct Opened {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) broker: Option<Arc<dyn Broker>>,
    /// Where the demonstration keeps its passwords; `None` if it need not.
    pub(crate) demo_passwords: Option<PathBuf>,
}

/// Opens a storage to serve from, or says what to do so that it can be opened.
pub(crate) async fn open(url: &Url, broker: Option<&Servers>) -> anyhow::Result<Opened> {
    let place = url.place()?;
    ensure!(
        broker.is_none() || matches!(place, Place::Postgres(_)),
        "--broker is for servers that share a PostgreSQL database; a storage in memory or in a file has one server, and needs none"
    );
    if broker.is_none() {
        nats::not_asked()?;
    }
    Ok(match place {
        Place::Memory => {
            Opened { storage: Arc::new(MemoryStorage::new()), broker: None, demo_passwords: None }
        }
        Place::Sqlite(path) => {
            let mut beside = path.clone().into_os_string();
            beside.push("-demo");
            Opened { storage: sqlite(path).await?, broker: None, demo_passwords: Some(beside.into()) }
        }
        Place::Postgres(url) => {
            let storage = postgres::storage(url).await?;
            let broker = match broker {
                Some(servers) => nats::broker(servers).await?,
                None => {
                    let broker = postgres::broker(url).await?;
                    tracing::info!("servers on this database hear of each other over LISTEN/NOTIFY");
                    broker
                }
            };
            Opened { storage, broker: Some(broker), demo_passwords: Some("convor.db-demo".into()) }
        }
        Place::Archive(_) => bail!("an archive cannot be served from; copy it into a storage first"),
    })
}

/// Opens a storage to copy from. It is there, and has a tenant: a name that was mistyped is not to pass for an empty storage.
pub(crate) async fn open_source(place: Place<'_>) -> anyhow::Result<Arc<dyn Storage>> {
    if let Place::Sqlite(path) = &place {
        ensure!(path.is_file(), "there is no file {}", path.display());
        // It is opened as a server opens it: with a lock, and a log beside it.
        let writable = std::fs::OpenOptions::new().append(true).open(path);
        writable.with_context(|| {
            let path = path.display();
            format!("{path} is not writable, and has to be to be opened; copy it into a folder of your own, and copy from there")
        })?;
    }
    let source = open_destination(place).await?;
    ensure!(!source.registry().list(None, 1).await?.is_empty(), "it has no tenants");
    Ok(source)
}

/// Opens a storage to copy to, which may be new; an archive is none.
pub(crate) async fn open_destination(place: Place<'_>) -> anyhow::Result<Arc<dyn Storage>> {
    match place {
        Place::Sqlite(path) => sqlite(path).await,
        Place::Postgres(url) => postgres::storage(url).await,
        Place::Memory => bail!("`memory` is empty when a process starts, and gone when it ends"),
        Place::Archive(_) => bail!("an archive cannot be copied to an archive; copy the file"),
    }
}

/// The file of a server that has just been killed is in use for a moment longer.
async fn sqlite(path: PathBuf) -> anyhow::Result<Arc<dyn Storage>> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        ensure!(folder.exists(), "the folder {} does not exist", folder.display());
    }
    for _ in 0..LOOKS {
        match SqliteStorage::open(&path, SqliteOptions::default()).await {
            Err(OpenError::InUse { .. }) => tokio::time::sleep(BETWEEN_LOOKS).await,
            opened => return Ok(Arc::new(opened?)),
        }
    }
    Ok(Arc::new(SqliteStorage::open(path, SqliteOptions::default()).await?))
}
