//! NATS servers of a test's own, which it may stop, freeze, start anew and cut off.

mod cable;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

pub use self::cable::{Cable, can_be_laid};
use crate::environment::provided;
use crate::patience::PATIENCE;
use crate::place::place;

/// What the shell runs, and the commands that it knows.
const KEEPER: &str = include_str!("keeper.sh");

/// A server that runs until this is dropped, or until the test that holds it is gone.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    folder: PathBuf,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    shell: Child,
}

impl Server {
    /// A server that lets anyone in.
    pub async fn new() -> Self {
        Self::with("").await
    }

    /// A server with these settings.
    pub async fn with(settings: &str) -> Self {
        Self::kept(Command::new("sh"), settings).await
    }

    /// A server in a network of its own, and as many cables that lead to it. [`can_be_laid`] says whether that is possible.
    pub async fn at_the_end_of_cables<const N: usize>() -> (Self, [Cable; N]) {
        let mut apart = Command::new("unshare");
        // The shell takes the place of this program, and so its number.
        apart.args(["--net", "sh"]).env("ADDRESS", "0.0.0.0");
        let server = Self::kept(apart, "").await;
        let process = server.shell.id().expect("it runs");
        let mut cables = Vec::new();
        for number in 0..N {
            cables.push(Cable::lay(process, server.address.port(), number).await);
        }
        (server, cables.try_into().expect("as many"))
    }

    async fn kept(mut shell: Command, settings: &str) -> Self {
        let (address, folder) = place();
        fs::write(folder.join("settings"), settings).expect("it is ours");
        let mut shell = shell
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
        let mut server = Self { address, folder, commands, answers, shell };
        server.run("start").await;
        server
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as servers are told it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Ends it as a crash would, and everybody's connection with it.
    pub async fn stop(&mut self) {
        self.run("stop").await;
    }

    /// Starts it after its end; it remembers nothing.
    pub async fn start(&mut self) {
        self.run("start").await;
    }

    /// Stops it without a word to anybody.
    pub async fn freeze(&mut self) {
        self.run("freeze").await;
    }

    /// Lets it go on.
    pub async fn thaw(&mut self) {
        self.run("thaw").await;
    }

    async fn run(&mut self, command: &str) {
        self.commands.write_all(format!("{command}\n").as_bytes()).await.expect("a shell that listens");
        let status = timeout(PATIENCE, self.answers.next_line()).await.expect("it is done in time");
        let said = || fs::read_to_string(self.folder.join("said")).unwrap_or_default();
        assert_eq!(status.expect("a line").as_deref(), Some("0"), "`{command}` fails: {}", said());
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpStream;

    use super::*;
    use crate::patience::until;

    async fn answers(server: &mut TcpStream, patience: Duration) -> bool {
        let mut answer = [0; 6];
        let read = timeout(patience, server.read_exact(&mut answer)).await;
        read.is_ok_and(|read| read.is_ok() && &answer == b"PONG\r\n")
    }

    #[tokio::test]
    async fn who_is_cut_off_hears_nothing_until_the_cable_is_mended() {
        if !can_be_laid().await {
            println!("this machine does not let networks be made (it takes root): there is nothing to cut");
            return;
        }
        let (server, [cable, other]) = Server::at_the_end_of_cables().await;
        let mut connections = Vec::new();
        for cable in [&cable, &other] {
            let mut connection = TcpStream::connect(cable.address()).await.expect("a connection");
            // It introduces itself in a line.
            while connection.read_u8().await.expect("a line") != b'\n' {}
            connections.push(connection);
        }
        cable.cut().await;
        for connection in &mut connections {
            connection.write_all(b"PING\r\n").await.expect("a cut shows in nothing");
        }
        assert!(answers(&mut connections[1], PATIENCE).await, "the other cable is whole");
        assert!(!answers(&mut connections[0], Duration::from_millis(300)).await);
        cable.mend().await;
        assert!(answers(&mut connections[0], PATIENCE).await, "what was lost is sent again");

        let interface = format!("/sys/class/net/convor{}0", server.address().port());
        assert!(Path::new(&interface).exists());
        drop(server);
        until("the cable is gone with the server", || !Path::new(&interface).exists()).await;
    }
}
