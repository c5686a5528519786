//! Two servers on one database, the visitors on one and the operators on the other: what one writes the other hears of
//! through a connection that listens, and that can be lost.

use convor_tests::database::Database;
use convor_tests::patience::look;

use crate::report::{Report, runs};
use crate::talk::Talk;

/// The connections that listen, as the store names them.
const LISTENERS: &str = "application_name = 'convor listener'";

#[tokio::test]
async fn servers_that_cannot_hear_each_other_for_a_while_miss_nothing() {
    let mut report = Report::new("two servers: those who listen are cut off, three times");
    for _ in 0..runs() {
        let database = Database::fresh().await;
        let mut talk = Talk::on_two_servers(&database.app_url()).await;
        for _ in 0..3 {
            talk.goes_on().await;
            let listening = look(async || (database.connections(LISTENERS).await == 2).then_some(())).await;
            listening.expect("each server listens, and listens again");
            assert_eq!(database.terminate(LISTENERS).await, 2);
        }
        talk.recovers().await;
        report.add(talk.end().await);
    }
    report.print();
}
