//! That what is delivered arrives, whoever writes it and however slowly it is read.

use std::net::SocketAddr;
use std::time::Duration;

use convor::Rate;
use http::Method;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::runtime::Builder;

use crate::fixture::{World, new_id, roomy};
use crate::served::{Client, PATIENCE, dial, http2, serve, served, upgraded};

/// How long after something was said all must have heard it who can: far less than the time between two heartbeats.
const SOON: Duration = Duration::from_secs(2);

#[test]
fn a_service_delivers_on_each_runtime_whatever_becomes_of_the_others() {
    let runtime = || Builder::new_current_thread().enable_all().build().expect("a runtime");
    let home = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let (first, second) = (runtime(), runtime());
    let world = home.block_on(World::new());
    let (anna, carla) =
        home.block_on(async { (world.anna(&world.acme).await, world.anna(&world.acme).await) });
    let ben = home.block_on(world.ben(&world.acme));
    let id = home.block_on(async { world.conversation(&world.visitor(&world.acme).await, 0).await });
    let say = async || {
        let said = json!({"client_id": new_id(), "text": "hello"});
        world.post(&format!("/v1/conversations/{id}/messages")).bearer(&ben).json(&said).await.expect(201);
    };
    let sign_out = async |token: &str| {
        world.ask(Method::DELETE, "/v1/sessions/current").bearer(token).send().await.expect(204);
    };
    let listening = async |address: SocketAddr, token: &str| {
        let mut client = dial(address, "/v1/socket").open().await;
        client.hello(token).await;
        client.send(json!({"type": "subscribe", "ref": "c", "conversation": id})).await;
        client.until("subscribed").await;
        client
    };
    let hears = async |client: &mut Client, seq: u64| {
        say().await;
        let heard = tokio::time::timeout(SOON, client.until("event")).await;
        assert_eq!(heard.expect("it is heard soon")["seq"], seq);
    };
    let ends = async |client: &mut Client| {
        assert_eq!(tokio::time::timeout(SOON, client.end()).await.expect("it ends soon"), 4100);
    };

    let _gone = first.block_on(async {
        let mut client = listening(served(&world).await, &anna).await;
        hears(&mut client, 1).await;
        client
    });
    let (mut one, mut two, address) = second.block_on(async {
        let address = serve(&world.service).await;
        let (mut one, mut two) = (listening(address, &anna).await, listening(address, &carla).await);
        // The first runtime stands still.
        hears(&mut one, 2).await;
        assert_eq!(two.until("event").await["seq"], 2);
        (one, two, address)
    });
    drop(first);
    second.block_on(async {
        hears(&mut one, 3).await;
        let mut late = listening(address, &carla).await;
        hears(&mut late, 4).await;
        sign_out(&anna).await;
        ends(&mut one).await;
        sign_out(&carla).await;
        ends(&mut two).await;
        ends(&mut late).await;
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s25_a_slow_client_misses_nothing_and_hears_nothing_twice() {
    let town = Town::new().await;
    let slow = Slow::new(&town);
    slow.hear(&town, async |address| {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
        let mut stream = socket.connect(address).await.expect("a connection");
        let asked = format!(
            "GET /v1/socket HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-protocol: convor.v1\r\n\r\n"
        );
        stream.write_all(asked.as_bytes()).await.expect("written");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("an answer"));
        }
        assert!(head.starts_with(b"HTTP/1.1 101"));
        stream
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s25_a_slow_client_misses_nothing_and_hears_nothing_twice_over_http2() {
    let town = Town::new().await;
    let slow = Slow::new(&town);
    slow.hear(&town, async |address| {
        let mut sender = http2(address, 4 * 1024).await;
        TokioIo::new(upgraded(&mut sender, address).await)
    })
    .await;
}

/// A conversation in which several talk at once, and fast.
struct Town {
    world: World,
    address: SocketAddr,
    vera: String,
    id: String,
}

/// How many talk, and how much each of them says.
const TALKERS: u64 = 4;
const WORDS: u64 = 150;

impl Town {
    async fn new() -> Self {
        let mut limits = roomy();
        (limits.heartbeat, limits.pong_timeout) = (Duration::from_millis(20), PATIENCE);
        limits.queue_frames_max = 100;
        limits.connections = Rate::per_minute(100_000, 100_000);
        let world = World::with(limits).await;
        let address = served(&world).await;
        let vera = world.visitor(&world.acme).await;
        let id = world.conversation(&vera, 0).await;
        Self { world, address, vera, id }
    }

    /// Says it all, without waiting for who listens.
    async fn talk(&self) {
        let ben = self.world.ben(&self.world.acme).await;
        for talker in 0..TALKERS {
            let (world, ben) = (self.world.clone(), ben.clone());
            let path = format!("/v1/conversations/{}/messages", self.id);
            tokio::spawn(async move {
                for word in 0..WORDS {
                    // Of all lengths, those at which a frame's header grows included.
                    let length = usize::try_from(1 + (word * 37 + talker * 11) % 2_000).expect("a short one");
                    let said = json!({"client_id": new_id(), "text": "x".repeat(length)});
                    world.post(&path).bearer(&ben).json(&said).await.expect(201);
                }
            });
        }
    }
}

/// A client that reads slowly and byte by byte, and comes back when it is sent away.
struct Slow {
    hello: Value,
    /// The position that it has heard last.
    last: u64,
    pings: u64,
    heartbeats: u64,
    sent_away: u64,
}

impl Slow {
    fn new(town: &Town) -> Self {
        let hello = json!({"type": "hello", "token": town.vera});
        Self { hello, last: 0, pings: 0, heartbeats: 0, sent_away: 0 }
    }

    /// Hears all that is said in this town.
    async fn hear<S: AsyncRead + AsyncWrite + Unpin>(
        mut self,
        town: &Town,
        connect: impl AsyncFn(SocketAddr) -> S,
    ) {
        let mut talking = false;
        while self.last < TALKERS * WORDS {
            let mut wire = connect(town.address).await;
            self.hello["resume"] = json!([{"conversation": town.id, "epoch": 1, "after": self.last}]);
            say(&mut wire, 0x1, self.hello.to_string().as_bytes()).await;
            if !talking {
                talking = true;
                town.talk().await;
            }
            self.listen(&mut wire).await;
        }
        let Self { pings, heartbeats, sent_away, .. } = self;
        assert!(pings > 5 && heartbeats == pings, "{pings} pings, {heartbeats} heartbeats");
        assert!(sent_away > 0, "it was slow");
    }

    /// Hears what one connection says.
    async fn listen<S: AsyncRead + AsyncWrite + Unpin>(&mut self, wire: &mut S) {
        let mut closing = false;
        while self.last < TALKERS * WORDS {
            let (opcode, payload) = frame(wire).await;
            match opcode {
                0x1 => {
                    assert!(!closing, "`closing` comes last");
                    let frame: Value = serde_json::from_slice(&payload).expect("JSON");
                    match frame["type"].as_str().expect("a type") {
                        "event" => {
                            assert_eq!(frame["seq"], self.last + 1, "each once and in order");
                            self.last += 1;
                            tokio::time::sleep(Duration::from_millis(1)).await;
                        }
                        "heartbeat" => self.heartbeats += 1,
                        "closing" => closing = true,
                        "reset" => panic!("{frame}"),
                        _ => {}
                    }
                }
                0x9 => {
                    self.pings += 1;
                    say(wire, 0xa, &payload).await;
                }
                0x8 => {
                    assert_eq!((&payload[..2], closing), (&4002_u16.to_be_bytes()[..], true));
                    self.sent_away += 1;
                    return;
                }
                other => panic!("{other:x} {payload:?}"),
            }
        }
    }
}

/// Says a frame, masked with zeros.
async fn say<S: AsyncWrite + Unpin>(wire: &mut S, opcode: u8, payload: &[u8]) {
    let length = u16::try_from(payload.len()).expect("a short one").to_be_bytes();
    let bytes = match payload.len() {
        0..126 => [&[0x80 | opcode, 0x80 | length[1], 0, 0, 0, 0], payload].concat(),
        _ => [&[0x80 | opcode, 0x80 | 126, length[0], length[1], 0, 0, 0, 0], payload].concat(),
    };
    wire.write_all(&bytes).await.expect("an open connection");
    wire.flush().await.expect("an open connection");
}

/// The next frame, as its bytes are.
async fn frame<S: AsyncRead + Unpin>(wire: &mut S) -> (u8, Vec<u8>) {
    let frame = async {
        let (first, second) = (wire.read_u8().await?, wire.read_u8().await?);
        assert_eq!((first & 0xf0, second & 0x80), (0x80, 0), "one frame a message, not masked");
        let length = match second {
            126 => usize::from(wire.read_u16().await?),
            short => usize::from(short),
        };
        assert_ne!(second, 127, "nothing is that long here");
        let mut payload = vec![0; length];
        wire.read_exact(&mut payload).await?;
        Ok::<_, std::io::Error>((first & 0xf, payload))
    };
    tokio::time::timeout(PATIENCE, frame).await.expect("a frame in time").expect("a whole frame")
}
