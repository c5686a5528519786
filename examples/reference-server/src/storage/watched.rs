//! A broker, and whether it can be reached: what readiness asks.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use convor::async_trait;
use convor::ids::NodeId;
use convor::ports::{Broker, BrokerError, Received, Signal, Subscription};

/// How many signals in a row may fail before the broker counts as lost. The core sends one a second, at least.
const FAILED_MAX: u32 = 5;

/// How many signals of its own in a row a node hears, and nothing else, before it counts as heard again. What others say with
/// another key is lost as often as they say it, while one's own comes back all the time.
const OWN_MIN: u32 = 3;

/// A broker that notes whether signals go out and come in.
#[derive(Debug)]
pub(crate) struct Watched {
    broker: Arc<dyn Broker>,
    sending: Failures,
    hearing: Arc<Hearing>,
}

/// How well others are heard.
#[derive(Debug, Default)]
struct Hearing {
    lost: Failures,
    /// How many of its own signals a node has heard since something was lost.
    own: AtomicU32,
    node: OnceLock<NodeId>,
}

impl Hearing {
    fn note(&self, received: &Received) {
        match received {
            Received::Signal(signal) if self.node.get() != Some(&signal.node) => self.lost.note(true),
            Received::Signal(_) => {
                if self.own.fetch_add(1, Ordering::Relaxed) + 1 >= OWN_MIN {
                    self.lost.note(true);
                }
            }
            // A broker that cannot be heard says so again and again.
            Received::Lost | Received::Closed => self.fail(),
        }
    }

    fn fail(&self) {
        self.own.store(0, Ordering::Relaxed);
        self.lost.note(false);
    }
}

/// How often something has failed since it last succeeded.
#[derive(Debug, Default)]
struct Failures(AtomicU32);

impl Failures {
    fn note(&self, succeeded: bool) {
        if succeeded {
            self.0.store(0, Ordering::Relaxed);
        } else {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn are_few(&self) -> bool {
        self.0.load(Ordering::Relaxed) < FAILED_MAX
    }
}

impl Watched {
    pub(crate) fn new(broker: Arc<dyn Broker>) -> Self {
        Self { broker, sending: Failures::default(), hearing: Arc::default() }
    }

    /// Whether other nodes are told, and heard.
    pub(crate) fn is_reached(&self) -> bool {
        self.sending.are_few() && self.hearing.lost.are_few()
    }
}

#[async_trait]
impl Broker for Watched {
    async fn publish(&self, signal: &Signal) -> Result<(), BrokerError> {
        self.hearing.node.get_or_init(|| signal.node);
        let published = self.broker.publish(signal).await;
        self.sending.note(published.is_ok());
        published
    }

    fn carries_content(&self) -> bool {
        self.broker.carries_content()
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, BrokerError> {
        match self.broker.subscribe().await {
            Ok(subscription) => Ok(Box::new(Listening { subscription, hearing: Arc::clone(&self.hearing) })),
            Err(error) => {
                self.hearing.fail();
                Err(error)
            }
        }
    }
}

#[derive(Debug)]
struct Listening {
    subscription: Box<dyn Subscription>,
    hearing: Arc<Hearing>,
}

#[async_trait]
impl Subscription for Listening {
    async fn next(&mut self) -> Received {
        let received = self.subscription.next().await;
        self.hearing.note(&received);
        received
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use convor::ports::SignalBody;
    use convor_memory::MemoryBroker;

    use super::*;

    /// A broker that is away while it is told so.
    #[derive(Debug, Default)]
    struct Away {
        broker: MemoryBroker,
        away: AtomicBool,
    }

    #[async_trait]
    impl Broker for Away {
        async fn publish(&self, signal: &Signal) -> Result<(), BrokerError> {
            if self.away.load(Ordering::Relaxed) {
                Err(BrokerError::default())
            } else {
                self.broker.publish(signal).await
            }
        }

        async fn subscribe(&self) -> Result<Box<dyn Subscription>, BrokerError> {
            if self.away.load(Ordering::Relaxed) {
                Err(BrokerError::default())
            } else {
                self.broker.subscribe().await
            }
        }
    }

    fn signal(node: u8) -> Signal {
        let node = format!("01890a5d-ac96-774b-bcce-b302099a805{node}").parse().expect("an id");
        Signal { node, number: 1, body: SignalBody::Heartbeat }
    }

    #[tokio::test]
    async fn a_broker_that_is_away_is_noticed_and_so_is_its_return() {
        let away = Arc::new(Away::default());
        let watched = Watched::new(Arc::clone(&away) as Arc<dyn Broker>);
        for _ in 0..FAILED_MAX {
            assert!(watched.is_reached());
            away.away.store(true, Ordering::Relaxed);
            assert!(watched.publish(&signal(1)).await.is_err() && watched.subscribe().await.is_err());
        }
        assert!(!watched.is_reached());
        away.away.store(false, Ordering::Relaxed);
        let mut subscription = watched.subscribe().await.expect("it is back");
        for _ in 0..OWN_MIN {
            assert!(!watched.is_reached(), "it has hardly been heard yet");
            watched.publish(&signal(1)).await.expect("it is back");
            assert_eq!(subscription.next().await, Received::Signal(signal(1)));
        }
        assert!(watched.is_reached());
    }

    #[test]
    fn hearing_nobody_but_oneself_is_not_enough_while_something_is_lost() {
        let hearing = Hearing::default();
        hearing.node.get_or_init(|| signal(1).node);
        for _ in 0..FAILED_MAX {
            assert!(hearing.lost.are_few());
            hearing.note(&Received::Signal(signal(1)));
            hearing.note(&Received::Lost);
        }
        assert!(!hearing.lost.are_few());
        hearing.note(&Received::Signal(signal(2)));
        assert!(hearing.lost.are_few(), "another one has been heard");
    }
}
