//! How a connection ends, byte by byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use convor::ports::{Close, Transport};
use tokio::time::timeout;

use super::rig::{CLOSE, PATIENCE, PING, PONG, Rig, TEXT, deliver, idle, silent};

/// What a close frame says.
fn says(code: u16, reason: &str) -> Bytes {
    [&code.to_be_bytes(), reason.as_bytes()].concat().into()
}

/// How the connection ends for this reason: why in the protocol's words, and in those of RFC 6455.
fn ending(reason: Close) -> [(u8, Bytes); 2] {
    let text = convor::session::closing(reason);
    [(TEXT, text), (CLOSE, says(reason.code(), reason.reason()))]
}

/// Frames without the fillers in them.
fn trimmed(frames: Vec<(u8, Bytes)>) -> Vec<(u8, Bytes)> {
    let trim = |(opcode, payload): (u8, Bytes)| (opcode, Bytes::copy_from_slice(payload.trim_ascii_end()));
    frames.into_iter().map(trim).collect()
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_is_answered_in_kind() {
    let rig = Rig::new();
    for (goodbye, answer) in [
        (&1000_u16.to_be_bytes()[..], says(1000, "bye")),
        (b"\x03\xe9going away", says(1001, "bye")),
        (&4999_u16.to_be_bytes(), says(4999, "bye")),
        (&1005_u16.to_be_bytes(), says(1002, "bye")),
        (&1006_u16.to_be_bytes(), says(1002, "bye")),
        (&999_u16.to_be_bytes(), says(1002, "bye")),
        (b"\x03", says(1002, "bye")),
        (b"", Bytes::new()),
    ] {
        let (mut peer, _line, _) = rig.open(1_000).await;
        peer.say(&[(CLOSE, goodbye)]).await;
        assert_eq!(peer.rest().await, [(CLOSE, answer)], "{goodbye:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_does_not_wait_behind_the_queue() {
    let rig = Rig::new();
    let (mut peer, line, _) = rig.open(1_000).await;
    deliver(&line, 1, 20, 600);
    idle().await;
    peer.say(&[(CLOSE, &1000_u16.to_be_bytes())]).await;
    idle().await;
    // The second frame had begun.
    let [one, two] = [b"1", b"2"].map(|text| (TEXT, Bytes::from_static(text)));
    assert_eq!(trimmed(peer.rest().await), [one, two, (CLOSE, says(1000, "bye"))]);
}

#[tokio::test(start_paused = true)]
async fn no_pong_comes_after_the_close() {
    let rig = Rig::new();
    let goodbye = 1000_u16.to_be_bytes();
    let (mut peer, _line, _) = rig.open(1_000).await;
    peer.say(&[(CLOSE, &goodbye), (PING, b"p")]).await;
    assert_eq!(peer.rest().await, [(CLOSE, says(1000, "bye"))]);

    let (mut peer, line, _) = rig.open(1_000).await;
    line.close(Close::Idle);
    peer.say(&[(PING, b"p"), (PING, b"q")]).await;
    idle().await;
    peer.say(&[(PING, b"r"), (CLOSE, &goodbye), (PING, b"s")]).await;
    assert_eq!(peer.rest().await, ending(Close::Idle));
}

#[tokio::test(start_paused = true)]
async fn pings_that_come_while_a_write_is_stuck_are_answered_once_and_between_frames() {
    let rig = Rig::new();
    let (mut peer, line, _) = rig.open(1_000).await;
    deliver(&line, 1, 3, 3_000);
    idle().await;
    for ping in 0..100 {
        peer.say(&[(PING, format!("{ping}").as_bytes())]).await;
    }
    idle().await;
    for number in ["1", "2", "3"] {
        assert_eq!(peer.text().await, number);
    }
    assert_eq!(peer.frame().await, Some((PONG, Bytes::from_static(b"99"))));
    peer.say(&[(CLOSE, b"")]).await;
    assert_eq!(peer.rest().await, [(CLOSE, Bytes::new())], "the others are not answered");
}

#[tokio::test(start_paused = true)]
async fn of_the_pings_of_a_slow_reader_an_older_one_is_never_answered_after_a_newer_one() {
    const FRAMES: usize = 40;
    for step in [1, 7, 30, 50, 150] {
        let rig = Rig::new();
        let (mut peer, line, _) = rig.open(100).await;
        deliver(&line, 1, FRAMES, 70);
        idle().await;
        let (mut pings, mut bytes) = (0, 0);
        while bytes + step <= FRAMES * 72 {
            pings += 1;
            peer.say(&[(PING, format!("{pings}").as_bytes())]).await;
            idle().await;
            peer.take(step).await;
            bytes += step;
            idle().await;
        }
        let (mut texts, mut last) = (0, 0);
        while texts < FRAMES || last < pings {
            let (opcode, payload) = peer.frame().await.expect("a frame");
            let number = String::from_utf8_lossy(&payload).trim_end().parse().expect("a number");
            if opcode == TEXT {
                texts += 1;
                assert_eq!(number, texts, "{step} bytes at once");
            } else {
                assert!(opcode == PONG && number > last, "{number} after {last}, {step} bytes at once");
                last = number;
            }
        }
        assert_eq!(last, pings, "{step} bytes at once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_that_comes_while_an_older_one_is_not_begun_replaces_it() {
    let rig = Rig::new();
    let (mut peer, line, valve) = rig.open(100).await;
    idle().await;
    // The first write takes all three frames and the ping, but only one and a part of the second come through.
    deliver(&line, 1, 3, 70);
    line.pinged(Bytes::from_static(b"old"));
    let (pinged, once) = (Arc::downgrade(&line), AtomicBool::new(true));
    valve.on_write(move || {
        if once.swap(false, Ordering::SeqCst) {
            pinged.upgrade().expect("a connection").pinged(Bytes::from_static(b"new"));
        }
    });
    for number in ["1", "2", "3"] {
        assert_eq!(peer.text().await, number);
    }
    assert_eq!(peer.frame().await, Some((PONG, Bytes::from_static(b"new"))));
    peer.say(&[(CLOSE, b"")]).await;
    assert_eq!(peer.rest().await, [(CLOSE, Bytes::new())]);
}

#[tokio::test(start_paused = true)]
async fn s16_who_may_hear_nothing_more_gets_what_had_begun_and_why() {
    let rig = Rig::new();
    let (mut peer, line, _) = rig.open(1_000).await;
    deliver(&line, 1, 20, 600);
    idle().await;
    line.withdraw(Close::Revoked);
    idle().await;
    let [one, two] = [b"1", b"2"].map(|text| (TEXT, Bytes::from_static(text)));
    let [why, end] = ending(Close::Revoked);
    assert_eq!(trimmed(peer.rest().await), [one, two, why, end]);
}

#[tokio::test(start_paused = true)]
async fn s16_who_may_hear_nothing_more_and_does_not_read_is_cut_in_time() {
    let mut limits = silent();
    (limits.write_timeout, limits.withdrawn_timeout) =
        (Duration::from_secs(3_600), Duration::from_millis(500));
    // A frame that has begun is stuck; or only the end is.
    for (frames, bytes) in [(20, 600), (1, 996)] {
        let rig = Rig::with(limits.clone());
        let (mut peer, line, _) = rig.open(1_000).await;
        deliver(&line, 1, frames, bytes);
        idle().await;
        line.withdraw(Close::Revoked);
        timeout(Duration::from_millis(490), rig.sockets.emptied()).await.expect_err("it may still read");
        timeout(Duration::from_millis(20), rig.sockets.emptied()).await.expect("it is cut");
        assert!(timeout(PATIENCE, peer.bytes_to_the_end()).await.expect("an end").len() <= 1_000);
    }
}
