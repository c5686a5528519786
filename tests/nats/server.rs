//! NATS servers of a test's own, which it may stop, freeze and start anew.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;

use convor_tests::environment::provided;
use convor_tests::patience::PATIENCE;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// What the shell runs, and the commands that it knows.
const KEEPER: &str = include_str!("keeper.sh");

/// How many ports are looked at before giving up.
const PORTS_MAX: u64 = 1_000;

/// A server that runs until this is dropped, or until the test that holds it is gone.
pub(crate) struct Server {
    address: SocketAddr,
    folder: PathBuf,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _shell: Child,
}

impl Server {
    /// A server that lets anyone in.
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// A server with these settings.
    pub(crate) async fn with(settings: &str) -> Self {
        let (address, folder) = place();
        fs::write(folder.join("settings"), settings).expect("it is ours");
        let mut shell = Command::new("sh")
            .args(["-c", KEEPER])
            .env("PROGRAM", provided("CONVOR_NATS_PROGRAM"))
            .env("PORT", address.port().to_string())
            .env("FOLDER", &folder)
            // What ends the test by a signal must not end what cleans up after it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let commands = shell.stdin.take().expect("piped");
        let answers = BufReader::new(shell.stdout.take().expect("piped")).lines();
        let mut server = Self { address, folder, commands, answers, _shell: shell };
        server.run("start").await;
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Ends it as a crash would, and everybody's connection with it.
    pub(crate) async fn stop(&mut self) {
        self.run("stop").await;
    }

    /// Starts it after its end; it remembers nothing.
    pub(crate) async fn start(&mut self) {
        self.run("start").await;
    }

    /// Stops it without a word to anybody.
    pub(crate) async fn freeze(&mut self) {
        self.run("freeze").await;
    }

    /// Lets it go on.
    pub(crate) async fn thaw(&mut self) {
        self.run("thaw").await;
    }

    async fn run(&mut self, command: &str) {
        self.commands.write_all(format!("{command}\n").as_bytes()).await.expect("a shell that listens");
        let status = timeout(PATIENCE, self.answers.next_line()).await.expect("it is done in time");
        let said = || fs::read_to_string(self.folder.join("said")).unwrap_or_default();
        assert_eq!(status.expect("a line").as_deref(), Some("0"), "`{command}` fails: {}", said());
    }
}

/// An address that nobody listens at, and a folder whose name keeps its port from the servers of other tests, also while
/// the server is stopped. The system gives such ports to nobody who does not ask for them.
fn place() -> (SocketAddr, PathBuf) {
    let any = RandomState::new().hash_one(std::process::id());
    let mut places = (0..PORTS_MAX).filter_map(|step| {
        let port = 10_000 + any.wrapping_add(step) % 20_000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(port).ok()?));
        TcpListener::bind(address).ok()?;
        let folder = std::env::temp_dir().join(format!("convor-instance-{port}"));
        fs::create_dir(&folder).ok()?;
        Some((address, folder))
    });
    places.next().expect("a free port, and a folder for it")
}
