//! What lies between a browser and the server: it passes on every byte, remembers it, and can fail as networks do.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::recording::Recording;

/// A proxy that works until this is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    line: watch::Sender<Line>,
    recordings: Recordings,
    accepting: JoinHandle<()>,
}

type Recordings = Arc<Mutex<Vec<Recording>>>;

/// The state of the network.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    upstream: Option<SocketAddr>,
    state: State,
    /// How often all connections have been cut.
    cuts: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Bytes pass.
    #[default]
    Sound,
    /// Connections stay and nothing passes.
    Stalled,
    /// Connections stay and nothing passes to the clients.
    Mute,
    /// New connections end at once.
    Down,
}

/// In which direction bytes go.
#[derive(Debug, Clone, Copy)]
enum Direction {
    ToServer,
    ToClient,
}

impl Proxy {
    /// A proxy on a free port that leads nowhere yet: a server may have to know of it first.
    pub async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let line = watch::Sender::new(Line::default());
        let recordings = Recordings::default();
        let accepting = tokio::spawn(accept(listener, line.subscribe(), Arc::clone(&recordings)));
        Self { address, line, recordings, accepting }
    }

    /// Leads to this server from now on.
    pub fn lead_to(&self, upstream: SocketAddr) {
        self.line.send_modify(|line| line.upstream = Some(upstream));
    }

    /// The origin of pages that are loaded through it.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address of a page of the server, as it is through this proxy.
    #[must_use]
    pub fn through(&self, page: &str) -> String {
        let mut url = url::Url::parse(page).expect("a URL");
        url.set_ip_host(self.address.ip()).expect("an address");
        url.set_port(Some(self.address.port())).expect("a port");
        url.into()
    }

    /// Ends every connection, and lets no new one through until [`Proxy::mend`].
    pub fn cut(&self) {
        self.line.send_modify(|line| {
            line.state = State::Down;
            line.cuts += 1;
        });
    }

    /// Holds back every byte until [`Proxy::mend`]; nobody is told.
    pub fn stall(&self) {
        self.line.send_modify(|line| line.state = State::Stalled);
    }

    /// Holds back every byte of the server until [`Proxy::mend`]; nobody is told.
    pub fn hold_answers(&self) {
        self.line.send_modify(|line| line.state = State::Mute);
    }

    /// Lets everything through again.
    pub fn mend(&self) {
        self.line.send_modify(|line| line.state = State::Sound);
    }

    /// What has passed so far, one recording a connection, in the order in which they were opened.
    #[must_use]
    pub fn recordings(&self) -> Vec<Recording> {
        lock(&self.recordings).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, line: watch::Receiver<Line>, recordings: Recordings) {
    while let Ok((client, _)) = listener.accept().await {
        let Line { upstream: Some(upstream), state: State::Sound | State::Stalled | State::Mute, .. } =
            *line.borrow()
        else {
            continue;
        };
        let number = {
            let mut recordings = lock(&recordings);
            recordings.push(Recording::default());
            recordings.len() - 1
        };
        tokio::spawn(connect(client, upstream, line.clone(), Arc::clone(&recordings), number));
    }
}

/// Serves a connection to its end.
async fn connect(
    client: TcpStream,
    upstream: SocketAddr,
    line: watch::Receiver<Line>,
    recordings: Recordings,
    number: usize,
) {
    let mut state = line.clone();
    let cuts = line.borrow().cuts;
    let Ok(server) = TcpStream::connect(upstream).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let pump =
        |direction| Pump { direction, line: line.clone(), recordings: Arc::clone(&recordings), number };
    let pumps = async {
        tokio::join!(
            pump(Direction::ToServer).run(from_client, to_server),
            pump(Direction::ToClient).run(from_server, to_client),
        )
    };
    tokio::select! {
        // Nothing that was held back may slip through between a cut and its repair.
        biased;
        _ = state.wait_for(|line| line.cuts != cuts) => {}
        _ = pumps => {}
    }
}

/// One direction of a connection.
struct Pump {
    direction: Direction,
    line: watch::Receiver<Line>,
    recordings: Recordings,
    number: usize,
}

impl Pump {
    /// Passes bytes on until their source ends. What is remembered is what would have been passed on: bytes that a cut
    /// loses have been on their way.
    async fn run(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            self.keep(&buffer[..length]);
            let direction = self.direction;
            if self.line.wait_for(|line| !line.state.holds(direction)).await.is_err() {
                return;
            }
            if to.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
        // The other direction may go on. Whether the other side still listens does not matter.
        let _ = to.shutdown().await;
    }

    fn keep(&self, bytes: &[u8]) {
        let recording = &mut lock(&self.recordings)[self.number];
        match self.direction {
            Direction::ToServer => recording.to_server.extend_from_slice(bytes),
            Direction::ToClient => recording.to_client.extend_from_slice(bytes),
        }
    }
}

impl State {
    fn holds(self, direction: Direction) -> bool {
        match direction {
            Direction::ToServer => self == Self::Stalled,
            Direction::ToClient => self == Self::Stalled || self == Self::Mute,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
