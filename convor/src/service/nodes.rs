//! This node among others: what it tells them, and what it does with what they tell.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Interval;

use crate::domain::{Author, ControlEvent};
use crate::error::Error;
use crate::ids::{NodeId, TenantId};
use crate::ports::{Broker, Close, Received, Signal, SignalBody, Subscription};

use super::background::upgrade;
use super::{Chat, Inner};

/// How often a node says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// After how many missed heartbeats a node has vanished.
const HEARTBEATS_MISSED_MAX: u64 = 5;

/// How many control events one read fetches.
const CONTROL_PAGE: usize = 100;

/// Signals that wait for the broker. One that does not fit is dropped, but has been counted: the others see the gap.
#[derive(Debug)]
pub(super) struct Outgoing {
    queue: mpsc::Sender<Numbered>,
    number: std::sync::atomic::AtomicU64,
}

/// A signal with its number.
type Numbered = (u64, SignalBody);

impl Outgoing {
    pub(super) fn new(waiting_max: usize) -> (Self, mpsc::Receiver<Numbered>) {
        let (queue, waiting) = mpsc::channel(waiting_max);
        (Self { queue, number: 1.into() }, waiting)
    }
}

/// Spawns what connects this node with others; it ends with the chat.
pub(super) fn spawn(chat: &Chat, broker: &Arc<dyn Broker>, waiting: mpsc::Receiver<Numbered>) {
    let inner = Arc::downgrade(&chat.inner);
    chat.keep(tokio::spawn(speak(chat.inner.node, Arc::clone(broker), waiting)));
    chat.keep(tokio::spawn(beat(inner.clone())));
    chat.keep(tokio::spawn(listen(inner, Arc::clone(broker))));
}

async fn speak(node: NodeId, broker: Arc<dyn Broker>, mut waiting: mpsc::Receiver<Numbered>) {
    while let Some((number, body)) = waiting.recv().await {
        if broker.publish(&Signal { node, number, body }).await.is_err() {
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
            for (tenant, author) in chat.hub().roster().principals() {
                chat.signal(SignalBody::Presence { tenant, author, online: true });
            }
        }
        for (tenant, author) in chat.hub().roster().expire(chat.now(), None) {
            chat.show_presence(tenant, author, false);
        }
    }
}

/// What is known of another node.
#[derive(Debug, Clone, Copy)]
struct Peer {
    /// Its last signal.
    number: u64,
    /// In which beat of this node that came.
    heard_in: u64,
}

async fn listen(inner: Weak<Inner>, broker: Arc<dyn Broker>) {
    loop {
        match broker.subscribe().await {
            Ok(subscription) => {
                if let Some(chat) = upgrade(&inner) {
                    // What was said before is not coming any more.
                    chat.missed_something().await;
                }
                listen_to(&inner, subscription).await;
            }
            Err(_) => tracing::warn!("the broker is not available; what other nodes do is not seen at once"),
        }
        if inner.strong_count() == 0 {
            return;
        }
        if let Some(chat) = upgrade(&inner) {
            chat.missed_something().await;
        }
        tokio::time::sleep(HEARTBEAT).await;
    }
}

async fn listen_to(inner: &Weak<Inner>, mut subscription: Box<dyn Subscription>) {
    let mut peers: HashMap<NodeId, Peer> = HashMap::new();
    let mut beats = 0;
    let mut ticker = tokio::time::interval(HEARTBEAT);
    loop {
        let received = next_or_tick(subscription.as_mut(), &mut ticker).await;
        let Some(chat) = upgrade(inner) else { return };
        match received {
            Some(Received::Signal(signal)) if signal.node == chat.inner.node => {}
            Some(Received::Signal(signal)) => {
                let peer = Peer { number: signal.number, heard_in: beats };
                let before = peers.insert(signal.node, peer);
                if before.is_some_and(|before| signal.number > before.number + 1) {
                    chat.missed_something().await;
                }
                chat.hear(signal).await;
            }
            Some(Received::Lost) => chat.missed_something().await,
            Some(Received::Closed) => return,
            None => {
                beats += 1;
                for node in take_vanished(&mut peers, beats) {
                    for (tenant, author) in chat.hub().roster().expire(chat.now(), Some(node)) {
                        chat.show_presence(tenant, author, false);
                    }
                    chat.missed_something().await;
                }
            }
        }
    }
}

/// The next signal, or `None` when a beat has passed.
async fn next_or_tick(subscription: &mut dyn Subscription, ticker: &mut Interval) -> Option<Received> {
    let mut next = subscription.next();
    std::future::poll_fn(|context| {
        if ticker.poll_tick(context).is_ready() {
            return Poll::Ready(None);
        }
        next.as_mut().poll(context).map(Some)
    })
    .await
}

fn take_vanished(peers: &mut HashMap<NodeId, Peer>, beats: u64) -> Vec<NodeId> {
    let vanished = |peer: &Peer| beats - peer.heard_in > HEARTBEATS_MISSED_MAX;
    peers.extract_if(|_, peer| vanished(peer)).map(|(node, _)| node).collect()
}

impl Chat {
    /// Tells the other nodes, if there are any.
    pub(super) fn signal(&self, body: SignalBody) {
        if let Some(signals) = &self.inner.signals {
            let number = signals.number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if signals.queue.try_send((number, body)).is_err() {
                tracing::debug!("too many signals wait for the broker; the other nodes will see the gap");
            }
        }
    }

    async fn hear(&self, signal: Signal) {
        let heard = match signal.body {
            SignalBody::Grown { tenant, conversation, heads, .. } => {
                self.hub().mark_stale((tenant, conversation), heads.staff.checked_sub(1));
                Ok(())
            }
            SignalBody::Presence { tenant, author, online } => {
                let until = online.then(|| self.now().plus(self.limits().presence_lease));
                let before = self.hub().roster().is_online(tenant, author);
                self.hub().roster().note_elsewhere(tenant, author, signal.node, until);
                if before != online {
                    self.show_presence(tenant, author, online);
                }
                Ok(())
            }
            SignalBody::Control { tenant, .. } => self.obey_control(tenant).await,
            SignalBody::Heartbeat => Ok(()),
            body => self.tell_here(&body, None).await,
        };
        if let Err(error) = heard {
            tracing::debug!(code = error.code(), "a signal of another node could not be followed");
        }
    }

    /// Other nodes may have said what this one has not heard: everything that has listeners here is reread, visitors hear
    /// the conversations that they have opened elsewhere, inboxes come back and list again, and the control logs are
    /// obeyed, or else their tenants' connections are closed.
    async fn missed_something(&self) {
        self.hub().mark_all_stale();
        for (tenant, author) in self.hub().roster().principals() {
            if let Author::Visitor(visitor) = author {
                // A storage that does not answer is asked again when the next conversation grows.
                for conversation in self.conversations_of(tenant, visitor).await.unwrap_or_default() {
                    self.subscribe_visitor((tenant, conversation), visitor);
                }
            }
        }
        for tenant in self.hub().roster().tenants_here() {
            for connection in self.hub().roster().inbox(tenant).iter() {
                connection.close(Close::PositionLost);
            }
            let patience = self.limits().control_lag_max;
            let obeyed = tokio::time::timeout(patience, self.obey_control(tenant)).await;
            if !matches!(obeyed, Ok(Ok(()))) {
                for connection in self.hub().roster().all(Some(tenant)) {
                    connection.close(Close::PositionLost);
                }
            }
        }
    }

    /// Reads a tenant's control log from where this node has obeyed it, and obeys. A node that has just got its first
    /// connection of a tenant begins at the log's end.
    pub(crate) async fn obey_control(&self, tenant: TenantId) -> Result<(), Error> {
        let control = self.storage().control();
        let Some(mut position) = self.hub().roster().control(tenant) else {
            let head = control.head(tenant).await?;
            self.hub().roster().obeyed(tenant, head);
            return Ok(());
        };
        loop {
            let events = control.after(tenant, position, CONTROL_PAGE).await?;
            for (at, event) in &events {
                self.obey(tenant, *event);
                position = *at;
            }
            self.hub().roster().obeyed(tenant, position);
            if events.len() < CONTROL_PAGE {
                return Ok(());
            }
        }
    }

    fn obey(&self, tenant: TenantId, event: ControlEvent) {
        match event {
            ControlEvent::SessionEnded(session) => self.hub().roster().close_session(tenant, session),
        }
    }

    /// Obeys here what has just been committed, and lets the other nodes know.
    #[cfg(feature = "accounts")]
    pub(super) async fn control_grew(&self, tenant: TenantId) -> Result<(), Error> {
        self.obey_control(tenant).await?;
        let position = self.hub().roster().control(tenant).unwrap_or(0);
        self.signal(SignalBody::Control { tenant, position });
        Ok(())
    }
}
