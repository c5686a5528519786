//! The memory broker keeps the contract of `Broker`, and does on request what a network does to it.

use std::future::poll_fn;
use std::task::Poll;

use convor::ids::NodeId;
use convor::ports::{Broker, Received, Signal, SignalBody, Subscription};
use convor_memory::MemoryBroker;
use uuid::Uuid;

fn signal(node: u128, number: u64) -> Signal {
    Signal { node: NodeId::from(Uuid::from_u128(node)), number, body: SignalBody::Heartbeat }
}

async fn publish(broker: &MemoryBroker, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        broker.publish(&signal(1, number)).await.expect("the broker is connected");
    }
}

/// What is there to be received now; `None` if it would have to wait.
async fn now(subscription: &mut dyn Subscription) -> Option<Received> {
    let mut next = subscription.next();
    poll_fn(|context| match next.as_mut().poll(context) {
        Poll::Ready(received) => Poll::Ready(Some(received)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn every_subscriber_receives_every_signal_in_order() {
    let broker = MemoryBroker::new();
    let mut one = broker.subscribe().await.expect("connected");
    let mut two = broker.subscribe().await.expect("connected");
    publish(&broker, 1..=3).await;
    for subscription in [&mut one, &mut two] {
        for number in 1..=3 {
            assert_eq!(now(&mut **subscription).await, Some(Received::Signal(signal(1, number))));
        }
        assert_eq!(now(&mut **subscription).await, None, "there is no more");
    }
}

#[tokio::test]
async fn a_subscription_begins_when_it_is_made() {
    let broker = MemoryBroker::new();
    publish(&broker, 1..=1).await;
    let mut late = broker.subscribe().await.expect("connected");
    publish(&broker, 2..=2).await;
    assert_eq!(now(&mut *late).await, Some(Received::Signal(signal(1, 2))));
}

#[tokio::test]
async fn a_waiting_subscriber_is_woken() {
    let broker = std::sync::Arc::new(MemoryBroker::new());
    let mut subscription = broker.subscribe().await.expect("connected");
    let waiting = tokio::spawn(async move { subscription.next().await });
    tokio::task::yield_now().await;
    publish(&broker, 1..=1).await;
    assert_eq!(waiting.await.expect("no panic"), Received::Signal(signal(1, 1)));
}

#[tokio::test]
async fn a_dropped_wait_loses_nothing() {
    let broker = MemoryBroker::new();
    let mut subscription = broker.subscribe().await.expect("connected");
    assert_eq!(now(&mut *subscription).await, None);
    publish(&broker, 1..=1).await;
    assert_eq!(now(&mut *subscription).await, Some(Received::Signal(signal(1, 1))));
}

#[tokio::test]
async fn a_full_queue_is_dropped_for_a_single_lost() {
    let broker = MemoryBroker::with_signals_max(2);
    let mut subscription = broker.subscribe().await.expect("connected");
    publish(&broker, 1..=3).await;
    assert_eq!(now(&mut *subscription).await, Some(Received::Lost), "it says so before the next signal");
    assert_eq!(now(&mut *subscription).await, Some(Received::Signal(signal(1, 3))));
    assert_eq!(now(&mut *subscription).await, None);
}

#[tokio::test]
async fn a_reconnect_is_told_before_the_next_signal() {
    let broker = MemoryBroker::new();
    let mut subscription = broker.subscribe().await.expect("connected");
    publish(&broker, 1..=1).await;
    broker.disconnect();
    assert!(broker.publish(&signal(1, 2)).await.is_err(), "a cut broker takes no signal");
    assert!(broker.subscribe().await.is_err(), "nor a subscriber");
    assert_eq!(now(&mut *subscription).await, None, "and is silent");
    broker.reconnect();
    publish(&broker, 3..=3).await;
    assert_eq!(now(&mut *subscription).await, Some(Received::Lost));
    assert_eq!(now(&mut *subscription).await, Some(Received::Signal(signal(1, 3))));
}

#[tokio::test]
async fn a_closed_subscription_stays_closed() {
    let broker = MemoryBroker::new();
    let mut subscription = broker.subscribe().await.expect("connected");
    publish(&broker, 1..=1).await;
    broker.close_subscriptions();
    publish(&broker, 2..=2).await;
    assert_eq!(
        now(&mut *subscription).await,
        Some(Received::Signal(signal(1, 1))),
        "what was queued is yielded"
    );
    for _ in 0..2 {
        assert_eq!(now(&mut *subscription).await, Some(Received::Closed));
    }
}

#[tokio::test]
async fn a_swallowed_signal_shows_by_its_number_alone() {
    let broker = MemoryBroker::new();
    let mut subscription = broker.subscribe().await.expect("connected");
    broker.swallow_next(1);
    publish(&broker, 1..=2).await;
    assert_eq!(now(&mut *subscription).await, Some(Received::Signal(signal(1, 2))));
}
