//! What a migration is refused for, before it has changed anything, and what it says of the role that it has made.

use convor_postgres::{ConnectError, MigrateError, PostgresOptions, PostgresStorage, migrate};
use convor_tests::database::{Database, OWNER};
use sqlx::PgConnection;
use url::Url;

use crate::schema::{connect, count, run};

/// Roles are the server's, not the database's: these have its name, and go with this.
struct Roles {
    database: Database,
    superuser: PgConnection,
}

impl Roles {
    async fn of(database: Database) -> Self {
        let superuser = connect(&database.superuser_url()).await;
        Self { database, superuser }
    }

    fn name(&self, role: &str) -> String {
        format!("{}_{role}", self.database.name())
    }

    /// Makes a role with these attributes, and says its URL.
    async fn make(&mut self, role: &str, attributes: &str) -> String {
        let name = self.name(role);
        let mut url = Url::parse(&self.database.owner_url()).expect("a URL");
        let password = url.password().expect("a password").to_owned();
        run(&mut self.superuser, &format!("CREATE ROLE {name} LOGIN PASSWORD '{password}' {attributes}"))
            .await;
        url.set_username(&name).expect("it has users");
        url.into()
    }

    async fn has_schema(&mut self) -> bool {
        count(&mut self.superuser, "SELECT count(*) FROM pg_namespace WHERE nspname = 'convor'").await > 0
    }

    async fn end(mut self, roles: &[&str]) {
        for role in roles {
            let name = self.name(role);
            run(&mut self.superuser, &format!("DROP OWNED BY {name} CASCADE; DROP ROLE {name}")).await;
        }
    }
}

#[tokio::test]
async fn a_role_that_is_not_there_is_told_before_anything_is_changed() {
    let mut roles = Roles::of(Database::empty().await).await;
    let refused = migrate(&roles.database.owner_url(), "no such").await.expect_err("nobody may make it");
    let told = refused.to_string();
    assert!(
        told.starts_with("there is no role \"no such\"; make it (CREATE ROLE \"no such\" LOGIN"),
        "{told}"
    );
    assert!(told.ends_with("Nothing was changed"), "{told}");
    assert!(!roles.has_schema().await);
}

#[tokio::test]
async fn a_role_that_the_application_would_be_refused_with_is_refused_before_anything_is_changed() {
    let mut roles = Roles::of(Database::empty().await).await;
    for (role, attributes) in
        [("super", "SUPERUSER"), ("bypass", "BYPASSRLS"), ("member", &*format!("IN ROLE {OWNER}"))]
    {
        roles.make(role, attributes).await;
        let refused = migrate(&roles.database.owner_url(), &roles.name(role)).await.expect_err(role);
        let MigrateError::Role { reason, .. } = &refused else { panic!("{role}: {refused:?}") };
        let expected = match role {
            "super" => matches!(reason, ConnectError::Superuser),
            "bypass" => matches!(reason, ConnectError::BypassesRowSecurity),
            _ => matches!(reason, ConnectError::OwnsTables),
        };
        assert!(expected && refused.to_string().contains(&reason.to_string()), "{role}: {refused}");
        assert!(!roles.has_schema().await, "{role}");
    }
    roles.end(&["super", "bypass", "member"]).await;
}

#[tokio::test]
async fn a_superuser_does_not_migrate() {
    let mut roles = Roles::of(Database::empty().await).await;
    let refused = migrate(&roles.database.superuser_url(), "convor_app").await.expect_err("a superuser");
    assert!(matches!(refused, MigrateError::Superuser), "{refused:?}");
    assert!(!roles.has_schema().await);
}

#[tokio::test]
async fn whose_the_schema_is_or_the_database_is_told() {
    let mut roles = Roles::of(Database::fresh().await).await;
    let url = roles.make("other", "").await;
    let refused = migrate(&url, "convor_app").await.expect_err("it is another's");
    assert!(matches!(&refused, MigrateError::NotOwner(owner) if owner == OWNER), "{refused:?}");
    roles.end(&["other"]).await;

    let mut roles = Roles::of(Database::empty().await).await;
    let url = roles.make("other", "").await;
    let refused = migrate(&url, "convor_app").await.expect_err("it may not");
    assert!(matches!(&refused, MigrateError::MayNotCreate(owner) if owner == OWNER), "{refused:?}");
    roles.end(&["other"]).await;
}

#[tokio::test]
async fn a_role_that_was_made_is_told_once() {
    let mut roles = Roles::of(Database::empty().await).await;
    let url = roles.make("owner", "CREATEROLE").await;
    let grant = format!("GRANT CREATE ON DATABASE {} TO {}", roles.database.name(), roles.name("owner"));
    run(&mut roles.superuser, &grant).await;
    let application = roles.name("app");
    for made in [true, false] {
        let migrated = migrate(&url, &application).await.expect("it is migrated");
        assert_eq!(migrated.made_role, made);
    }
    roles.end(&["app", "owner"]).await;
}

/// A pool says no more than that there is no connection in time.
#[tokio::test]
async fn why_nothing_is_reached_is_told() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("an address")
    };
    for (host, expected) in
        [(closed.to_string(), "ConnectionRefused"), ("no..host".to_owned(), "unknown host")]
    {
        let options = PostgresOptions::new(&format!("postgres://convor_app@{host}/chat")).expect("options");
        let options = options.acquire_timeout(std::time::Duration::from_millis(200));
        let error = PostgresStorage::connect(options).await.expect_err("nothing is there");
        let ConnectError::Storage(error) = error else { panic!("{error:?}") };
        let source = std::error::Error::source(&error).expect("a code").to_string();
        assert_eq!(source, format!("connection: {expected}"));
    }
}
