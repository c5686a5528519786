//! PostgreSQL: the storage, the broker, and the schema.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use convor::ports::{Broker, Storage};
use convor_postgres::{ConnectError, PostgresBroker, PostgresOptions, PostgresStorage};

use super::{Place, Url};
use crate::args::Migrate;

pub(super) async fn storage(url: &Url) -> anyhow::Result<Arc<dyn Storage>> {
    let options = PostgresOptions::new(url.reveal()).map_err(explain)?;
    Ok(Arc::new(PostgresStorage::connect(options).await.map_err(explain)?))
}

pub(super) async fn broker(url: &Url) -> anyhow::Result<Arc<dyn Broker>> {
    Ok(Arc::new(PostgresBroker::connect(url.reveal()).await.map_err(explain)?))
}

/// Why the database cannot be used, and what to do.
fn explain(error: ConnectError) -> anyhow::Error {
    let advice = match &error {
        ConnectError::Url => "write it as `postgres://ROLE@HOST/DATABASE`",
        ConnectError::NoSchema => {
            "run `convor-server migrate` with the owner's role, and name the role that is used here as --application-role"
        }
        ConnectError::Version { .. } => "run `convor-server migrate` of this version with the owner's role",
        ConnectError::Superuser
        | ConnectError::BypassesRowSecurity
        | ConnectError::OwnsTables
        | ConnectError::MayCreate
        | ConnectError::MayBecomeOwner => {
            "use the application's role, which `convor-server migrate` prepares (`convor_app`)"
        }
        ConnectError::SearchPath => {
            "let the pooler before it pass on `search_path`, or set it for the role with ALTER ROLE"
        }
        ConnectError::Encoding => "make the database with ENCODING 'UTF8'",
        ConnectError::NoRowSecurity => "somebody has changed the schema: restore it",
        ConnectError::Deaf => "connect to the database itself, or to a pooler in session mode",
        _ => "see whether the server runs, and whether host, role, password and database are right",
    };
    anyhow!(error).context(format!("the PostgreSQL database cannot be used; {advice}"))
}

/// Brings the schema of a database up to date.
pub(crate) async fn migrate(args: &Migrate) -> anyhow::Result<()> {
    let Place::Postgres(url) = args.storage.place()? else {
        anyhow::bail!("only PostgreSQL is migrated by a command; an SQLite file is when it is opened");
    };
    let role = &args.application_role;
    let done = convor_postgres::migrate(url.reveal(), role)
        .await
        .context("the PostgreSQL database was not migrated; it takes the role that owns the schema")?;
    println!("The schema had version {} and has version {}; the role {role} may use it.", done.from, done.to);
    Ok(())
}
