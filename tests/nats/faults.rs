//! Servers that end, hang or come back.

use std::sync::Arc;
use std::time::Duration;

use convor::ports::{Broker, Received};
use convor_nats::{NatsBroker, NatsOptions};
use convor_tests::environment::proving;
use convor_tests::nats::Server;
use convor_tests::patience::look;
use convor_tests::proxy::Proxy;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Cluster, key, publish, signal};
use convor_tests::ear::{Ear, assert_no_silent_gap, said};

/// How often somebody who hears nothing is told so, at least.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

/// A node that goes on talking, a signal each millisecond, whether it is heard or not.
fn talking(broker: &Arc<NatsBroker>) -> JoinHandle<()> {
    let broker = Arc::clone(broker);
    tokio::spawn(async move {
        for number in 1.. {
            let _ = broker.publish(&signal(1, number)).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
}

/// A way to a server that can fail, and a cluster that takes it.
async fn way_to(server: &Server) -> (Proxy, Cluster) {
    let proxy = Proxy::bind().await;
    proxy.lead_to(server.address());
    let through = proxy.origin().replace("http:", "nats:");
    (proxy, Cluster::on(&through))
}

/// A node that talks, and another one that hears it over a way that can fail.
struct Pair {
    proxy: Proxy,
    ear: Ear,
    talking: JoinHandle<()>,
    _held: (Server, NatsBroker),
}

impl Pair {
    async fn in_mid_sentence() -> Self {
        let server = Server::new().await;
        let (proxy, far) = way_to(&server).await;
        let near = Cluster { url: server.url(), name: far.name.clone(), key: None };
        let (here, there) = (Arc::new(near.connected().await), far.connected().await);
        let ear = Ear::on(&there).await;
        Self { proxy, ear, talking: talking(&here), _held: (server, there) }
    }
}

#[tokio::test]
async fn a_server_that_starts_anew_loses_something_and_then_signals_come_again() {
    let mut server = Server::new().await;
    let cluster = Cluster { key: Some(key(1)), ..Cluster::on(&server.url()) };
    let (here, there) = (Arc::new(cluster.connected().await), cluster.connected().await);
    let mut ears = [Ear::on(&*here).await, Ear::on(&there).await];
    let talking = talking(&here);
    let mut heard = [Vec::new(), Vec::new()];
    for _ in 0..if proving() { 20 } else { 3 } {
        server.stop().await;
        server.start().await;
        for (ear, heard) in ears.iter_mut().zip(&mut heard) {
            heard.extend(ear.until_lost().await);
            heard.extend(ear.until(100).await);
        }
    }
    talking.abort();
    for heard in &heard {
        assert_no_silent_gap(heard, 1);
    }
}

#[tokio::test]
async fn without_a_server_nothing_is_taken_and_subscriptions_say_so_again_and_again() {
    let mut server = Server::new().await;
    let broker = Cluster::on(&server.url()).connected().await;
    let mut ear = Ear::on(&broker).await;
    publish(&broker, 1, 1..=10).await;
    ear.until_said(1, 10).await;
    server.stop().await;
    assert_eq!(ear.next().await, Received::Lost);
    let refused = look(async || broker.publish(&signal(1, 11)).await.err());
    refused.await.expect("what nobody can carry is not taken");
    let mut late = Ear::on(&broker).await;
    for _ in 0..8 {
        for ear in [&mut ear, &mut late] {
            let told = timeout(TOLD_WITHIN, ear.next()).await;
            assert_eq!(told.expect("who hears nothing is told so in time"), Received::Lost);
        }
    }
    server.start().await;
    let taken = look(async || broker.publish(&signal(1, 12)).await.ok());
    taken.await.expect("a connection comes back");
    for ear in [&mut ear, &mut late] {
        assert_no_silent_gap(&ear.until_said(1, 12).await, 1);
    }
}

#[tokio::test]
async fn a_connection_that_hangs_is_noticed_and_replaced() {
    let Pair { proxy, mut ear, talking, _held } = Pair::in_mid_sentence().await;
    let mut heard = ear.until(100).await;
    proxy.stall();
    let noticed = timeout(TOLD_WITHIN + Duration::from_secs(1), ear.until_lost()).await;
    heard.extend(noticed.expect("silence is noticed"));
    for _ in 0..3 {
        heard.push(timeout(TOLD_WITHIN, ear.next()).await.expect("and is told again and again"));
    }
    proxy.mend();
    heard.extend(ear.until(1_000).await);
    talking.abort();
    assert_no_silent_gap(&heard, 1);
}

#[tokio::test]
async fn silence_alone_loses_nothing() {
    let broker = Cluster::open().connected().await;
    let mut ear = Ear::on(&broker).await;
    // Longer than it takes to think a silent connection dead.
    tokio::time::sleep(Duration::from_secs(8)).await;
    publish(&broker, 1, 1..=1).await;
    assert_eq!(ear.next().await, Received::Signal(signal(1, 1)));
}

#[tokio::test]
async fn when_one_of_several_servers_ends_another_one_serves() {
    let mut one = Server::new().await;
    let two = Server::new().await;
    // They do not know each other, so that it shows which of them serves.
    let (first, second) = (one.url(), two.url());
    let options = |servers: &[&String]| {
        NatsOptions::new(servers.iter().map(|url| url.as_str()))
            .expect("servers")
            .cluster("c")
            .expect("a name")
    };
    let both = NatsBroker::connect(options(&[&first, &second])).await.expect("a broker");
    let only = NatsBroker::connect(options(&[&second])).await.expect("a broker");
    let mut ear = Ear::on(&both).await;
    one.stop().await;
    let talking = async {
        for number in 1.. {
            publish(&only, 1, number..=number).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! { heard = ear.until(10) => assert_eq!(said(&heard, 1).count(), 10), () = talking => {} }
}

#[tokio::test]
async fn a_connection_that_is_cut_is_replaced_though_the_driver_tries_too() {
    let Pair { proxy, mut ear, talking, _held } = Pair::in_mid_sentence().await;
    let mut heard = ear.until(100).await;
    for _ in 0..if proving() { 50 } else { 5 } {
        proxy.cut();
        proxy.mend();
        heard.extend(ear.until_lost().await);
        heard.extend(ear.until(100).await);
    }
    talking.abort();
    assert_no_silent_gap(&heard, 1);
}
