//! One server, and what befalls its database.

use convor_tests::database::Database;
use convor_tests::postgres::Instance;
use convor_tests::proxy::Proxy;

use crate::report::{Report, runs};
use crate::talk::Talk;

#[tokio::test]
async fn a_crash_of_the_database_loses_nothing_that_was_acknowledged() {
    let mut report = Report::of_the_database("the database crashes and starts again");
    let mut instance = Instance::new().await;
    for _ in 0..runs() {
        let database = Database::fresh_on(&instance.url()).await;
        let mut talk = Talk::on(&database.app_url()).await;
        talk.goes_on().await;
        instance.stop().await;
        talk.is_troubled().await;
        instance.start().await;
        talk.recovers().await;
        report.add(talk.end().await);
    }
    report.print();
}

#[tokio::test]
async fn cut_connections_lose_nothing_that_was_acknowledged() {
    let mut report = Report::of_the_database("all connections are cut, three times");
    for _ in 0..runs() {
        let database = Database::fresh().await;
        let mut talk = Talk::on(&database.app_url()).await;
        for _ in 0..3 {
            talk.goes_on().await;
            assert!(database.terminate("true").await > 0);
        }
        talk.recovers().await;
        report.add(talk.end().await);
    }
    report.print();
}

#[tokio::test]
async fn a_full_disk_refuses_messages_and_loses_none() {
    let mut report = Report::of_the_database("the disk is full, then has room again");
    for _ in 0..runs() {
        let mut instance = Instance::on_small_disk(128).await;
        let database = Database::fresh_on(&instance.url()).await;
        let mut talk = Talk::at_length(&database.app_url()).await;
        talk.goes_on().await;
        instance.fill_disk().await;
        talk.is_troubled().await;
        instance.free_disk().await;
        talk.recovers().await;
        report.add(talk.end().await);
    }
    report.print();
}

/// The proxy stands for the address that moves from one database to the other.
#[tokio::test]
async fn a_replica_that_takes_over_has_all_that_was_acknowledged() {
    let mut report = Report::of_the_database("the database is killed and its replica takes over");
    for _ in 0..runs() {
        let mut primary = Instance::new().await;
        let database = Database::fresh_on(&primary.url()).await;
        let mut replica = primary.replica().await;
        let address = Proxy::bind().await;
        address.lead_to(primary.address());
        let mut talk = Talk::on(&address.through(&database.app_url())).await;
        talk.goes_on().await;
        primary.kill().await;
        talk.is_troubled().await;
        replica.promote().await;
        address.lead_to(replica.address());
        talk.recovers().await;
        report.add(talk.end().await);
    }
    report.print();
}
