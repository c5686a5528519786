//! The reference server, as its users start it.

use std::net::SocketAddr;
use std::process::{ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::environment::provided;
use crate::patience::PATIENCE;

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    /// What it has said on its standard error.
    log: Arc<Mutex<String>>,
    reading: JoinHandle<()>,
    /// What it has said of itself.
    pub announced: Announcement,
}

/// The line that the server prints once it serves; another key in it would be a change of what scripts rely on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Announcement {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The organisations that it has made up.
    pub tenants: Vec<AnnouncedTenant>,
}

/// An organisation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AnnouncedTenant {
    /// Its name.
    pub name: String,
    /// At which organisation its operators sign in.
    pub tenant_key: String,
    /// What stands in its pages.
    pub site_key: String,
    /// A page with the widget.
    pub visitor_page: String,
    /// Where its operators work.
    pub dashboard: String,
    /// Who can sign in.
    pub operators: Vec<AnnouncedOperator>,
}

/// Somebody who can sign in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AnnouncedOperator {
    /// With this address,
    pub email: String,
    /// this password
    pub password: String,
    /// and these rights.
    pub role: String,
}

/// What became of a server that was asked to end.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What followed its first line on the standard output.
    pub output: String,
    /// What it has said on its standard error.
    pub log: String,
}

impl Server {
    /// A server with made-up organisations, whose pages are reached under these origins, too.
    pub async fn demo(origins: &[String]) -> Self {
        let origins = origins.iter().flat_map(|origin| ["--origin", origin]);
        let arguments: Vec<_> = ["--demo"].into_iter().chain(origins).collect();
        Self::start(&arguments).await
    }

    /// A server on a free port.
    pub async fn start(arguments: &[&str]) -> Self {
        let mut child = command()
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            // The tests read what is logged, and search it for what must not be.
            .env("RUST_LOG", "trace")
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let log = Arc::new(Mutex::new(String::new()));
        let reading = tokio::spawn(keep(child.stderr.take().expect("piped"), Arc::clone(&log)));
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        let read = timeout(PATIENCE, output.read_line(&mut line)).await;
        read.expect("the server serves in time").expect("a line");
        let announced = serde_json::from_str(&line).unwrap_or_else(|error| {
            let log = log.lock().unwrap_or_else(PoisonError::into_inner);
            panic!(
                "the server announces itself in one line of JSON, not as {line:?} ({error}); it says: {log}"
            )
        });
        Self { child, output, log, reading, announced }
    }

    /// The first of its organisations.
    #[must_use]
    pub fn tenant(&self) -> &AnnouncedTenant {
        &self.announced.tenants[0]
    }

    /// Its address as others write it.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.announced.listen)
    }

    /// What it has said on its standard error so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks it to end, as a service manager does.
    pub fn terminate(&self) {
        let id = self.child.id().expect("it runs");
        let id = Pid::from_raw(i32::try_from(id).expect("a process id"));
        kill(id, Signal::SIGTERM).expect("it can be asked");
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> Ended {
        let status = timeout(PATIENCE, self.child.wait()).await;
        let status = status.expect("the server ends in time").expect("a status");
        let mut output = String::new();
        self.output.read_to_string(&mut output).await.expect("UTF-8");
        self.reading.await.expect("its standard error ends");
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ended { status, output, log }
    }
}

impl AnnouncedTenant {
    /// An operator with this role.
    #[must_use]
    pub fn operator(&self, role: &str) -> &AnnouncedOperator {
        let found = self.operators.iter().find(|operator| operator.role == role);
        found.expect("the demo has one of each role that is asked for")
    }
}

/// Runs the server to its end, for what makes it end by itself.
pub async fn run(arguments: &[&str]) -> Output {
    let output = command().args(arguments).kill_on_drop(true).output();
    let output = timeout(PATIENCE, output).await;
    output.expect("the server ends in time").expect("it starts")
}

fn command() -> Command {
    Command::new(provided("CONVOR_SERVER"))
}

async fn keep(stderr: impl tokio::io::AsyncRead + Unpin, log: Arc<Mutex<String>>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push_str(&line);
        log.push('\n');
    }
}
