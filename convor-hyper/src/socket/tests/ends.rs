//! What is left of a connection that has ended, however it has: nothing.

use std::sync::{Arc, Weak};
use std::time::Duration;

use convor::Chat;
use convor::credentials::SiteKey;
use convor::domain::Origin;
use convor::ports::{Close, Transport};
use convor::service::NewSite;
use tokio::runtime::{Builder, Runtime};

use super::super::Line;
use super::rig::{CLOSE, PATIENCE, Peer, Rig, TEXT, deliver, event};

/// A new visitor's token.
async fn visitor(chat: &Chat) -> String {
    let tenant = chat.create_tenant("Acme", "eu").await.expect("a tenant");
    let origin = Origin::parse("https://www.example.org").expect("an origin");
    let site = NewSite {
        name: "Acme",
        title: "Talk to us",
        greeting: "Hello!",
        color: "#0b6e4f",
        origins: &[origin.as_str()],
    };
    let site = chat.create_site(tenant, site).await.expect("a site");
    let key = SiteKey::new(tenant, site.id);
    let (_, token) = chat.register_visitor(&key, None).await.expect("a visitor");
    token.reveal().to_owned()
}

/// A connection of a visitor who has been welcomed, over a pipe that is full, with more that waits.
async fn stuck(rig: &Rig) -> (Peer, Weak<Line>) {
    let (mut peer, line) = welcomed(rig).await;
    deliver(&line.upgrade().expect("a connection"), 1, 20, 1_000);
    // Some of it has come through.
    peer.take(1).await;
    (peer, line)
}

/// A connection of a visitor who has been welcomed, to which nothing is left to write.
async fn welcomed(rig: &Rig) -> (Peer, Weak<Line>) {
    let (mut peer, line, _) = rig.open(4_000).await;
    let hello = format!(r#"{{"type":"hello","token":"{}"}}"#, visitor(&rig.chat).await);
    peer.say(&[(TEXT, hello.as_bytes())]).await;
    while !peer.text().await.contains(r#""type":"welcome""#) {}
    line.try_send(event("swept")).expect("room");
    while peer.text().await != "swept" {}
    (peer, Arc::downgrade(&line))
}

/// Waits until nobody holds these.
async fn gone<T: Send + Sync>(held: &[Weak<T>]) {
    let gone = async {
        while held.iter().any(|one| one.strong_count() > 0) {
            tokio::task::yield_now().await;
        }
    };
    let gone = tokio::time::timeout(PATIENCE, gone).await;
    gone.unwrap_or_else(|_| panic!("held: {:?}", held.iter().map(Weak::strong_count).collect::<Vec<_>>()));
}

#[tokio::test]
async fn nobody_holds_a_connection_that_was_cut() {
    let rig = Rig::new();
    let (_one, stuck) = stuck(&rig).await;
    let (_two, idle) = welcomed(&rig).await;
    let (_three, silent, _) = rig.open(100).await;
    let lines = [stuck, idle, Arc::downgrade(&silent)];
    drop(silent);
    assert_eq!(rig.sockets.cut_all(), 3);
    gone(&lines).await;
}

#[tokio::test]
async fn a_connection_that_was_cut_is_closed_although_somebody_holds_it() {
    let rig = Rig::new();
    let (mut peer, line, _) = rig.open(4_000).await;
    deliver(&line, 1, 1, 10);
    assert_eq!(peer.text().await, "1");
    rig.sockets.cut_all();
    assert_eq!(peer.rest().await, []);
    line.try_send(event("2")).expect_err("it has ended");
}

#[tokio::test]
async fn nobody_holds_a_connection_that_was_cut_before_it_was_granted() {
    let rig = Rig::new();
    let socket = rig.socket();
    let line = Arc::downgrade(socket.line());
    let connecting = rig.connect(socket, 100, Duration::from_secs(3_600));
    let cutting = async {
        while rig.sockets.cut_all() == 0 {
            tokio::task::yield_now().await;
        }
        line.upgrade().expect("a connection").try_send(event("early")).expect("room");
        gone(&[line]).await;
    };
    tokio::select! {
        _ = connecting => panic!("it was never granted"),
        () = cutting => {}
    }
}

#[tokio::test]
async fn nobody_holds_a_connection_that_ended_in_good_order() {
    let rig = Rig::new();
    let (mut goodbye, one) = welcomed(&rig).await;
    let (mut drained, two) = welcomed(&rig).await;
    let (vanished, three) = stuck(&rig).await;
    drop(vanished);
    goodbye.say(&[(CLOSE, b"")]).await;
    goodbye.rest().await;
    two.upgrade().expect("a connection").close(Close::Draining { reconnect_after_ms: 0 });
    drained.say(&[(CLOSE, b"")]).await;
    drained.rest().await;
    drop((goodbye, drained));
    gone(&[one, two, three]).await;
}

#[tokio::test]
async fn what_is_delivered_to_a_connection_that_has_been_cut_does_not_keep_it() {
    let rig = Rig::new();
    let (_peer, weak) = welcomed(&rig).await;
    let line = weak.upgrade().expect("a connection");
    // On its sweeper's list when it ends.
    line.try_send(event("late")).expect("room");
    rig.sockets.cut_all();
    rig.sockets.emptied().await;
    line.try_send(event("later")).expect_err("it has ended");
    drop(line);
    gone(&[weak]).await;
}

#[tokio::test]
async fn the_service_goes_with_its_last_connection() {
    let rig = Rig::new();
    let (peer, line) = welcomed(&rig).await;
    let sockets = Arc::downgrade(&rig.sockets);
    let sweeper = Arc::downgrade(&rig.sockets.sweeper());
    drop(rig);
    line.upgrade().expect("an open connection").try_send(event("1")).expect("room");
    drop(peer);
    gone(&[line]).await;
    assert!(sockets.upgrade().is_none());
    // Its task holds it, too.
    gone(&[sweeper]).await;
}

fn runtimes() -> [Runtime; 2] {
    let runtime = |mut builder: Builder| builder.enable_all().build().expect("a runtime");
    let mut two = Builder::new_multi_thread();
    two.worker_threads(2);
    [runtime(Builder::new_current_thread()), runtime(two)]
}

#[test]
fn nobody_holds_a_connection_whose_runtime_has_ended() {
    for runtime in runtimes() {
        let rig = runtime.block_on(async { Rig::new() });
        let (one, two, three) = runtime.block_on(async {
            let (three, late) = welcomed(&rig).await;
            // On its sweeper's list when the runtime ends.
            late.upgrade().expect("a connection").try_send(event("late")).expect("room");
            (stuck(&rig).await, welcomed(&rig).await, (three, late))
        });
        drop(runtime);
        for (_, line) in [&one, &two, &three] {
            assert_eq!(line.strong_count(), 0);
        }
    }
}

#[test]
fn a_connection_whose_sweeper_has_ended_writes_for_itself() {
    let [first, second] = runtimes();
    let rig = second.block_on(async { Rig::new() });
    // Their sweeper is of the first runtime, their tasks are not.
    let sockets: Vec<_> = first.block_on(async { (0..2).map(|_| rig.socket()).collect() });
    let lines: Vec<_> = sockets.iter().map(|socket| Arc::clone(socket.line())).collect();
    second.block_on(async {
        let mut peers = Vec::new();
        for socket in sockets {
            // What waits already is looked at by its own task.
            deliver(socket.line(), 1, 1, 10);
            peers.push(rig.connect(socket, 1_000, Duration::ZERO).await.0);
        }
        for peer in &mut peers {
            assert_eq!(peer.text().await, "1");
        }
        // Nobody runs the first runtime any more: this one waits on its sweeper's list.
        deliver(&lines[0], 2, 1, 10);
        drop_elsewhere(first).await;
        assert_eq!(peers[0].text().await, "2");
        for (line, peer) in lines.iter().zip(&mut peers) {
            deliver(line, 3, 1, 10);
            assert_eq!(peer.text().await, "3");
        }
        rig.sockets.cut_all();
        let weak: Vec<_> = lines.iter().map(Arc::downgrade).collect();
        drop(lines);
        gone(&weak).await;
    });
}

/// A runtime may not be dropped where another one runs.
async fn drop_elsewhere(runtime: Runtime) {
    tokio::task::spawn_blocking(move || drop(runtime)).await.expect("no panic");
}
