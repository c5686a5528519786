//! A broker, and whether it can be reached: what readiness asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use convor::async_trait;
use convor::ports::{Broker, BrokerError, Received, Signal, Subscription};

/// How many signals in a row may fail before the broker counts as lost. The core sends one a second, at least.
const FAILED_MAX: u32 = 5;

/// A broker that notes whether signals go out and come in.
#[derive(Debug)]
pub(crate) struct Watched {
    broker: Arc<dyn Broker>,
    sending: Failures,
    listening: Arc<Failures>,
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
        Self { broker, sending: Failures::default(), listening: Arc::default() }
    }

    /// Whether other nodes are told, and heard.
    pub(crate) fn is_reached(&self) -> bool {
        self.sending.are_few() && self.listening.are_few()
    }
}

#[async_trait]
impl Broker for Watched {
    async fn publish(&self, signal: &Signal) -> Result<(), BrokerError> {
        let published = self.broker.publish(signal).await;
        self.sending.note(published.is_ok());
        published
    }

    fn carries_content(&self) -> bool {
        self.broker.carries_content()
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, BrokerError> {
        match self.broker.subscribe().await {
            Ok(subscription) => {
                Ok(Box::new(Listening { subscription, listening: Arc::clone(&self.listening) }))
            }
            Err(error) => {
                self.listening.note(false);
                Err(error)
            }
        }
    }
}

#[derive(Debug)]
struct Listening {
    subscription: Box<dyn Subscription>,
    listening: Arc<Failures>,
}

#[async_trait]
impl Subscription for Listening {
    async fn next(&mut self) -> Received {
        let received = self.subscription.next().await;
        match received {
            Received::Signal(_) => self.listening.note(true),
            // A broker that cannot be heard says so again and again.
            Received::Lost | Received::Closed => self.listening.note(false),
        }
        received
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use convor::ids::NodeId;
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

    fn signal() -> Signal {
        let node: NodeId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().expect("an id");
        Signal { node, number: 1, body: SignalBody::Heartbeat }
    }

    #[tokio::test]
    async fn a_broker_that_is_away_is_noticed_and_so_is_its_return() {
        let away = Arc::new(Away::default());
        let watched = Watched::new(Arc::clone(&away) as Arc<dyn Broker>);
        for _ in 0..FAILED_MAX {
            assert!(watched.is_reached());
            away.away.store(true, Ordering::Relaxed);
            assert!(watched.publish(&signal()).await.is_err() && watched.subscribe().await.is_err());
        }
        assert!(!watched.is_reached());
        away.away.store(false, Ordering::Relaxed);
        let mut subscription = watched.subscribe().await.expect("it is back");
        watched.publish(&signal()).await.expect("it is back");
        assert!(!watched.is_reached(), "nothing has been heard yet");
        assert_eq!(subscription.next().await, Received::Signal(signal()));
        assert!(watched.is_reached());
    }
}
