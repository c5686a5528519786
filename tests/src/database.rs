//! Databases for tests: each a copy of a template that has been migrated once, and gone when its test ends.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::thread;

use include_dir::{Dir, include_dir};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::runtime;
use url::Url;

/// The role that owns the schema.
pub const OWNER: &str = "convor_owner";

/// The role that the application works with.
pub const APPLICATION: &str = "convor_app";

/// The variable that names the server, by the URL of a superuser.
const SERVER: &str = "CONVOR_TEST_POSTGRES";

/// What only one process of a server's may do at a time.
const LOCK: i64 = 0x636f_6e76_6f72;

/// What the schema is made from, as it was when these tests were built,
static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../convor-postgres/migrations");

/// and what makes it and says who may do what with it.
const MIGRATING: [&str; 2] = [
    include_str!("../../convor-postgres/src/migrate.rs"),
    include_str!("../../convor-postgres/src/grants.rs"),
];

/// A database of its own, with the schema and nothing in it. It is dropped with this, whoever is still connected.
#[derive(Debug)]
pub struct Database {
    server: Url,
    name: String,
}

impl Database {
    /// A new one on the server that the tests are run with.
    ///
    /// # Panics
    /// If no server is named, or it does not do as it is told.
    pub async fn fresh() -> Self {
        Self::fresh_on(&server()).await
    }

    /// A new one on this server, which a superuser's URL names.
    pub async fn fresh_on(server: &str) -> Self {
        let server = Url::parse(server).expect("a server is named by a URL");
        let template = template(&server).await;
        let clone = |name: &str| format!("CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER}");
        Self::create(server, clone).await
    }

    /// A new one without a schema, on the server that the tests are run with.
    pub async fn empty() -> Self {
        let server = Url::parse(&server()).expect("a server is named by a URL");
        // The roles come with the template.
        template(&server).await;
        Self::create(server, |name| format!("CREATE DATABASE {name} OWNER {OWNER}")).await
    }

    async fn create(server: Url, statement: impl Fn(&str) -> String) -> Self {
        let mut connection = connect(&server).await;
        let name = sqlx::query_scalar("SELECT 'convor_test_' || replace(gen_random_uuid()::text, '-', '')");
        let name: String = name.fetch_one(&mut connection).await.expect("a name");
        execute(&mut connection, &statement(&name)).await;
        Self { server, name }
    }

    /// Its name on the server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For the role that owns the schema.
    #[must_use]
    pub fn owner_url(&self) -> String {
        url(&self.server, &self.name, Some(OWNER))
    }

    /// For the role that the application works with.
    #[must_use]
    pub fn app_url(&self) -> String {
        url(&self.server, &self.name, Some(APPLICATION))
    }

    /// For a superuser, whom no policy binds.
    #[must_use]
    pub fn superuser_url(&self) -> String {
        url(&self.server, &self.name, None)
    }

    /// How many connections to it this condition on `pg_stat_activity` holds for.
    pub async fn connections(&self, condition: &str) -> usize {
        self.activity("true", condition).await
    }

    /// Ends those connections, and says how many.
    pub async fn terminate(&self, condition: &str) -> usize {
        self.activity("pg_terminate_backend(pid)", condition).await
    }

    async fn activity(&self, result: &str, condition: &str) -> usize {
        let name = &self.name;
        let rows =
            format!("SELECT {result} FROM pg_stat_activity WHERE datname = '{name}' AND ({condition})");
        let rows = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(&mut connect(&self.server).await).await;
        let rows: Vec<bool> = rows.expect("a list of connections");
        rows.len()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = async move {
            // A server that is gone, as some tests leave theirs, has taken the database with it.
            let Ok(mut connection) = PgConnection::connect(server.as_str()).await else { return };
            // Nor is there always a replica left to wait for.
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            for statement in ["SET synchronous_commit = local".to_owned(), drop] {
                // What stays behind is swept away when the next template is made.
                let _ = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await;
            }
        };
        // A test's own runtime may be the one that waits here.
        let _ = thread::spawn(|| runtime().block_on(dropping)).join();
    }
}

fn server() -> String {
    std::env::var(SERVER)
        .unwrap_or_else(|_| panic!("{SERVER} is not set: run `cargo xtask test`, which provides it"))
}

/// The name of the database with the schema of these tests, which is made if it is not there.
async fn template(server: &Url) -> String {
    let name = format!("convor_template_{:016x}", version());
    let mut connection = connect(server).await;
    if exists(&mut connection, &name).await {
        return name;
    }
    // Tests run in processes of their own, and all of them begin here. The lock ends with the connection.
    execute(&mut connection, &format!("SELECT pg_advisory_lock({LOCK})")).await;
    if !exists(&mut connection, &name).await {
        sweep(&mut connection).await;
        make(&mut connection, server, &name).await;
    }
    name
}

/// Makes a template. It has its name only once it is complete, so that a half-made one is never taken for it.
async fn make(connection: &mut PgConnection, server: &Url, name: &str) {
    let unfinished = format!("{name}_unfinished");
    let password = password(server);
    for role in [OWNER, APPLICATION] {
        let unless = format!("IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')");
        execute(connection, &format!("DO $$ BEGIN {unless} THEN CREATE ROLE {role}; END IF; END $$")).await;
        execute(connection, &format!("ALTER ROLE {role} LOGIN PASSWORD '{password}'")).await;
    }
    execute(connection, &format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await;
    execute(connection, &format!("CREATE DATABASE {unfinished} OWNER {OWNER}")).await;
    let migrated = convor_postgres::migrate(&url(server, &unfinished, Some(OWNER)), APPLICATION).await;
    migrated.unwrap_or_else(|error| panic!("the schema is not made: {error:?}"));
    // A database can be copied only while nobody is connected to it.
    execute(connection, &format!("ALTER DATABASE {unfinished} ALLOW_CONNECTIONS false")).await;
    execute(connection, &format!("ALTER DATABASE {unfinished} RENAME TO {name}")).await;
}

/// Drops what tests that were killed have left behind, and the templates of other versions, unless somebody uses them.
async fn sweep(connection: &mut PgConnection) {
    let old = "SELECT datname FROM pg_database d \
               WHERE datname ~ '^convor_(test|template)_' \
               AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid) \
               AND (pg_stat_file('base/' || oid || '/PG_VERSION', true)).modification < now() - interval '7 days'";
    let old: Vec<String> = sqlx::query_scalar(old).fetch_all(&mut *connection).await.expect("a list");
    for name in old {
        // Whoever has come to it meanwhile keeps it.
        let drop = format!("DROP DATABASE IF EXISTS {name}");
        let _ = sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut *connection).await;
    }
}

/// Differs where the schema may.
fn version() -> u64 {
    let mut files: Vec<_> = MIGRATIONS.files().collect();
    files.sort_by_key(|file| file.path());
    let mut hasher = DefaultHasher::new();
    MIGRATING.hash(&mut hasher);
    for file in files {
        (file.path(), file.contents()).hash(&mut hasher);
    }
    hasher.finish()
}

async fn exists(connection: &mut PgConnection, name: &str) -> bool {
    let exists = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)");
    exists.bind(name).fetch_one(connection).await.expect("a list")
}

async fn execute(connection: &mut PgConnection, statement: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await;
    done.unwrap_or_else(|error| panic!("`{statement}`: {error}"));
}

async fn connect(server: &Url) -> PgConnection {
    let connected = PgConnection::connect(server.as_str()).await;
    connected.unwrap_or_else(|error| panic!("{SERVER} names no server that answers: {error}"))
}

fn url(server: &Url, database: &str, role: Option<&str>) -> String {
    let mut url = server.clone();
    url.set_path(database);
    if let Some(role) = role {
        url.set_username(role).expect("a server has users");
        url.set_password(Some(&password(server))).expect("users have passwords");
    }
    url.into()
}

/// The password of both roles, which nobody guesses who does not know the superuser's: the letters and digits of that.
/// A server that asks for none is handed something all the same.
fn password(server: &Url) -> String {
    let plain: String =
        server.password().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    if plain.is_empty() { "convor".to_owned() } else { plain }
}

fn runtime() -> runtime::Runtime {
    runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_is_gone_when_it_is_dropped_whoever_is_connected() {
        let database = Database::fresh().await;
        let (name, server) = (database.name().to_owned(), database.server.clone());
        let _connected = PgConnection::connect(&database.app_url()).await.expect("a connection");
        assert!(exists(&mut connect(&server).await, &name).await);
        drop(database);
        assert!(!exists(&mut connect(&server).await, &name).await);
    }

    #[tokio::test]
    async fn connections_end_when_they_are_told_to() {
        let database = Database::fresh().await;
        let mut connection = PgConnection::connect(&database.app_url()).await.expect("a connection");
        assert_eq!(database.connections("usename = 'convor_app'").await, 1);
        assert_eq!(database.terminate("usename = 'nobody'").await, 0);
        connection.ping().await.expect("it is still there");
        assert_eq!(database.terminate("usename = 'convor_app'").await, 1);
        assert!(connection.ping().await.is_err());
    }

    #[tokio::test]
    async fn databases_are_apart() {
        let (one, other) = tokio::join!(Database::fresh(), Database::fresh());
        assert_ne!(one.name(), other.name());
    }
}
