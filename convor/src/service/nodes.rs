//! This node among others: what it tells them, and what it does with what they tell.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{Interval, MissedTickBehavior};

use crate::config::Limits;
use crate::domain::Author;
use crate::hub::StaleTopic;
use crate::ids::{NodeId, TenantId};
use crate::ports::{Broker, Received, Signal, SignalBody, Subscription};

use super::background::upgrade;
use super::missed::{find_what_was_opened, make_up_for_what_was_missed};
use super::peers::{Answers, Peers};
use super::queue::{self, Queue};
use super::tellers::{Tellers, Told};
use super::{Chat, Inner};

/// How often a node says that it lives.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);

/// How many principals stand in one signal: no more than fit into it.
const WHO: usize = 64;

/// Signals that wait for the broker. One that does not fit goes without what is said in it. One that does not fit so either
/// is dropped, and counted: the others see the gap.
#[derive(Debug)]
pub(super) struct Outgoing {
    queue: Queue<SignalBody>,
    dropped: Arc<AtomicU64>,
}

/// Where signals wait.
#[derive(Debug)]
pub(super) struct Waiting {
    queue: mpsc::Receiver<queue::Waiting<SignalBody>>,
    dropped: Arc<AtomicU64>,
}

impl Outgoing {
    pub(super) fn new(limits: &Limits) -> (Self, Waiting) {
        let (queue, receiver) = Queue::new(limits.signals_waiting_max, limits.signals_waiting_bytes_max);
        let dropped = Arc::new(AtomicU64::new(0));
        (Self { queue, dropped: Arc::clone(&dropped) }, Waiting { queue: receiver, dropped })
    }

    fn put(&self, body: SignalBody) {
        let bytes = body.told_bytes();
        let put = self.queue.put(body, bytes).or_else(|body| self.queue.put(body.untold(), 0));
        if put.is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Spawns what connects this node with others; it ends with the chat.
pub(super) fn spawn(chat: &Chat, broker: &Arc<dyn Broker>, waiting: Waiting) {
    let inner = Arc::downgrade(&chat.inner);
    chat.keep(tokio::spawn(speak(chat.inner.node, Arc::clone(broker), waiting)));
    chat.keep(tokio::spawn(beat(inner.clone())));
    let unfound = Arc::new(Notify::new());
    let missed = Arc::clone(&chat.inner.missed);
    chat.keep(tokio::spawn(make_up_for_what_was_missed(inner.clone(), missed, Arc::clone(&unfound))));
    chat.keep(tokio::spawn(find_what_was_opened(inner.clone(), unfound)));
    chat.keep(tokio::spawn(listen(inner, Arc::clone(broker), Tellers::spawn(chat))));
}

/// Numbers signals as they go out, so that they are in order; what was dropped has had a number too.
async fn speak(node: NodeId, broker: Arc<dyn Broker>, mut waiting: Waiting) {
    let mut number = 0;
    while let Some(next) = waiting.queue.recv().await {
        number += 1 + waiting.dropped.swap(0, Ordering::Relaxed);
        if broker.publish(&Signal { node, number, body: next.item }).await.is_err() {
            tracing::debug!("a signal was lost; the other nodes will see the gap");
        }
    }
}

async fn beat(inner: Weak<Inner>) {
    let mut beats = 0_u64;
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        let Some(chat) = upgrade(&inner) else { return };
        chat.signal(SignalBody::Heartbeat);
        // Presence is a lease: it is renewed thrice before it ends.
        beats += 1;
        if beats.is_multiple_of((chat.limits().presence_lease.as_secs() / 3).max(1)) {
            chat.say_who_is_here();
        }
        for (tenant, author) in chat.hub().roster().expire(chat.now(), None) {
            chat.show_presence(tenant, author);
        }
    }
}

async fn listen(inner: Weak<Inner>, broker: Arc<dyn Broker>, tellers: Tellers) {
    while inner.strong_count() > 0 {
        match broker.subscribe().await {
            Ok(subscription) => {
                if let Some(chat) = upgrade(&inner) {
                    // What was said before is not coming any more.
                    chat.inner.missed.notify_one();
                    chat.signal(SignalBody::Hello);
                }
                listen_to(&inner, subscription, &tellers).await;
            }
            Err(_) => tracing::warn!("the broker is not available; what other nodes do is not seen at once"),
        }
        tokio::time::sleep(HEARTBEAT).await;
    }
}

async fn listen_to(inner: &Weak<Inner>, mut subscription: Box<dyn Subscription>, tellers: &Tellers) {
    let mut peers = Peers::default();
    let (mut question, mut answers) = (false, Answers::default());
    let mut ticker = tokio::time::interval(HEARTBEAT);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let received = next_or_tick(subscription.as_mut(), &mut ticker).await;
        let Some(chat) = upgrade(inner) else { return };
        match received {
            Some(Received::Signal(signal)) if signal.node == chat.inner.node => {}
            Some(Received::Signal(mut signal)) => {
                if peers.has_heard(&signal) {
                    // Somebody says it again, and it may have been erased meanwhile.
                    signal.body = signal.body.untold();
                }
                // Who was there has been forgotten with it.
                question |= peers.is_back(&signal);
                if peers.hear(&signal) {
                    chat.inner.missed.notify_one();
                }
                if signal.body == SignalBody::Hello && answers.asked() {
                    chat.say_who_is_here();
                }
                chat.hear(signal, tellers);
            }
            Some(Received::Lost) => chat.inner.missed.notify_one(),
            Some(Received::Closed) => return,
            None => {
                if std::mem::take(&mut question) {
                    chat.signal(SignalBody::Hello);
                }
                if answers.beat() {
                    chat.say_who_is_here();
                }
                for node in peers.beat() {
                    for (tenant, author) in chat.hub().roster().expire(chat.now(), Some(node)) {
                        chat.show_presence(tenant, author);
                    }
                    chat.inner.missed.notify_one();
                }
            }
        }
    }
}

/// The next signal, or `None` when a beat has passed and no signal waits.
async fn next_or_tick(subscription: &mut dyn Subscription, ticker: &mut Interval) -> Option<Received> {
    let mut next = subscription.next();
    std::future::poll_fn(|context| {
        if let Poll::Ready(received) = next.as_mut().poll(context) {
            return Poll::Ready(Some(received));
        }
        ticker.poll_tick(context).map(|_| None)
    })
    .await
}

impl Chat {
    /// Tells the other nodes, if there are any.
    pub(super) fn signal(&self, body: SignalBody) {
        if let Some(signals) = &self.inner.signals {
            signals.put(body);
        }
    }

    /// Tells the other nodes who is connected to this one.
    fn say_who_is_here(&self) {
        for some in self.hub().roster().principals().chunks(WHO) {
            self.signal(SignalBody::Online { who: some.to_vec() });
        }
    }

    /// Does what a signal says. It waits neither for the storage nor until many have been told: what needs that is done by a
    /// task of its own.
    fn hear(&self, signal: Signal, tellers: &Tellers) {
        match signal.body {
            SignalBody::Grown { tenant, conversation, visitor, after, heads } => {
                let key = (tenant, conversation);
                // Whoever comes to listen after this reads what has been committed before it.
                if self.hub().has_listeners(key, visitor) {
                    self.hub().mark_stale(key, StaleTopic::grown(visitor, after, heads.staff));
                }
            }
            SignalBody::Told { tenant, conversation, visitor, after, heads, epoch, events } => {
                let key = (tenant, conversation);
                if !self.hub().has_listeners(key, visitor) {
                    return;
                }
                let grown = StaleTopic::grown(visitor, after, heads.staff);
                let told = Told { key, visitor, epoch, events, grown };
                // Anybody may speak on a broker that keeps no secrets: what is said is read from the storage.
                if !self.inner.tells_content || !tellers.take(told) {
                    self.hub().mark_stale(key, grown);
                }
            }
            SignalBody::Online { who } => {
                let until = self.now().plus(self.limits().presence_lease);
                for (tenant, author) in who {
                    self.note_elsewhere(tenant, author, signal.node, Some(until));
                }
            }
            SignalBody::Offline { tenant, author } => self.note_elsewhere(tenant, author, signal.node, None),
            SignalBody::Control { .. } => self.inner.control_due.notify_one(),
            SignalBody::Goodbye => {
                for (tenant, author) in self.hub().roster().expire(self.now(), Some(signal.node)) {
                    self.show_presence(tenant, author);
                }
            }
            SignalBody::Hello | SignalBody::Heartbeat => {}
            // It may have been a hint: what it stands for is looked for.
            SignalBody::Unknown => self.inner.missed.notify_one(),
            body => {
                // What nobody wants, and what comes while too much is being told already, may be lost.
                let place = Arc::clone(&self.inner.telling).try_acquire_owned();
                if let (true, Ok(place)) = (self.somebody_wants(&body), place) {
                    let chat = self.clone();
                    tokio::spawn(async move {
                        let _place = place;
                        if let Err(error) = chat.tell_here(&body, None).await {
                            tracing::debug!(
                                code = error.code(),
                                "a signal of another node could not be followed"
                            );
                        }
                    });
                }
            }
        }
    }

    fn note_elsewhere(
        &self,
        tenant: TenantId,
        author: Author,
        node: NodeId,
        until: Option<crate::time::Timestamp>,
    ) {
        if self.hub().roster().note_elsewhere(tenant, author, node, until) {
            self.show_presence(tenant, author);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_stand_in_one_signal_fit_into_it() {
        let longest = uuid::Uuid::max();
        let who = vec![(longest.into(), Author::Operator(longest.into())); WHO];
        let online = Signal { node: longest.into(), number: u64::MAX, body: SignalBody::Online { who } };
        let bytes = serde_json::to_vec(&online).expect("it is serializable").len();
        assert!(bytes <= 7_000, "{bytes} bytes");
    }
}
