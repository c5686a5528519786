//! What is written at once, and what is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use convor::ports::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::super::Socket;
use super::super::line::Line;
use super::super::outgoing::{Half, Outgoing};
use super::rig::{PATIENCE, Rig, deliver, event, idle, silent};

#[tokio::test(start_paused = true)]
async fn s25_nothing_follows_a_frame_that_was_lost_in_a_sweep() {
    let rig = Rig::new();
    let (mut peer, line, valve) = rig.open(64 * 1024).await;
    deliver(&line, 1, 1, 10);
    assert_eq!(peer.text().await, "1");
    valve.fail_once();
    deliver(&line, 2, 1, 10);
    // Whoever notices it first: what is delivered between the loss and the end is not written either.
    while !valve.has_failed() {
        tokio::task::yield_now().await;
        let _ = line.try_send(event("3"));
    }
    idle().await;
    line.try_send(event("4")).expect_err("the connection has ended");
    assert_eq!(peer.rest().await, []);
    rig.sockets.emptied().await;
}

#[tokio::test(start_paused = true)]
async fn s25_nothing_follows_a_frame_of_which_the_rest_was_lost() {
    let rig = Rig::new();
    let (mut peer, line, valve) = rig.open(100).await;
    deliver(&line, 1, 3, 80);
    idle().await;
    valve.fail_once();
    assert_eq!(peer.text().await, "1");
    idle().await;
    assert!(valve.has_failed());
    line.try_send(event("4")).expect_err("the connection has ended");
    rig.sockets.emptied().await;
    assert_eq!(peer.bytes_to_the_end().await.len(), 18, "what had come through of the second frame");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_sweep_ends_its_own_connection_and_no_other() {
    let rig = Rig::new();
    let (mut peer, line, valve) = rig.open(1_000).await;
    let (mut neighbour, beside, _) = rig.open(1_000).await;
    idle().await;
    valve.on_write(|| panic!("a mistake"));
    deliver(&line, 1, 1, 10);
    deliver(&beside, 1, 1, 10);
    assert_eq!(neighbour.text().await, "1");
    assert_eq!(peer.rest().await, []);
    line.try_send(event("2")).expect_err("the connection has ended");
    deliver(&beside, 2, 1, 10);
    assert_eq!(neighbour.text().await, "2");
}

#[tokio::test(start_paused = true)]
async fn thirty_frames_that_wait_are_one_write() {
    let rig = Rig::new();
    let (mut peer, line, valve) = rig.open(64 * 1024).await;
    idle().await;
    let before = valve.writes();
    deliver(&line, 1, 30, 500);
    idle().await;
    assert_eq!(valve.writes() - before, 1);
    for number in 1..=30 {
        assert_eq!(peer.text().await, number.to_string());
    }
}

/// Delivers one more whenever something is written, which always comes through; answers how often others had their turn
/// before so many had been delivered. Without a sweeper, the connection's task writes.
async fn turns_beside(frames: usize, swept: bool) -> usize {
    let rig = Rig::new();
    let socket = if swept { rig.socket() } else { without_sweeper(&rig) };
    let line = Arc::clone(socket.line());
    let (mut peer, valve) = rig.connect(socket, 1_000, Duration::ZERO).await;
    deliver(&line, 1, 1, 1);
    assert_eq!(peer.text().await, "1");
    let delivered = Arc::new(AtomicUsize::new(1));
    let (always, count) = (Arc::downgrade(&line), Arc::clone(&delivered));
    valve.on_write(move || {
        let Some(line) = always.upgrade() else { return };
        if count.load(Ordering::SeqCst) < frames && line.try_send(event("x")).is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    valve.swallow();
    deliver(&line, 2, 1, 1);
    let mut turns = 0;
    while delivered.load(Ordering::SeqCst) < frames {
        tokio::task::yield_now().await;
        turns += 1;
    }
    turns
}

/// A socket whose sweeper has ended with its runtime.
fn without_sweeper(rig: &Rig) -> Socket {
    let rig = rig.clone();
    let elsewhere = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async { rig.socket() })
    };
    std::thread::spawn(elsewhere).join().expect("no panic")
}

#[tokio::test]
async fn a_connection_that_is_always_delivered_to_leaves_others_their_turn() {
    const FRAMES: usize = 20_000;
    for swept in [true, false] {
        let turns = turns_beside(FRAMES, swept).await;
        assert!(turns > 20, "{turns} turns beside {FRAMES} frames, swept: {swept}");
    }
}

#[tokio::test]
async fn many_connections_that_can_be_written_to_are_not_left_to_their_tasks() {
    const CONNECTIONS: usize = 300;
    let rig = Rig::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut all = Vec::new();
    for _ in 0..CONNECTIONS {
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (_, mut write) = server.expect("a connection").0.into_split();
        write.write_all(b".").await.expect("it can be written to");
        // There is no task that something could be left to.
        let line = Arc::new(Line::new(&silent(), rig.sockets.sweeper()));
        line.open(Outgoing::new(Half::Tcp(write)));
        line.sweep().expect("it is written");
        all.push((client.expect("a connection"), line));
    }
    for (_, line) in &all {
        deliver(line, 1, 1, 1);
    }
    for (number, (client, _)) in all.iter_mut().enumerate() {
        let mut bytes = [0; 4];
        let read = tokio::time::timeout(PATIENCE, client.read_exact(&mut bytes)).await;
        read.unwrap_or_else(|_| panic!("{number} was left to its task")).expect("bytes");
        assert_eq!(&bytes, b".\x81\x011");
    }
}
