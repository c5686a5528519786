//! Two servers on one database and NATS, which ends or is cut off while both reach the database.

use convor_tests::database::Database;
use convor_tests::nats::{Cable, Server as Nats, can_be_laid};
use convor_tests::proxy::Proxy;

use crate::node::Broker;
use crate::report::{Report, runs};
use crate::talk::Talk;
use crate::way::Fate;

#[tokio::test]
async fn a_broker_that_is_killed_and_starts_again_costs_no_message() {
    for sealed in [true, false] {
        let carried = if sealed { "sealed events" } else { "hints" };
        let mut report = Report::of_nodes(&format!("NATS with {carried} is killed and starts again"));
        for _ in 0..runs() {
            let (mut nats, database) = (Nats::new().await, Database::fresh().await);
            let broker = Broker { url: Some(nats.url()), sealed };
            let mut talk = Talk::on_two_nodes(&database.app_url(), &broker, Fate::Stay).await;
            talk.goes_on().await;
            nats.stop().await;
            for node in &talk.nodes {
                node.is_degraded().await;
            }
            // They find what is said by rereading.
            talk.is_heard().await;
            talk.falls_silent().await;
            talk.heals(async |_| nats.start().await).await;
            report.add(talk.end().await);
        }
        report.print();
    }
}

/// What one of two servers reaches NATS by, and can be cut.
enum Line {
    Network(Cable),
    Proxy(Proxy),
}

#[tokio::test]
async fn a_server_that_is_cut_off_from_the_broker_hears_everything_and_is_heard() {
    if can_be_laid().await {
        partition("by network namespaces", true).await;
    } else {
        println!("this machine does not let networks be made (it takes root): only a proxy cuts nodes off");
    }
    partition("by a proxy", false).await;
}

async fn partition(by: &str, networks: bool) {
    let mut report = Report::of_nodes(&format!("NATS: a node is cut off from it, silently, {by}"));
    for run in 0..runs() {
        let database = Database::fresh().await;
        let (_nats, line, urls) = lines(networks).await;
        // The node of the visitors, or that of the operators.
        let mut brokers = urls.map(Broker::nats);
        if run % 2 == 1 {
            brokers.reverse();
        }
        let storage = database.app_url();
        let mut talk = Talk::on_two_nodes_with(&storage, brokers, Fate::Stay).await;
        talk.goes_on().await;
        line.cut().await;
        talk.nodes[run % 2].is_degraded().await;
        talk.nodes[(run + 1) % 2].is_sound().await;
        // The other one has given it up by the second time, and may not forget it.
        for _ in 0..2 {
            talk.is_heard().await;
            talk.falls_silent().await;
        }
        talk.heals(async |_| line.mend().await).await;
        report.add(talk.end().await);
    }
    report.print();
}

/// NATS, the line to it that can be cut, and how it is reached by that line and by another one.
async fn lines(networks: bool) -> (Nats, Line, [String; 2]) {
    if networks {
        let (nats, [one, other]) = Nats::at_the_end_of_cables().await;
        let urls = [one.url(), other.url()];
        return (nats, Line::Network(one), urls);
    }
    let (nats, proxy) = (Nats::new().await, Proxy::bind().await);
    proxy.lead_to(nats.address());
    let urls = [proxy.origin().replace("http:", "nats:"), nats.url()];
    (nats, Line::Proxy(proxy), urls)
}

impl Line {
    async fn cut(&self) {
        match self {
            Self::Network(cable) => cable.cut().await,
            Self::Proxy(proxy) => proxy.stall(),
        }
    }

    async fn mend(&self) {
        match self {
            Self::Network(cable) => cable.mend().await,
            Self::Proxy(proxy) => proxy.mend(),
        }
    }
}
