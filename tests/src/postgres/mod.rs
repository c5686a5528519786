//! PostgreSQL servers of a test's own, which it may stop, kill, fill up and replace.

mod keeper;

use std::net::SocketAddr;

use sqlx::{Connection, PgConnection};

use self::keeper::Keeper;
use crate::patience::look;

/// How many ports are tried: between being found free and being used, somebody else may take one.
const PORTS_MAX: usize = 5;

/// A server that runs until this is dropped, or until the test that holds it is gone.
#[derive(Debug)]
pub struct Instance {
    keeper: Keeper,
    password: String,
}

impl Instance {
    /// A server with nothing in it.
    pub async fn new() -> Self {
        Self::created(None, "create").await
    }

    /// A server with nothing in it on a disk of its own of this size.
    pub async fn on_small_disk(megabytes: u32) -> Self {
        // Small segments, so that the log needs room as often as the tables do.
        Self::created(Some(megabytes), "create --wal-segsize 1").await
    }

    /// A server that follows this one. What is committed here from now on has been applied there first.
    pub async fn replica(&self) -> Self {
        let copy = format!("copy {} {}", self.address().port(), self.password);
        let replica = Self::created(None, &copy).await;
        self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
        self.execute("ALTER SYSTEM SET synchronous_commit = 'remote_apply'").await;
        self.execute("SELECT pg_reload_conf()").await;
        let synchronous = "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')";
        let seen = look(async || self.asks(synchronous).await.then_some(())).await;
        seen.expect("the replica follows in time");
        replica
    }

    async fn created(megabytes: Option<u32>, how: &str) -> Self {
        let mut said = String::new();
        for _ in 0..PORTS_MAX {
            let mut keeper = Keeper::new(megabytes);
            match keeper.run(&format!("{how} && start")).await {
                Ok(()) => return Self { password: keeper.password(), keeper },
                Err(instead) => said = instead,
            }
        }
        panic!("no server starts. It says:\n{said}")
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.keeper.address
    }

    /// For its superuser, with the password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres:{}@{}/postgres", self.password, self.address())
    }

    /// Ends it as a crash would, and everybody's connection with it.
    pub async fn stop(&mut self) {
        self.run("stop").await;
    }

    /// Starts it after its end; it recovers what has been committed.
    pub async fn start(&mut self) {
        self.run("start").await;
    }

    /// Kills its first process, which leaves the others to find out.
    pub async fn kill(&mut self) {
        self.run("murder").await;
    }

    /// Makes a replica a server in its own right.
    pub async fn promote(&mut self) {
        self.run("promote").await;
    }

    /// Takes all that is left of its disk.
    pub async fn fill_disk(&mut self) {
        self.run("fill").await;
    }

    /// Gives its disk the room back. A server that has given up in the meantime is started.
    pub async fn free_disk(&mut self) {
        self.run("rm data/filler; running || start").await;
    }

    async fn run(&mut self, command: &str) {
        self.keeper.run(command).await.unwrap_or_else(|said| panic!("`{command}` fails: {said}"));
    }

    async fn execute(&self, statement: &'static str) {
        let done = sqlx::raw_sql(statement).execute(&mut self.connect().await).await;
        done.unwrap_or_else(|error| panic!("`{statement}`: {error}"));
    }

    async fn asks(&self, question: &'static str) -> bool {
        sqlx::query_scalar(question).fetch_one(&mut self.connect().await).await.expect("an answer")
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.expect("the server answers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn holds(instance: &Instance) -> Vec<i32> {
        let rows = sqlx::query_scalar("SELECT id FROM things ORDER BY id");
        rows.fetch_all(&mut instance.connect().await).await.expect("rows")
    }

    #[tokio::test]
    async fn nobody_comes_in_without_the_password() {
        let instance = Instance::new().await;
        let guessed = instance.url().replace(&instance.password, "postgres");
        let refused = PgConnection::connect(&guessed).await.expect_err("it is another one");
        let code = refused.as_database_error().and_then(|error| error.code());
        assert_eq!(code.as_deref(), Some("28P01"), "{refused}");
    }

    #[tokio::test]
    async fn what_is_committed_outlives_a_crash() {
        let mut instance = Instance::new().await;
        instance.execute("CREATE TABLE things (id int)").await;
        instance.execute("INSERT INTO things VALUES (1)").await;
        instance.stop().await;
        assert!(PgConnection::connect(&instance.url()).await.is_err());
        instance.start().await;
        instance.execute("INSERT INTO things VALUES (2)").await;
        assert_eq!(holds(&instance).await, [1, 2]);
    }

    #[tokio::test]
    async fn a_replica_that_takes_over_holds_what_is_committed() {
        let mut primary = Instance::new().await;
        primary.execute("CREATE TABLE things (id int)").await;
        let mut replica = primary.replica().await;
        primary.execute("INSERT INTO things VALUES (1)").await;
        assert_eq!(holds(&replica).await, [1], "it is applied there before it is committed here");
        primary.kill().await;
        replica.promote().await;
        replica.execute("INSERT INTO things VALUES (2)").await;
        assert_eq!(holds(&replica).await, [1, 2]);
    }

    #[tokio::test]
    async fn a_full_disk_refuses_rows_until_there_is_room() {
        let mut instance = Instance::on_small_disk(96).await;
        instance.execute("CREATE TABLE things (id int)").await;
        instance.fill_disk().await;
        let insert = "INSERT INTO things SELECT generate_series(1, 10000)";
        assert!(sqlx::raw_sql(insert).execute(&mut instance.connect().await).await.is_err());
        instance.free_disk().await;
        instance.execute(insert).await;
        assert_eq!(holds(&instance).await.len(), 10_000);
    }
}
