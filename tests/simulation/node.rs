//! A node: a chat behind its HTTP service, which can crash, go away in good order, and come back.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use convor::ports::{Broker, Storage};
use convor::{Chat, Limits};
use convor_hyper::{ChatService, Peer};
use convor_tests::host::generous;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tower_service::Service;

use crate::bug::Bug;
use crate::clock::NodeClock;
use crate::dice::{Dice, SeededEntropy};
use crate::life::Life;
use crate::network::{End, Side};
use crate::storage::Reach;
use crate::uplink::Uplink;
use crate::world::World;

/// How many events are replayed to one who comes back: few, so that some are told to read again.
pub(crate) const REPLAYED_MAX: u64 = 25;

/// How many frames wait for a reader: few, so that some are too slow.
const QUEUE: usize = 24;

/// A node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) number: usize,
    pub(crate) clock: Arc<NodeClock>,
    running: Option<Running>,
    /// How many times it has been started.
    starts: u64,
}

/// A node that runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) chat: Chat,
    pub(crate) reach: Arc<Reach>,
    pub(crate) uplink: Arc<Uplink>,
    service: ChatService,
    life: Arc<Life>,
    /// Connections end with it.
    _accepting: JoinSet<()>,
}

impl Node {
    pub(crate) fn new(world: &World, number: usize, clock: NodeClock) -> Self {
        let mut node = Self { number, clock: Arc::new(clock), running: None, starts: 0 };
        node.start(world);
        node
    }

    pub(crate) const fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }

    /// Starts it, if it does not run.
    pub(crate) fn start(&mut self, world: &World) {
        if self.running.is_some() {
            return;
        }
        self.starts += 1;
        let name = format!("node {} {}", self.number, self.starts);
        let dice = |what: &str| Dice::new(world.seed, &format!("{name} {what}"));
        let (life, watcher) = (Arc::new(Life::default()), Arc::clone(&world.watcher));
        let fate = (world.bug, dice("storage").roll());
        let reach = Reach::new(Arc::clone(&world.storage), Arc::clone(&watcher), Arc::clone(&life), fate);
        let broker = Arc::clone(&world.broker) as Arc<dyn Broker>;
        let renumbers = world.bug == Some(Bug::TrustsHints);
        let uplink = Uplink::new(broker, watcher, Arc::clone(&life), dice("broker").roll(), renumbers);
        let (reach, uplink) = (Arc::new(reach), Arc::new(uplink));
        let storage = Arc::clone(&reach) as Arc<dyn Storage>;
        let entropy = Arc::new(SeededEntropy::new(dice("entropy")));
        let builder = Chat::builder_with(storage, Arc::clone(&self.clock) as _, entropy);
        let chat = builder.broker(Arc::clone(&uplink) as _).limits(limits()).start();
        let service = ChatService::builder(chat.clone()).build();
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(world.network.open(self.number), service.clone()));
        self.running = Some(Running { chat, reach, uplink, service, life, _accepting: accepting });
    }

    /// Ends it without a goodbye. Its peers get a reset, or hear nothing more.
    pub(crate) fn crash(&mut self, world: &World, silently: bool) {
        let Some(running) = self.running.take() else { return };
        running.life.end();
        world.network.close(self.number);
        let sides = [Side::Node, Side::Client];
        let sides = if silently { &sides[..1] } else { &sides[..] };
        world.network.cut(None, Some(self.number), sides);
    }

    /// Ends it in good order.
    pub(crate) async fn leave(&mut self, world: &World) {
        let Some(running) = self.running.take() else { return };
        running.service.drain().await;
        world.network.close(self.number);
        world.network.cut(None, Some(self.number), &[Side::Node, Side::Client]);
        // What it has left to do, it does: a host that ends waits for nothing more than the drain.
        running.life.end();
    }
}

fn limits() -> Limits {
    let mut limits = generous();
    limits.resume_events_max = REPLAYED_MAX;
    limits.queue_frames_max = QUEUE;
    limits
}

async fn accept(mut connections: mpsc::UnboundedReceiver<End>, service: ChatService) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder.http2().timer(TokioTimer::new());
    let mut serving = JoinSet::new();
    while let Some(end) = connections.recv().await {
        let (builder, service) = (builder.clone(), service.clone());
        serving.spawn(async move {
            let requests = hyper::service::service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(IpAddr::V4(Ipv4Addr::LOCALHOST)));
                service.clone().call(request)
            });
            // How it ends is for the client to see.
            let _ = builder.serve_connection_with_upgrades(TokioIo::new(end), requests).await;
        });
        while serving.try_join_next().is_some() {}
    }
}
