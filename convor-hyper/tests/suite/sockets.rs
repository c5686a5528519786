//! What a WebSocket says and hears.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use convor::Chat;
use convor::ports::{Authenticated, Authenticator, Storage, SystemClock};
use convor::service::StoredTokens;
use convor_memory::MemoryStorage;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::fixture::{SITE, World, new_id, roomy};
use crate::served::{PATIENCE, dial, served};

#[tokio::test]
async fn a_visitor_asks_and_an_operator_answers() {
    let world = World::new().await;
    let address = served(&world).await;
    let (vera, anna) = (world.visitor(&world.acme).await, world.anna(&world.acme).await);
    let id = world.conversation(&vera, 0).await;
    let mut visitor = dial(address, "/v1/socket").open().await;
    let welcome = visitor.hello(&vera).await;
    assert_eq!(
        (&welcome["principal"]["kind"], &welcome["heartbeat_ms"]),
        (&json!("visitor"), &json!(25_000))
    );
    let mut desk = dial(address, "/v1/socket").open().await;
    assert_eq!(desk.hello(&anna).await["principal"]["name"], "Anna");
    desk.send(json!({"type": "subscribe", "ref": "i", "inbox": true})).await;
    assert_eq!(desk.until("subscribed").await, json!({"type": "subscribed", "ref": "i", "inbox": true}));

    let client_id = new_id();
    visitor
        .send(
            json!({"type": "send", "ref": "1", "conversation": id, "client_id": client_id, "text": "Hello?"}),
        )
        .await;
    let heard = desk.until("event").await;
    assert_eq!((&heard["message"]["text"], &heard["seq"]), (&json!("Hello?"), &json!(1)));
    let answer =
        json!({"type": "send", "ref": "2", "conversation": id, "client_id": new_id(), "text": "Yes!"});
    desk.send(answer).await;
    let ack = desk.until("ack").await;
    assert_eq!((&ack["ref"], &ack["seq"], &ack["duplicate"]), (&json!("2"), &json!(2), &json!(false)));
    visitor.settle().await;
    assert_eq!(visitor.seqs(), [1, 2], "it hears its own words in their place, too");
    let ack = visitor.seen.iter().find(|frame| frame["type"] == "ack").expect("an ack");
    assert_eq!((&ack["client_id"], &ack["conversation"]), (&json!(client_id), &json!(id)));
}

#[tokio::test]
async fn a_repeat_is_a_duplicate_and_another_body_a_conflict() {
    let world = World::new().await;
    let address = served(&world).await;
    let vera = world.visitor(&world.acme).await;
    let id = world.conversation(&vera, 0).await;
    let mut visitor = dial(address, "/v1/socket").open().await;
    visitor.hello(&vera).await;
    let client_id = new_id();
    let say = |text: &str| json!({"type": "send", "ref": "r", "conversation": id, "client_id": client_id, "text": text});
    visitor.send(say("once")).await;
    let first = visitor.until("ack").await;
    visitor.send(say("once")).await;
    let again = visitor.until("ack").await;
    assert_eq!((&first["message_id"], &first["seq"]), (&again["message_id"], &again["seq"]));
    assert_eq!((&first["duplicate"], &again["duplicate"]), (&json!(false), &json!(true)));
    visitor.send(say("twice")).await;
    assert_eq!(visitor.until("error").await["code"], "conflict");
}

#[tokio::test]
async fn what_is_missing_is_resumed_and_what_cannot_be_is_reset() {
    let world = World::new().await;
    let address = served(&world).await;
    let vera = world.visitor(&world.acme).await;
    let (missed, stranger) = (world.conversation(&vera, 4).await, world.conversation(&vera, 1).await);
    let resume = json!([
        {"conversation": missed, "epoch": 1, "after": 2},
        {"conversation": stranger, "epoch": 7, "after": 1},
    ]);
    let mut visitor = dial(address, "/v1/socket").open().await;
    visitor.send(json!({"type": "hello", "token": vera, "resume": resume})).await;
    visitor.until("welcome").await;
    let reset = visitor.until("reset").await;
    assert_eq!(
        (&reset["conversation"], &reset["epoch"], &reset["seq"]),
        (&json!(stranger), &json!(1), &json!(1))
    );
    assert_eq!(visitor.seqs(), [3, 4]);
    assert!(
        visitor.seen.iter().all(|frame| frame["type"] != "event" || frame["conversation"] == missed.as_str())
    );
}

#[tokio::test]
async fn a_mistake_is_answered_and_the_socket_stays() {
    let world = World::new().await;
    let address = served(&world).await;
    let vera = world.visitor(&world.acme).await;
    let id = world.conversation(&vera, 0).await;
    let mut visitor = dial(address, "/v1/socket").open().await;
    visitor.hello(&vera).await;
    let send = |text: &Value| json!({"type": "send", "ref": "x", "conversation": id, "client_id": new_id(), "text": text});
    let mut with_tenant = send(&json!("hi"));
    with_tenant["tenant_id"] = json!(world.other.id);
    let foreign = world.conversation(&world.visitor(&world.other).await, 0).await;
    let mut to_foreign = send(&json!("hi"));
    to_foreign["conversation"] = json!(foreign);
    for (frame, code) in [
        (json!({"type": "nothing", "ref": "x"}).to_string(), "invalid_request"),
        (send(&json!(7)).to_string(), "invalid_request"),
        (send(&json!("a\0b")).to_string(), "invalid_request"),
        (send(&json!("SURROGATE")).to_string().replace("SURROGATE", "\\ud800"), "invalid_request"),
        (send(&json!("")).to_string(), "invalid_request"),
        (send(&json!("x".repeat(8_001))).to_string(), "invalid_request"),
        (with_tenant.to_string(), "invalid_request"),
        (to_foreign.to_string(), "not_found"),
    ] {
        visitor.message(Message::text(frame.clone())).await;
        let error = visitor.until("error").await;
        assert_eq!((&error["ref"], &error["code"]), (&json!("x"), &json!(code)), "{frame}");
    }
    visitor.message(Message::text("{")).await;
    assert_eq!(visitor.until("error").await["code"], "invalid_request");
    visitor.send(send(&json!("still here"))).await;
    assert_eq!(visitor.until("ack").await["seq"], 1, "nothing of all that was stored");
}

#[tokio::test]
async fn s24_a_frame_that_is_too_large_ends_the_socket_with_1009() {
    let world = World::new().await;
    let address = served(&world).await;
    let mut client = dial(address, "/v1/socket").open().await;
    client.message(Message::text("x".repeat(64 * 1024 + 1))).await;
    assert_eq!(client.end().await, 1009);

    // One that is still sending when it is told so gets to read it, and no reset.
    let mut client = dial(address, "/v1/socket").open().await;
    client.message(Message::text("x".repeat(8 * 1024 * 1024))).await;
    assert_eq!(client.end().await, 1009);

    let mut client = dial(address, "/v1/socket").open().await;
    client.hello(&world.visitor(&world.acme).await).await;
    let frame = r#"{"type":"nothing","ref":"r"}"#;
    let largest = [frame, &" ".repeat(64 * 1024 - frame.len())].concat();
    client.message(Message::text(largest)).await;
    assert_eq!(client.until("error").await["code"], "invalid_request", "64 KiB are not too much");
}

#[tokio::test]
async fn a_binary_frame_ends_the_socket_with_1003() {
    let world = World::new().await;
    let mut client = dial(served(&world).await, "/v1/socket").open().await;
    client.message(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(client.end().await, 1003);
}

#[tokio::test]
async fn a_text_that_is_not_utf8_ends_the_socket_with_1007() {
    use tokio::io::AsyncWriteExt;
    let world = World::new().await;
    let mut client = dial(served(&world).await, "/v1/socket").open().await;
    // A final text frame of one byte, masked with zeros.
    client.raw().write_all(&[0x81, 0x81, 0, 0, 0, 0, 0xff]).await.expect("written");
    assert_eq!(client.end().await, 1007);
}

#[tokio::test]
async fn what_breaks_rfc_6455_ends_the_socket_with_1002() {
    use tokio::io::AsyncWriteExt;
    let world = World::new().await;
    let address = served(&world).await;
    let oversized_ping: Vec<u8> = [&[0x89, 0xfe, 0, 126, 0, 0, 0, 0][..], &[0; 126]].concat();
    for (broken, bytes) in [
        ("not masked", &[0x81, 1, b'x'][..]),
        ("a reserved bit", &[0xc1, 0x81, 0, 0, 0, 0, b'x']),
        ("an unknown opcode", &[0x83, 0x80, 0, 0, 0, 0]),
        ("a fragmented ping", &[0x09, 0x80, 0, 0, 0, 0]),
        ("a continuation of nothing", &[0x80, 0x80, 0, 0, 0, 0]),
        ("a ping of 126 bytes", &oversized_ping),
    ] {
        let mut client = dial(address, "/v1/socket").open().await;
        client.raw().write_all(bytes).await.expect("written");
        assert_eq!(client.end().await, 1002, "{broken}");
    }
}

#[tokio::test]
async fn s25_a_hello_that_never_comes_ends_the_socket_with_4102() {
    let mut limits = roomy();
    limits.hello_timeout = Duration::from_millis(50);
    let world = World::with(limits).await;
    let mut client = dial(served(&world).await, "/v1/socket").open().await;
    assert_eq!(client.end().await, 4102);
    assert_eq!(client.seen, [json!({"type": "closing", "code": 4102, "reason": "protocol error"})]);
}

#[tokio::test]
async fn a_first_frame_that_is_no_hello_ends_the_socket_with_4102() {
    let world = World::new().await;
    let mut client = dial(served(&world).await, "/v1/socket").open().await;
    client.send(json!({"type": "subscribe", "ref": "1", "inbox": true})).await;
    assert_eq!(client.end().await, 4102);
}

#[tokio::test]
async fn a_token_that_is_worth_nothing_ends_the_socket_with_4100() {
    let world = World::new().await;
    let address = served(&world).await;
    let nobody = world.visitor(&world.acme).await.replace(|c: char| c.is_ascii_digit(), "0");
    for hello in [json!({"type": "hello", "token": nobody}), json!({"type": "hello"})] {
        let mut client = dial(address, "/v1/socket").open().await;
        client.send(hello).await;
        assert_eq!(client.end().await, 4100);
    }
}

#[tokio::test]
async fn s25_a_client_that_answers_no_ping_ends_with_4003() {
    use tokio::io::AsyncReadExt;
    let mut limits = roomy();
    (limits.heartbeat, limits.pong_timeout) = (Duration::from_millis(50), Duration::from_millis(500));
    let world = World::with(limits).await;
    let address = served(&world).await;
    let vera = world.visitor(&world.acme).await;
    let mut client = dial(address, "/v1/socket").open().await;
    client.hello(&vera).await;
    for _ in 0..16 {
        // As long as the client reads, it answers pings, and gets one heartbeat after the other.
        client.until("heartbeat").await;
    }
    let mut silent = dial(address, "/v1/socket").open().await;
    silent.hello(&vera).await;
    // Below the frames nobody answers a ping.
    let mut bytes = Vec::new();
    while !bytes.windows(2).any(|code| code == 4003_u16.to_be_bytes()) {
        let read = tokio::time::timeout(PATIENCE, silent.raw().read_buf(&mut bytes)).await;
        assert_ne!(read.expect("something in time").expect("bytes"), 0, "no close frame: {bytes:?}");
    }
}

#[tokio::test]
async fn a_client_is_not_silent_while_its_own_frame_is_handled() {
    /// Takes its time.
    #[derive(Debug)]
    struct Slow(StoredTokens);

    #[async_trait]
    impl Authenticator for Slow {
        async fn authenticate(&self, credential: &str) -> Result<Option<Authenticated>, convor::Error> {
            tokio::time::sleep(Duration::from_millis(200)).await;
            self.0.authenticate(credential).await
        }
    }

    let mut limits = roomy();
    (limits.heartbeat, limits.pong_timeout) = (Duration::from_millis(20), Duration::from_millis(50));
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let slow = Slow(StoredTokens::new(Arc::clone(&storage), Arc::new(SystemClock::default())));
    let chat = Chat::builder(storage).limits(limits).authenticator(Arc::new(slow)).start();
    let world = World::of(chat).await;
    let vera = world.visitor(&world.acme).await;
    let mut client = dial(served(&world).await, "/v1/socket").open().await;
    client.hello(&vera).await;
}

#[tokio::test]
async fn s25_a_slow_reader_ends_with_4002_and_resumes_without_a_gap() {
    let mut limits = roomy();
    limits.queue_frames_max = 8;
    let world = World::with(limits).await;
    let address = served(&world).await;
    let (vera, anna) = (world.visitor(&world.acme).await, world.anna(&world.acme).await);
    let id = world.conversation(&vera, 0).await;
    let mut slow = dial(address, "/v1/socket").small().open().await;
    slow.hello(&vera).await;
    let path = format!("/v1/conversations/{id}/messages");
    for _ in 0..100 {
        let said = json!({"client_id": new_id(), "text": "x".repeat(8_000)});
        world.post(&path).bearer(&anna).json(&said).await.expect(201);
    }
    assert_eq!(slow.end().await, 4002);
    let heard = slow.seqs();
    let prefix: Vec<u64> = (1..=heard.len() as u64).collect();
    assert_eq!(heard, prefix, "a slow reader is closed, never skipped");
    assert!(heard.len() < 100);
    let resume = json!([{"conversation": id, "epoch": 1, "after": heard.len()}]);
    let mut back = dial(address, "/v1/socket").open().await;
    back.send(json!({"type": "hello", "token": vera, "resume": resume})).await;
    while back.seqs().last() != Some(&100) {
        let frame = back.next().await.expect("an event");
        back.seen.push(frame);
    }
    assert_eq!(back.seqs(), (heard.len() as u64 + 1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn s25_a_client_that_never_reads_is_cut() {
    let mut limits = roomy();
    limits.write_timeout = Duration::from_millis(100);
    let world = World::with(limits).await;
    let address = served(&world).await;
    let (vera, anna) = (world.visitor(&world.acme).await, world.anna(&world.acme).await);
    let id = world.conversation(&vera, 0).await;
    let mut stuck = dial(address, "/v1/socket").small().open().await;
    stuck.hello(&vera).await;
    let path = format!("/v1/conversations/{id}");
    // Too much for the buffers below, and not too much for the queue.
    for _ in 0..100 {
        let said = json!({"client_id": new_id(), "text": "x".repeat(8_000)});
        world.post(&format!("{path}/messages")).bearer(&anna).json(&said).await.expect(201);
    }
    let online = async || {
        let shown = world.get(&path).bearer(&anna).send().await.expect(200).json();
        shown["conversation"]["visitor"]["online"] == true
    };
    assert!(online().await);
    let gone = async {
        while online().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("cut in time");
}

#[tokio::test]
async fn s16_a_slow_reader_does_not_get_what_waits_after_signing_out() {
    let world = World::new().await;
    let address = served(&world).await;
    let (anna, ben) = (world.anna(&world.acme).await, world.ben(&world.acme).await);
    let id = world.conversation(&world.visitor(&world.acme).await, 0).await;
    let mut desk = dial(address, "/v1/socket").small().open().await;
    desk.hello(&anna).await;
    desk.send(json!({"type": "subscribe", "ref": "c", "conversation": id})).await;
    desk.until("subscribed").await;
    // Too much for the buffers below, and not too much for the queue.
    for _ in 0..100 {
        let said = json!({"client_id": new_id(), "text": "x".repeat(8_000)});
        world.post(&format!("/v1/conversations/{id}/messages")).bearer(&ben).json(&said).await.expect(201);
    }
    world.ask(http::Method::DELETE, "/v1/sessions/current").bearer(&anna).send().await.expect(204);
    let ended = tokio::time::timeout(Duration::from_secs(1), desk.end()).await;
    assert_eq!(ended.expect("within a second"), 4100);
    assert!(desk.seqs().len() < 100, "what the queue held is not delivered");
}

#[tokio::test]
async fn s16_signing_out_ends_the_sessions_sockets_within_a_second() {
    let world = World::new().await;
    let address = served(&world).await;
    let (anna, elsewhere) = (world.anna(&world.acme).await, world.anna(&world.acme).await);
    let mut desk = dial(address, "/v1/socket").open().await;
    desk.hello(&anna).await;
    let mut other = dial(address, "/v1/socket").open().await;
    other.hello(&elsewhere).await;
    world.ask(http::Method::DELETE, "/v1/sessions/current").bearer(&anna).send().await.expect(204);
    let ended = tokio::time::timeout(Duration::from_secs(1), desk.end()).await;
    assert_eq!(ended.expect("within a second"), 4100);
    other.settle().await;
    let mut back = dial(address, "/v1/socket").open().await;
    back.send(json!({"type": "hello", "token": anna})).await;
    assert_eq!(back.end().await, 4100);
}

#[tokio::test]
async fn a_drain_sends_everybody_away_and_lets_nobody_in() {
    let world = World::new().await;
    let address = served(&world).await;
    let mut known = dial(address, "/v1/socket").open().await;
    known.hello(&world.visitor(&world.acme).await).await;
    let mut silent = dial(address, "/v1/socket").open().await;
    let (cut, known_end, silent_end) = tokio::join!(world.service.drain(), known.end(), silent.end());
    assert_eq!((cut, known_end, silent_end), (0, 4001, 4001));
    for seen in [&known.seen, &silent.seen] {
        let closing = seen.last().expect("a frame");
        let pause = closing["reconnect_after_ms"].as_u64().expect("a pause");
        assert!(closing["type"] == "closing" && (500..5_000).contains(&pause));
    }
    assert_eq!(dial(address, "/v1/socket").attempt().await.err(), Some(503));
}

#[tokio::test]
async fn what_does_not_go_in_time_is_cut_by_the_drain() {
    let mut limits = roomy();
    limits.drain_timeout = Duration::from_millis(100);
    let world = World::with(limits).await;
    let mut client = dial(served(&world).await, "/v1/socket").open().await;
    client.hello(&world.visitor(&world.acme).await).await;
    // A client that is not polled does not answer the close frame.
    assert_eq!(world.service.drain().await, 1);
    assert_eq!(client.end().await, 4001);
}

#[tokio::test]
async fn a_goodbye_is_answered_and_the_principal_has_left() {
    let world = World::new().await;
    let address = served(&world).await;
    let anna = world.anna(&world.acme).await;
    let mut desk = dial(address, "/v1/socket").open().await;
    desk.hello(&anna).await;
    let site = format!("/v1/site?site={}", world.acme.site_key());
    assert_eq!(world.get(&site).send().await.json()["online"], true);
    desk.message(Message::Close(None)).await;
    assert!(matches!(desk.next().await, Err(None)));
    until_nobody_is_online(&world).await;
}

#[tokio::test]
async fn a_client_that_vanishes_leaves() {
    let world = World::new().await;
    let anna = world.anna(&world.acme).await;
    let mut desk = dial(served(&world).await, "/v1/socket").open().await;
    desk.hello(&anna).await;
    drop(desk);
    until_nobody_is_online(&world).await;
}

#[tokio::test]
async fn s25_an_address_has_so_many_sockets_that_have_said_nothing() {
    let mut limits = roomy();
    limits.connections_pending_per_address_max = 2;
    let world = World::with(limits).await;
    let address = served(&world).await;
    let mut first = dial(address, "/v1/socket").open().await;
    let _second = dial(address, "/v1/socket").open().await;
    assert_eq!(dial(address, "/v1/socket").attempt().await.err(), Some(429));
    first.hello(&world.visitor(&world.acme).await).await;
    first.settle().await;
    dial(address, "/v1/socket").open().await;
}

#[tokio::test]
async fn s25_a_principal_has_so_many_sockets() {
    let mut limits = roomy();
    limits.connections_per_principal_max = 2;
    let world = World::with(limits).await;
    let address = served(&world).await;
    let vera = world.visitor(&world.acme).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client =
            dial(address, &format!("/v1/socket?site={}", world.acme.site_key())).origin(SITE).open().await;
        client.hello(&vera).await;
        held.push(client);
    }
    let mut third = dial(address, "/v1/socket").open().await;
    third.send(json!({"type": "hello", "token": vera})).await;
    assert_eq!(third.end().await, 4104);
    for client in &mut held {
        client.settle().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_hears_everything_in_order_however_many_talk() {
    const TALKERS: usize = 8;
    const WORDS: usize = 50;
    let world = World::new().await;
    let address = served(&world).await;
    let vera = world.visitor(&world.acme).await;
    let id = world.conversation(&vera, 0).await;
    let talking = (0..TALKERS).map(|_| {
        let (vera, id) = (vera.clone(), id.clone());
        tokio::spawn(async move {
            let mut client = dial(address, "/v1/socket").open().await;
            let resume = json!([{"conversation": id, "epoch": 1, "after": 0}]);
            client.send(json!({"type": "hello", "token": vera, "resume": resume})).await;
            for _ in 0..WORDS {
                let client_id = new_id();
                client.send(json!({"type": "send", "ref": "r", "conversation": id, "client_id": client_id, "text": "x"})).await;
            }
            while client.seqs().last() != Some(&((TALKERS * WORDS) as u64)) {
                let frame = client.next().await.expect("an open connection");
                client.seen.push(frame);
            }
            client.seqs()
        })
    });
    let talking: Vec<_> = talking.collect();
    for heard in talking {
        let heard = heard.await.expect("no panic");
        assert_eq!(heard, (1..=(TALKERS * WORDS) as u64).collect::<Vec<_>>());
    }
}

/// Waits until no operator is there any more.
async fn until_nobody_is_online(world: &World) {
    let site = format!("/v1/site?site={}", world.acme.site_key());
    let gone = async {
        while world.get(&site).send().await.json()["online"] == true {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("gone in time");
}
