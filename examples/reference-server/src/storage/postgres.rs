//! PostgreSQL: the storage, the broker, and the schema.

use std::error::Error;
use std::sync::Arc;

use anyhow::anyhow;
use convor::ports::{Broker, Storage, StorageError};
use convor_postgres::{ConnectError, MigrateError, PostgresBroker, PostgresOptions, PostgresStorage};

use super::{Place, Url};
use crate::args::Migrate;

pub(super) async fn storage(url: &Url) -> anyhow::Result<Arc<dyn Storage>> {
    let explain = |error| explain(error, url);
    let options = PostgresOptions::new(url.reveal()).map_err(explain)?;
    Ok(Arc::new(PostgresStorage::connect(options).await.map_err(explain)?))
}

pub(super) async fn broker(url: &Url) -> anyhow::Result<Arc<dyn Broker>> {
    Ok(Arc::new(PostgresBroker::connect(url.reveal()).await.map_err(|error| explain(error, url))?))
}

/// Why the database cannot be used, and what to do.
fn explain(error: ConnectError, url: &Url) -> anyhow::Error {
    let advice = match &error {
        ConnectError::Url(_) => "write it as `postgres://ROLE@HOST/DATABASE`",
        ConnectError::Storage(error) => return failed("used", error, url),
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

/// What a failure means, with its code.
fn failed(done: &str, error: &StorageError, url: &Url) -> anyhow::Error {
    let code = error.source().map(ToString::to_string).unwrap_or_default();
    anyhow!("the PostgreSQL database cannot be {done}: {} ({code})", meaning(&code, url.database()))
}

/// What a code says: an SQLSTATE, or a word for what is not the database's own. It holds no content.
fn meaning(code: &str, database: Option<&str>) -> String {
    let meaning = match code {
        "28P01" => "the password is wrong or missing (PGPASSWORD), or there is no such role",
        "28000" => "there is no such role, or the server lets it in neither from here nor without TLS",
        "3D000" => {
            return database.map_or_else(
                || "there is no such database".to_owned(),
                |name| format!("there is no database \"{name}\""),
            );
        }
        "42501" => "this role may not do that: it needs CONNECT on the database, and to migrate CREATE",
        "53300" => "the server, the database or the role has no connection left",
        "57P03" => "the server starts up or shuts down; try it again in a moment",
        "connection: ConnectionRefused" => "nothing listens at this host and port",
        "connection: NotFound" => "there is no such socket or file: see ?host= and ?sslrootcert=",
        "connection: unknown host" => "nobody knows this host's name",
        "TLS" => {
            "the server offers no TLS, or its certificate is not accepted: see ?sslmode= and ?sslrootcert="
        }
        "no answer in time" | "connection: TimedOut" => "nobody answers at this host and port",
        "protocol" | "connection: UnexpectedEof" => "what listens there does not answer like PostgreSQL",
        _ => "see whether the server runs, and whether host, role, password and database are right",
    };
    meaning.to_owned()
}

/// Brings the schema of a database up to date.
pub(crate) async fn migrate(args: &Migrate) -> anyhow::Result<()> {
    let Place::Postgres(url) = args.storage.place()? else {
        anyhow::bail!("only PostgreSQL is migrated by a command; an SQLite file is when it is opened");
    };
    let role = &args.application_role;
    let done = convor_postgres::migrate(url.reveal(), role).await.map_err(|error| match error {
        MigrateError::Storage(error) => failed("migrated", &error, url),
        MigrateError::SameRole => anyhow!(error).context(
            "the PostgreSQL database was not migrated; connect as the role that owns the schema, and name the servers' role \
             as --application-role",
        ),
        error => anyhow!(error).context("the PostgreSQL database was not migrated"),
    })?;
    println!("The schema had version {} and has version {}; the role {role} may use it.", done.from, done.to);
    if done.made_role {
        println!("The role was made, and it has no password yet: ALTER ROLE {} PASSWORD '…'", quoted(role));
    }
    Ok(())
}

/// A role as a statement names it.
fn quoted(role: &str) -> String {
    let is_plain = role.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_')
        && role.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if is_plain { role.to_owned() } else { format!("\"{}\"", role.replace('"', "\"\"")) }
}
