//! PostgreSQL storage for Convor: migrations, row-level security on every table, appends in one round trip, a broker over
//! LISTEN/NOTIFY. PostgreSQL 15 or later.
//!
//! # Setting it up
//! Two roles share the work. The **owner** has the schema `convor` and migrates it; the **application** may call its functions
//! and touch its tables as those do, and owns nothing.
//!
//! ```no_run
//! # async fn set_up() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use convor_postgres::{PostgresOptions, PostgresStorage, migrate};
//!
//! // Idempotent: at every start, or in a step of the deployment's own.
//! migrate("postgres://convor_owner@db.example/chat", "convor_app").await?;
//!
//! let options = PostgresOptions::new("postgres://convor_app@db.example/chat?sslmode=verify-full")?;
//! let storage = Arc::new(PostgresStorage::connect(options).await?);
//! # Ok(())
//! # }
//! ```
//!
//! [`PostgresStorage::connect`] refuses a superuser, a role with `BYPASSRLS`, one that owns the schema or what is in it, may
//! create something there, or can become a role that does, a table without forced row-level security, and a schema of an
//! older version. The readiness of a node asks the same again. Everything is in the schema `convor`; what is in others, a
//! host's own tables and migrations, is not concerned.
//!
//! The search path of a connection holds `pg_catalog` and `pg_temp` alone, so that no function of somebody else's is taken for
//! one of PostgreSQL's. [`PostgresOptions`] sets it; a pool of the host's own has to, and is refused otherwise.
//!
//! A migration never takes away what the version before it uses: migrate first, and nodes of both versions work on the newer
//! schema while they are replaced.
//!
//! # No statement reads another tenant's rows
//! Two walls, each of which would do:
//! - Every function takes the tenant first, and names it in each of its conditions. Keys and foreign keys lead with the tenant,
//!   so that what is stored cannot refer to another tenant's.
//! - Row-level security is on and forced for every table with a tenant's data: without the setting `convor.tenant`, which each
//!   function makes for its own transaction, there is no row. It catches a forgotten condition. It does not catch a wrong
//!   argument, and whoever has the application's password can say any tenant.
//!
//! Two tables are outside: `convor.tenants`, which is the registry, and `convor.due_work`, which says for which tenants
//! background work is due, by the ids of notifications and of conversations and the time. Neither holds anything that anybody
//! has said. What every column is, whose, and how it ends, says [`COLUMNS`].
//!
//! # Transactions
//! Each method is one call of one function, in one round trip, and the server begins and ends its transaction. So none is ever
//! open on this side, and a future that is dropped at any point leaves nothing behind: its statement runs to its end, or
//! was never sent. It works at `READ COMMITTED`, the server's default: what must not change in between is locked, in the order
//! visitor, conversations by their ids, operators, tenant. A method that only reads sees one snapshot.
//!
//! **An append** locks its conversation before it looks for a repeat or allots a position, and holds the lock until its commit
//! is durable: about the time of one flush of the server's log, and nobody waits for it but who appends to, reads up in or
//! changes the same conversation. In a batch ([`Batching`]) the locks of all its conversations are held until the
//! batch is committed, a few milliseconds for 128 messages.
//!
//! What fails for a reason that passes is tried again, with pauses that grow and differ, at most three times: after a deadlock,
//! a serialization failure or a wait for a lock that took too long always, because that was rolled back; after a lost connection
//! only what reads and what comes to the same when it is done twice, like an append, which recognises its repeat.
//!
//! # Connections
//! A call that has succeeded leaves its connection to the next one, for at most 64 calls, 100 ms and 10 ms without one: then the
//! pool has it back, asks whether it lives, and looks whether it is clean. That costs two round trips, and a call has one.
//!
//! [`PostgresOptions`] says what each setting is for. A pooler in transaction mode has to know prepared statements, as PgBouncer
//! does from 1.21 on with `max_prepared_statements` above 0; if it lets no parameters pass, say [`PostgresOptions::pooled`].
//! [`migrate()`] and [`PostgresBroker`] need the server itself, or a pooler in session mode.
//!
//! TLS needs one of the features `tls-rustls-webpki` (trusts Mozilla's roots) and `tls-rustls-native-roots` (the system's), and
//! `sslmode=verify-full` in the URL: `prefer`, which PostgreSQL's clients begin with, is content without.

mod append;
mod batch;
mod broker;
mod call;
mod classification;
mod codes;
mod connect;
mod connections;
mod error;
mod grants;
mod migrate;
mod options;
mod retry;
mod roles;
mod rows;
mod storage;
mod url;

pub use batch::Batching;
pub use broker::{CHANNEL, PostgresBroker};
pub use classification::{COLUMNS, Column, Erasure, Export, Kept, Subject};
pub use connect::ConnectError;
pub use migrate::{MigrateError, Migrated, migrate};
pub use options::PostgresOptions;
pub use storage::PostgresStorage;
pub use url::UrlError;
