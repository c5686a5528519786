//! What comes by the clock.

use std::time::Duration;

use convor::ports::Transport;
use convor::{Limits, session::heartbeat};
use tokio::time::Instant;

use super::rig::{CLOSE, PING, PONG, Rig, TEXT, deliver, idle, silent};

/// How long a slow client takes for each frame.
const SLOW: Duration = Duration::from_millis(50);

fn brisk() -> Limits {
    let mut limits = silent();
    (limits.heartbeat, limits.pong_timeout) = (Duration::from_secs(1), Duration::from_secs(3));
    limits
}

#[expect(clippy::disallowed_methods, reason = "the test's own clock, which is paused")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_its_heartbeats_between_the_frames_that_wait() {
    const FRAMES: usize = 200;
    let rig = Rig::with(brisk());
    let (mut peer, line, _) = rig.open(1_000).await;
    deliver(&line, 1, FRAMES, 600);
    let (began, mut read, mut beats, mut pings) = (now(), 0, 0, 0);
    while read < FRAMES {
        let (opcode, payload) = peer.frame().await.expect("a frame");
        match opcode {
            PING => {
                pings += 1;
                peer.say(&[(PONG, &payload)]).await;
            }
            TEXT if payload == heartbeat() => beats += 1,
            _ => {
                read += 1;
                let number = String::from_utf8_lossy(&payload).trim_end().parse();
                assert_eq!((opcode, number), (TEXT, Ok(read)));
                tokio::time::sleep(SLOW).await;
            }
        }
    }
    let seconds = began.elapsed().as_secs();
    assert!(pings == beats && (seconds - 1..=seconds + 1).contains(&beats), "{beats} in {seconds} s");
}

#[tokio::test(start_paused = true)]
async fn s25_a_slow_reader_that_answers_no_ping_ends_with_4003() {
    let rig = Rig::with(brisk());
    let (mut peer, line, _) = rig.open(1_000).await;
    deliver(&line, 1, 200, 600);
    let began = now();
    let mut ended = None;
    let mut frames = Vec::new();
    while let Some(frame) = peer.frame().await {
        tokio::time::sleep(SLOW).await;
        if ended.is_none() && line.outlet.closing().is_some() {
            ended = Some(began.elapsed());
        }
        frames.push(frame);
    }
    let ended = ended.expect("an end while there was more to read");
    assert!((Duration::from_secs(4)..Duration::from_secs(5)).contains(&ended), "{ended:?}");
    let (opcode, payload) = frames.last().expect("frames");
    assert_eq!((*opcode, &payload[..2]), (CLOSE, &4003_u16.to_be_bytes()[..]));
}

#[tokio::test(start_paused = true)]
async fn s25_an_upgrade_that_takes_long_leaves_the_whole_time_for_hello() {
    let limits = Limits::default();
    let hello = limits.hello_timeout;
    let rig = Rig::with(limits);
    let socket = rig.socket();
    let line = std::sync::Arc::clone(socket.line());
    let granted_after = hello - Duration::from_secs(1);
    let (mut peer, _) = rig.connect(socket, 1_000, granted_after).await;
    let began = now();
    idle().await;
    line.try_send(super::rig::event("early")).expect("room");
    assert_eq!(peer.text().await, "early");
    let frames = peer.rest().await;
    let took = began.elapsed();
    assert!((hello..hello + Duration::from_secs(3)).contains(&took), "{took:?}");
    assert_eq!(&frames.last().expect("a close frame").1[..2], 4102_u16.to_be_bytes());
}
