//! What a node tells the others.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::ports::{BrokerError, MockBroker, SignalBody};

use super::{Parts, chat};

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
