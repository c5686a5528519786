//! Two servers on one database, the visitors on one and the operators on the other, of which one dies, hangs or is replaced.

use std::time::Duration;

use convor_tests::database::Database;
use convor_tests::environment::proving;
use convor_tests::nats::Server as Nats;
use convor_tests::patience::look;
use tokio::time::sleep;

use crate::node::{Broker, Node};
use crate::progress::Who;
use crate::report::{Report, runs};
use crate::talk::Talk;
use crate::way::Fate;

/// The connections that listen, as the store names them.
const LISTENERS: &str = "application_name = 'convor listener'";

#[tokio::test]
async fn servers_that_cannot_hear_each_other_for_a_while_miss_nothing() {
    let mut report = Report::of_nodes("LISTEN/NOTIFY: those who listen are cut off, three times");
    for _ in 0..runs() {
        let database = Database::fresh().await;
        let mut talk = Talk::on_two_nodes(&database.app_url(), &Broker::database(), Fate::Stay).await;
        for _ in 0..3 {
            talk.goes_on().await;
            let listening = look(async || (database.connections(LISTENERS).await == 2).then_some(())).await;
            listening.expect("each server listens, and listens again");
            talk.heals(async |_| assert_eq!(database.terminate(LISTENERS).await, 2)).await;
        }
        report.add(talk.end().await);
    }
    report.print();
}

#[tokio::test]
async fn a_killed_server_has_lost_nothing_that_it_acknowledged() {
    let nats = Nats::new().await;
    for (name, broker) in [("LISTEN/NOTIFY", Broker::database()), ("NATS", Broker::nats(nats.url()))] {
        let mut report = Report::of_nodes(&format!("{name}: a node is killed and starts again"));
        for run in 0..runs() {
            let database = Database::fresh().await;
            let mut talk = Talk::on_two_nodes(&database.app_url(), &broker, Fate::Die).await;
            // The server of the visitors, or that of the operator. At the other one they hear it to its last word.
            let (victim, others) = [(0, Who::Operator), (1, Who::Visitors)][run % 2];
            talk.goes_on().await;
            talk.silence(others).await;
            talk.nodes[victim].kill().await;
            talk.is_troubled().await;
            talk.is_all_heard_by(others).await;
            talk.silence(Who::Nobody).await;
            talk.heals(async |nodes| nodes[victim].start().await).await;
            report.add(talk.end().await);
        }
        report.print();
    }
}

#[tokio::test]
async fn a_server_that_hangs_and_goes_on_misses_nothing_and_repeats_nothing() {
    // Long enough that those who wait for it give up, and for the other node to think it gone.
    let hangs = if proving() { 30 } else { 7 };
    let nats = Nats::new().await;
    let mut report = Report::of_nodes(&format!("NATS: a node hangs for {hangs} s and goes on"));
    for run in 0..runs() {
        let database = Database::fresh().await;
        let broker = Broker::nats(nats.url());
        let mut talk = Talk::on_two_nodes(&database.app_url(), &broker, Fate::Die).await;
        let victim = run % 2;
        talk.goes_on().await;
        talk.nodes[victim].freeze();
        tokio::join!(talk.is_troubled(), sleep(Duration::from_secs(hangs)));
        talk.heals(async |nodes| nodes[victim].thaw()).await;
        report.add(talk.end().await);
    }
    report.print();
}

#[tokio::test]
async fn servers_that_are_replaced_one_after_the_other_are_not_missed() {
    let nats = Nats::new().await;
    for (name, broker) in [("LISTEN/NOTIFY", Broker::database()), ("NATS", Broker::nats(nats.url()))] {
        let mut report = Report::of_nodes(&format!("{name}: both nodes are replaced, one after the other"));
        for _ in 0..runs() {
            let database = Database::fresh().await;
            let mut talk = Talk::on_two_nodes(&database.app_url(), &broker, Fate::Restart).await;
            for number in 0..2 {
                talk.goes_on().await;
                let replaced = async |nodes: &mut Vec<Node>| {
                    nodes[number].end().await;
                    nodes[number].start().await;
                };
                talk.heals(replaced).await;
            }
            report.add(talk.end().await);
        }
        report.print();
    }
}
