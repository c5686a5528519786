//! Signals over NATS, on the server that `CONVOR_TEST_NATS` names and on servers of the tests' own.

mod conversation;
mod faults;
mod refusals;
mod secrets;
mod servers;
mod signals;

use convor::domain::{Heads, Position};
use convor::ports::{Broker, Signal, SignalBody, ToldEvent};
use convor_nats::{ClusterKey, NatsBroker, NatsOptions};
use convor_tests::environment::provided;
use convor_tests::fixture::new_id;
use uuid::Uuid;

/// Fewer than wait for a connection, and than wait for a subscription.
const FEW: u64 = 500;

/// A cluster of a test's own on the server that all share.
struct Cluster {
    url: String,
    name: String,
    key: Option<ClusterKey>,
}

impl Cluster {
    fn open() -> Self {
        let url = provided("CONVOR_TEST_NATS").into_os_string().into_string().expect("a URL");
        Self::on(&url)
    }

    /// One that seals what it says.
    fn sealed() -> Self {
        Self { key: Some(key(1)), ..Self::open() }
    }

    fn on(url: &str) -> Self {
        Self { url: url.to_owned(), name: new_id::<Uuid>().to_string(), key: None }
    }

    fn options(&self) -> NatsOptions {
        let options = NatsOptions::new([self.url.as_str()]).expect("an address");
        let options = options.cluster(&self.name).expect("a name");
        match &self.key {
            Some(key) => options.cluster_key(key.clone()),
            None => options,
        }
    }

    async fn connected(&self) -> NatsBroker {
        NatsBroker::connect(self.options()).await.expect("a broker")
    }
}

fn key(byte: u8) -> ClusterKey {
    ClusterKey::new(&[byte; 32])
}

fn id<I: From<Uuid>>(number: u128) -> I {
    Uuid::from_u128(number).into()
}

fn signal(node: u128, number: u64) -> Signal {
    let body = match number % 3 {
        0 => SignalBody::Heartbeat,
        _ => SignalBody::Control { tenant: id(number.into()) },
    };
    Signal { node: id(node), number, body }
}

/// Somebody has said so many bytes.
fn told(node: u128, number: u64, bytes: usize) -> Signal {
    let heads = Heads { staff: 5, visitor: 4 };
    let position = Position { staff: 5, visitor: Some(4) };
    let to_staff = "canary ".repeat(bytes / 7);
    let events = vec![ToldEvent { position, to_visitor: Some("canary".to_owned()), to_staff }];
    let (tenant, conversation, visitor) = (id(0xA), id(0xB), id(0xC));
    let body = SignalBody::Told { tenant, conversation, visitor, after: 4, heads, epoch: 1, events };
    Signal { node: id(node), number, body }
}

/// The same without what has been said.
fn hinted(told: &Signal) -> Signal {
    let SignalBody::Told { tenant, conversation, visitor, after, heads, .. } = told.body else {
        panic!("{told:?}")
    };
    Signal { body: SignalBody::Grown { tenant, conversation, visitor, after, heads }, ..*told }
}

async fn publish(broker: &NatsBroker, node: u128, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        broker.publish(&signal(node, number)).await.expect("there is a connection, and room");
    }
}
