//! This node among others: what it tells them, and what it does with what they tell.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior};

use crate::config::Limits;
use crate::domain::Author;
use crate::hub::StaleTopic;
use crate::ids::{NodeId, TenantId};
use crate::ports::{Broker, Frame, Received, Signal, SignalBody, Subscription};
use crate::protocol::{ServerFrame, encode};

use super::background::upgrade;
use super::queue::{self, Queue};
use super::tellers::{Tellers, Told};
use super::{Chat, Inner};

/// How often a node says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// After how many beats without a signal a node has vanished.
const BEATS_MISSED_MAX: u64 = 5;

/// After how many beats more at most what a vanished node may have said is looked for again. It may have ended, or be cut off from
/// the broker alone, and still serve clients.
const BEATS_BETWEEN_LOOKS_MAX: u64 = 60;

/// How many nodes are remembered: more than a cluster has, since anybody may make them up where signals are not sealed.
const PEERS_MAX: usize = 1_000;

/// For how many beats a vanished node's last number is remembered, so that a gap is seen when it comes back.
const BEATS_REMEMBERED: u64 = 3_600;

/// In how many beats of a new subscription all nodes have been heard of: one that appears later has been missed.
const BEATS_TO_KNOW_ALL: u64 = 3;

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
    chat.keep(tokio::spawn(make_up_for_what_was_missed(inner.clone(), Arc::clone(&chat.inner.missed))));
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

/// Makes up for lost hints, apart from the listening, which must not wait for it. However often something was missed in the
/// meantime, it is done once more.
async fn make_up_for_what_was_missed(inner: Weak<Inner>, missed: Arc<tokio::sync::Notify>) {
    loop {
        missed.notified().await;
        let Some(chat) = upgrade(&inner) else { return };
        chat.make_up().await;
        drop(chat);
        tokio::time::sleep(HEARTBEAT).await;
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
                if peers.hear(&signal) {
                    chat.inner.missed.notify_one();
                }
                chat.hear(signal, tellers);
            }
            Some(Received::Lost) => chat.inner.missed.notify_one(),
            Some(Received::Closed) => return,
            None => {
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

/// The other nodes, as far as they have been heard.
#[derive(Debug, Default)]
struct Peers {
    known: HashMap<NodeId, Peer>,
    beats: u64,
}

#[derive(Debug, Clone, Copy)]
struct Peer {
    /// Its last signal.
    number: u64,
    /// In which beat of this node that came.
    heard_in: u64,
    /// In which beat it has vanished, or what it may have said is looked for again.
    missing_in: u64,
    /// It has said goodbye: nothing is missed when it falls silent.
    leaving: bool,
}

impl Peers {
    /// Whether this signal, or a later one of its node, has been heard.
    fn has_heard(&self, signal: &Signal) -> bool {
        self.known.get(&signal.node).is_some_and(|peer| signal.number <= peer.number)
    }

    /// Notes a signal; answers whether others before it have been missed.
    fn hear(&mut self, signal: &Signal) -> bool {
        let was_leaving = self.known.get(&signal.node).is_some_and(|peer| peer.leaving);
        let leaving = was_leaving || signal.body == SignalBody::Goodbye;
        let missing_in = self.beats + BEATS_MISSED_MAX + 1;
        let peer = Peer { number: signal.number, heard_in: self.beats, missing_in, leaving };
        if self.known.len() >= PEERS_MAX && !self.known.contains_key(&signal.node) {
            self.forget_one();
        }
        match self.known.insert(signal.node, peer) {
            Some(before) => before.number.checked_add(1) != Some(signal.number),
            None => signal.number > 1 && self.beats > BEATS_TO_KNOW_ALL,
        }
    }

    /// A beat has passed; answers which nodes have vanished in it, or are still missing. The longer it lasts, the less often.
    fn beat(&mut self) -> Vec<NodeId> {
        self.beats += 1;
        let beats = self.beats;
        self.known.retain(|_, peer| beats - peer.heard_in <= BEATS_REMEMBERED);
        let mut missing = Vec::new();
        for (node, peer) in &mut self.known {
            if !peer.leaving && beats >= peer.missing_in {
                peer.missing_in = beats + (beats - peer.heard_in).min(BEATS_BETWEEN_LOOKS_MAX);
                missing.push(*node);
            }
        }
        missing
    }

    /// Forgets the one that has been silent for longest.
    fn forget_one(&mut self) {
        let oldest = self.known.iter().min_by_key(|(_, peer)| peer.heard_in).map(|(node, _)| *node);
        oldest.map(|node| self.known.remove(&node));
    }
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
            SignalBody::Hello => self.say_who_is_here(),
            SignalBody::Goodbye => {
                for (tenant, author) in self.hub().roster().expire(self.now(), Some(signal.node)) {
                    self.show_presence(tenant, author);
                }
            }
            SignalBody::Heartbeat => {}
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

    /// Lets those who listen to an inbox list it again: they may have missed something.
    pub(super) fn let_inbox_be_listed(&self, tenant: TenantId) {
        let reset = ServerFrame::Reset { conversation: None, inbox: Some(true), epoch: None, seq: None };
        let reset = Frame::event(encode(&reset));
        self.hub().roster().inbox(tenant).iter().for_each(|connection| connection.offer(&reset));
    }

    /// Other nodes may have said what this one has not heard: what has listeners here is reread, visitors hear the
    /// conversations that have been opened elsewhere, those who listen to an inbox list it again, and control logs are
    /// obeyed.
    async fn make_up(&self) {
        self.hub().mark_all_stale();
        for tenant in self.hub().roster().tenants_here() {
            self.let_inbox_be_listed(tenant);
        }
        self.confirm_all().await;
        for (tenant, author) in self.hub().roster().principals() {
            let Author::Visitor(visitor) = author else { continue };
            match self.within(self.conversations_of(tenant, visitor)).await {
                Ok(own) => own.into_iter().for_each(|(id, _)| self.subscribe_visitor((tenant, id), visitor)),
                Err(_) => {
                    // The storage does not answer: the next round begins anew.
                    self.inner.missed.notify_one();
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(number: u64, body: SignalBody) -> Signal {
        Signal { node: uuid::Uuid::from_u128(1).into(), number, body }
    }

    #[test]
    fn a_gap_is_seen_also_of_a_node_that_had_vanished() {
        let mut peers = Peers::default();
        assert!(!peers.hear(&signal(7, SignalBody::Heartbeat)), "a subscription begins anywhere");
        assert!(!peers.hear(&signal(8, SignalBody::Heartbeat)));
        assert!(peers.hear(&signal(10, SignalBody::Heartbeat)));
        let vanished: Vec<_> = (0..BEATS_MISSED_MAX + 3).map(|_| peers.beat().len()).collect();
        assert_eq!(vanished.iter().sum::<usize>(), 1, "it has vanished");
        assert!(!peers.hear(&signal(11, SignalBody::Heartbeat)), "it had nothing to say");
        assert!(peers.hear(&signal(13, SignalBody::Heartbeat)));
    }

    #[test]
    fn what_is_said_again_is_known() {
        let mut peers = Peers::default();
        assert!(!peers.has_heard(&signal(7, SignalBody::Heartbeat)));
        peers.hear(&signal(7, SignalBody::Heartbeat));
        assert!(peers.has_heard(&signal(7, SignalBody::Heartbeat)));
        assert!(!peers.has_heard(&signal(8, SignalBody::Heartbeat)));
    }

    #[test]
    fn a_node_that_stays_away_is_looked_after_again_and_again() {
        let mut peers = Peers::default();
        peers.hear(&signal(1, SignalBody::Heartbeat));
        let looks: Vec<_> = (1..=300).filter(|_| !peers.beat().is_empty()).collect();
        assert_eq!(looks, [6, 12, 24, 48, 96, 156, 216, 276]);
        peers.hear(&signal(2, SignalBody::Heartbeat));
        assert!((0..BEATS_MISSED_MAX).all(|_| peers.beat().is_empty()));
        assert_eq!(peers.beat().len(), 1);
    }

    #[test]
    fn nodes_that_somebody_makes_up_are_not_remembered_without_bound() {
        let mut peers = Peers::default();
        for node in 0..2 * PEERS_MAX as u128 {
            peers.hear(&Signal { node: uuid::Uuid::from_u128(node).into(), ..signal(1, SignalBody::Hello) });
        }
        assert_eq!(peers.known.len(), PEERS_MAX);
    }

    #[test]
    fn a_node_that_nobody_knew_has_been_missed_but_a_new_one_has_not() {
        let mut peers = Peers::default();
        (0..=BEATS_TO_KNOW_ALL).for_each(|_| drop(peers.beat()));
        assert!(!peers.hear(&signal(1, SignalBody::Hello)));
        let other = |number| Signal {
            node: uuid::Uuid::from_u128(2).into(),
            ..signal(number, SignalBody::Heartbeat)
        };
        assert!(peers.hear(&other(5)));
    }

    #[test]
    fn a_node_that_has_said_goodbye_does_not_vanish_but_may_be_missed() {
        let mut peers = Peers::default();
        peers.hear(&signal(1, SignalBody::Hello));
        peers.hear(&signal(2, SignalBody::Goodbye));
        assert!(!peers.hear(&signal(3, SignalBody::Heartbeat)), "it has something left to say");
        assert!((0..10).all(|_| peers.beat().is_empty()));
        assert!(peers.hear(&signal(9, SignalBody::Heartbeat)));
    }

    #[test]
    fn what_a_newer_version_says_is_no_gap() {
        let mut peers = Peers::default();
        peers.hear(&signal(1, SignalBody::Hello));
        assert!(!peers.hear(&signal(2, SignalBody::Unknown)));
        assert!(!peers.hear(&signal(3, SignalBody::Heartbeat)));
        assert!(peers.hear(&signal(5, SignalBody::Unknown)), "but it has a number, and so may be missed");
    }

    #[test]
    fn no_number_is_too_high_to_be_heard() {
        let mut peers = Peers::default();
        peers.hear(&signal(u64::MAX, SignalBody::Heartbeat));
        assert!(peers.hear(&signal(0, SignalBody::Heartbeat)));
    }

    #[test]
    fn as_many_as_stand_in_one_signal_fit_into_it() {
        let longest = uuid::Uuid::max();
        let who = vec![(longest.into(), Author::Operator(longest.into())); WHO];
        let online = Signal { node: longest.into(), ..signal(u64::MAX, SignalBody::Online { who }) };
        let bytes = serde_json::to_vec(&online).expect("it is serializable").len();
        assert!(bytes <= 7_000, "{bytes} bytes");
    }
}
