//! A PostgreSQL server for one run, whose commits are durable.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use convor::Chat;
use convor::credentials::SiteKey;
use convor::domain::Principal;
use convor::protocol::OpenRequest;
use convor::service::NewSite;
use convor_benches::id;
use convor_postgres::{PostgresOptions, PostgresStorage};
use convor_tests::database::Database;
use convor_tests::postgres::Instance;
use futures_util::future::try_join_all;
use sqlx::{Connection, PgConnection};
use tokio::runtime::{Builder, Runtime};

/// Tenants that are made at once.
const AT_ONCE: usize = 16;

/// After so long a connection on which nothing happens has reported what it has done (`PGSTAT_IDLE_INTERVAL`).
const REPORTED_WITHIN: Duration = Duration::from_secs(11);

/// A server that ends with this. It may run on every core.
#[derive(Debug)]
pub(crate) struct Postgres {
    instance: Instance,
    /// Lives longer than what was made on it.
    runtime: Runtime,
}

impl Postgres {
    pub(crate) fn start() -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let instance = runtime.block_on(Instance::new());
        let durable = async {
            let mut connection = PgConnection::connect(&instance.url()).await?;
            // Servers for tests forget what a power cut takes.
            for setting in [
                "ALTER SYSTEM SET fsync = on",
                "ALTER SYSTEM SET full_page_writes = on",
                "SELECT pg_reload_conf()",
            ] {
                sqlx::raw_sql(setting).execute(&mut connection).await?;
            }
            connection.close().await
        };
        runtime.block_on(durable).context("the server takes settings")?;
        Ok(Self { instance, runtime })
    }

    /// A database with Convor's schema and nothing in it.
    pub(crate) fn database(&self) -> Database {
        self.runtime.block_on(Database::fresh_on(&self.instance.url()))
    }

    /// The transactions that have been committed in it so far, of those who have had time to report theirs.
    pub(crate) fn commits(&self, name: &str) -> Result<i64> {
        self.runtime.block_on(async {
            tokio::time::sleep(REPORTED_WITHIN).await;
            let mut connection = PgConnection::connect(&self.instance.url()).await?;
            let commits = sqlx::query_scalar("SELECT xact_commit FROM pg_stat_database WHERE datname = $1");
            let commits = commits.bind(name).fetch_one(&mut connection).await?;
            connection.close().await?;
            Ok(commits)
        })
    }

    /// Puts so many tenants into it, each with a site, a visitor and a conversation.
    pub(crate) fn fill(&self, database: &Database, tenants: usize) -> Result<()> {
        self.runtime.block_on(async {
            let storage = PostgresStorage::connect(PostgresOptions::new(&database.app_url())?).await?;
            let storage = Arc::new(storage);
            let chat = Chat::builder(Arc::clone(&storage) as _).start();
            for begun in (0..tenants).step_by(AT_ONCE) {
                let some = begun..tenants.min(begun + AT_ONCE);
                try_join_all(some.map(|_| tenant(&chat))).await?;
            }
            drop(chat);
            storage.close().await;
            Ok(())
        })
    }
}

/// A tenant that nobody will hear of.
async fn tenant(chat: &Chat) -> Result<()> {
    let tenant = chat.create_tenant("Idle", "eu").await?;
    let new = NewSite { name: "Shop", title: "Talk", greeting: "Hello!", color: "#0b6e4f", origins: &[] };
    let site = chat.create_site(tenant, new).await?.id;
    let (visitor, _) = chat.register_visitor(&SiteKey::new(tenant, site), None).await?;
    let visitor = Principal::visitor(tenant, site, visitor.id);
    chat.open(&visitor, OpenRequest { client_id: id(0), subject: None, first_message: None }).await?;
    Ok(())
}
