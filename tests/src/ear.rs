//! What somebody hears of a broker.

use crate::patience::PATIENCE;
use convor::ports::{Broker, Received, Subscription};
use tokio::time::timeout;
use uuid::Uuid;

/// A subscription.
#[derive(Debug)]
pub struct Ear(Box<dyn Subscription>);

impl Ear {
    /// On a broker, from now on.
    pub async fn on(broker: &dyn Broker) -> Self {
        Self(broker.subscribe().await.expect("a subscription"))
    }

    /// What it hears next.
    pub async fn next(&mut self) -> Received {
        self.collect(|_| true).await.remove(0)
    }

    /// What it hears until it has heard so many signals.
    pub async fn until(&mut self, signals: u64) -> Vec<Received> {
        let mut left = signals;
        self.collect(|received| {
            left -= u64::from(matches!(received, Received::Signal(_)));
            left == 0
        })
        .await
    }

    /// What it hears until a node has said what has this number.
    pub async fn until_said(&mut self, node: u128, number: u64) -> Vec<Received> {
        self.collect(|received| numbers(received, node) == Some(number)).await
    }

    /// What it hears until it has missed something.
    pub async fn until_lost(&mut self) -> Vec<Received> {
        self.collect(|received| *received == Received::Lost).await
    }

    async fn collect(&mut self, mut is_last: impl FnMut(&Received) -> bool) -> Vec<Received> {
        let mut heard = Vec::new();
        let hearing = async {
            loop {
                let received = self.0.next().await;
                assert_ne!(received, Received::Closed, "after {} signals", heard.len());
                let last = is_last(&received);
                heard.push(received);
                if last {
                    return;
                }
            }
        };
        timeout(PATIENCE, hearing).await.expect("it is heard in time");
        heard
    }
}

/// The numbers of what a node has said, as they were heard.
pub fn said(heard: &[Received], node: u128) -> impl Iterator<Item = u64> {
    heard.iter().filter_map(move |received| numbers(received, node))
}

fn numbers(received: &Received, node: u128) -> Option<u64> {
    match received {
        Received::Signal(signal) if signal.node == Uuid::from_u128(node).into() => Some(signal.number),
        _ => None,
    }
}

/// What a node has said is in its order, each once, and where something is missing it is said that it may be.
pub fn assert_no_silent_gap(heard: &[Received], node: u128) {
    let mut last: Option<u64> = None;
    let mut lost = false;
    for received in heard {
        lost |= *received == Received::Lost;
        let Some(number) = numbers(received, node) else { continue };
        if let Some(last) = last {
            assert!(number > last, "{number} after {last}");
            assert!(lost || number == last + 1, "{number} after {last} without a word");
        }
        (last, lost) = (Some(number), false);
    }
}
