//! What a node tells the others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

use crate::domain::{Author, Heads, Position, Principal, Role};
use crate::hub::Connection;
use crate::ids::{ConversationId, TenantId};
use crate::ports::{
    Authenticated, BrokerError, Close, Frame, MockBroker, Received, Refused, Signal, SignalBody,
    Subscription, ToldEvent, Transport,
};

use super::{Parts, chat};

/// How long anything may take here: a bound for a broken system, not a measure of a sound one.
const PATIENCE: Duration = Duration::from_secs(5);

/// What another node says.
#[derive(Debug)]
struct Saying(mpsc::UnboundedReceiver<SignalBody>, u64);

#[async_trait]
impl Subscription for Saying {
    async fn next(&mut self) -> Received {
        let Some(body) = self.0.recv().await else { return Received::Closed };
        self.1 += 1;
        Received::Signal(Signal { node: Uuid::from_u128(9).into(), number: self.1, body })
    }
}

/// A connection that is stuck with the frame `slow` until it is told to go on.
#[derive(Debug)]
struct Stuck {
    reached: mpsc::UnboundedSender<()>,
    go_on: Mutex<std::sync::mpsc::Receiver<()>>,
}

#[async_trait]
impl Transport for Stuck {
    fn try_send(&self, frame: Frame) -> Result<(), Refused> {
        if frame.text == "slow" {
            let _ = self.reached.send(());
            let _ = self.go_on.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(2 * PATIENCE);
        }
        Ok(())
    }

    async fn send(&self, frame: Frame) -> Result<(), Refused> {
        self.try_send(frame)
    }

    fn close(&self, _: Close) {}

    fn withdraw(&self, _: Close) {}
}

fn told(tenant: TenantId, conversation: ConversationId, text: &str) -> SignalBody {
    let event = ToldEvent {
        position: Position { staff: 1, visitor: None },
        to_staff: text.to_owned(),
        to_visitor: None,
    };
    SignalBody::Told {
        tenant,
        conversation,
        visitor: Uuid::from_u128(5).into(),
        after: 0,
        heads: Heads { staff: 1, visitor: 0 },
        epoch: 1,
        events: vec![event],
    }
}

/// What is stuck here holds the lock of its conversation, as no real transport does for long: rereading everything, which a node
/// does when it begins to listen, may wait for that. There are workers for both, and for what is looked at.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_takes_long_to_tell_does_not_hold_up_what_else_other_nodes_say() {
    let (say, says) = mpsc::unbounded_channel();
    let mut broker = MockBroker::new();
    let says = Mutex::new(Some(says));
    broker.expect_carries_content().return_const(true);
    broker.expect_publish().returning(|_| Ok(()));
    broker.expect_subscribe().returning(move || {
        let says = says.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(BrokerError)?;
        Ok(Box::new(Saying(says, 0)))
    });
    let chat = chat(Parts::default(), &Arc::default()).broker(Arc::new(broker)).start();
    let tenant: TenantId = Uuid::from_u128(1).into();
    let anna = Principal::operator(tenant, Uuid::from_u128(2).into(), Role::Operator);
    let (reached, mut is_reached) = mpsc::unbounded_channel();
    let (go_on, goes_on) = std::sync::mpsc::channel();
    let stuck = Arc::new(Stuck { reached, go_on: Mutex::new(goes_on) });
    let connection = Connection::new(Uuid::from_u128(3).into(), Authenticated::new(anna), stuck);
    chat.hub().roster().add(&connection, chat.limits());
    chat.hub().roster().listen_to_inbox(&connection);

    say.send(told(tenant, Uuid::from_u128(4).into(), "slow")).expect("the node listens");
    timeout(PATIENCE, is_reached.recv()).await.expect("it is told");
    let ben = Author::Operator(Uuid::from_u128(6).into());
    say.send(SignalBody::Online { who: vec![(tenant, ben)] }).expect("the node listens");
    let online = async {
        while !chat.hub().roster().is_online(tenant, ben) {
            tokio::task::yield_now().await;
        }
    };
    let online = timeout(PATIENCE, online).await;
    go_on.send(()).expect("it waits for that");
    online.expect("it is heard while another thing is told");
}

/// The others see from the numbers that they have missed something, so what is not handed over must leave its number out.
#[tokio::test(start_paused = true)]
async fn a_signal_that_the_broker_refuses_leaves_a_gap_in_the_numbers() {
    let (heard, mut hears) = mpsc::unbounded_channel();
    let mut broker = MockBroker::new();
    broker.expect_carries_content().return_const(false);
    broker.expect_subscribe().returning(|| Err(BrokerError));
    broker.expect_publish().returning(move |signal| {
        let refused = signal.number == 2;
        let _ = heard.send((signal.number, refused));
        if refused { Err(BrokerError) } else { Ok(()) }
    });
    let chat = chat(Parts::default(), &Arc::default()).broker(Arc::new(broker)).start();
    for _ in 0..3 {
        chat.signal(SignalBody::Heartbeat);
    }
    for expected in [(1, false), (2, true), (3, false)] {
        assert_eq!(
            hears.recv().await,
            Some(expected),
            "a refused signal is not repeated under another number"
        );
    }
}

/// A broker that does not keep up costs the others time, and this node no memory.
#[tokio::test(start_paused = true)]
async fn signals_that_do_not_fit_are_counted_and_dropped() {
    let (heard, mut hears) = mpsc::unbounded_channel();
    let mut broker = MockBroker::new();
    broker.expect_carries_content().return_const(false);
    broker.expect_subscribe().returning(|| Err(BrokerError));
    broker.expect_publish().returning(move |signal| {
        let _ = heard.send(signal.number);
        Ok(())
    });
    let limits = crate::Limits { signals_waiting_max: 2, ..crate::Limits::default() };
    let chat = chat(Parts::default(), &Arc::default()).broker(Arc::new(broker)).limits(limits).start();
    // Nothing is published in between: this task does not wait.
    for _ in 0..5 {
        chat.signal(SignalBody::Heartbeat);
    }
    let (first, second) = (hears.recv().await, hears.recv().await);
    chat.signal(SignalBody::Heartbeat);
    let third = hears.recv().await;
    assert!(first < second && second < third, "{first:?} {second:?} {third:?}");
    assert_eq!(third, Some(6), "the others see that they have missed three");
}
