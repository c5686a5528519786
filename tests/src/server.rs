//! The reference server, as its users start it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::environment::provided;
use crate::folder::Folder;
use crate::host::{Answer, Ask};
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
    /// Where it works, and what it leaves there.
    _folder: Option<Folder>,
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
    /// this password, if the server knows it,
    pub password: Option<String>,
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

    /// A server on a free port that keeps nothing, unless the arguments say otherwise.
    pub async fn start(arguments: &[&str]) -> Self {
        let mut command = command();
        if !arguments.contains(&"--storage") {
            command.args(["--storage", "memory"]);
        }
        let folder = Folder::new();
        command.current_dir(folder.root());
        Self { _folder: Some(folder), ..Self::begin(command, arguments, &[]).await }
    }

    /// A server that is started in this folder, with what it takes by itself.
    pub async fn start_in(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_with(folder, arguments, &[]).await
    }

    /// The same with these variables of its environment.
    pub async fn start_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = command();
        command.current_dir(folder);
        Self::begin(command, arguments, variables).await
    }

    async fn begin(mut command: Command, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        if !arguments.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let mut child = command
            .args(arguments)
            // The tests read what is logged, and search it for what must not be.
            .env("RUST_LOG", "trace")
            .envs(variables.iter().copied())
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
        Self { child, output, log, reading, announced, _folder: None }
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

    /// Asks its API.
    pub async fn ask(&self, ask: Ask) -> Answer {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut request =
            Request::builder().method(ask.method).uri(format!("{}/chat{}", self.origin(), ask.target));
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(ask.body)).expect("a request");
        let response = timeout(PATIENCE, client.request(request)).await;
        let (parts, body) = response.expect("an answer in time").expect("an answer").into_parts();
        let headers = parts.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
        Answer {
            status: parts.status.as_u16(),
            headers: headers.collect(),
            body: body.collect().await.expect("a body").to_bytes(),
        }
    }

    /// Ends it at once, wherever it is, as `kill -9` does.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// Asks it to end, as a service manager does.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Stops it where it is, without a word to anybody. Its sockets stay, and nobody reads them.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.id().expect("it runs");
        let id = Pid::from_raw(i32::try_from(id).expect("a process id"));
        kill(id, signal).expect("it can be told");
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

impl AnnouncedOperator {
    /// The password, of which the test says that the server knows it.
    #[must_use]
    pub fn password(&self) -> &str {
        self.password.as_deref().expect("the server knows the password")
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
    run_with(arguments, &[]).await
}

/// The same with these variables of its environment.
pub async fn run_with(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = command();
    command.args(arguments).envs(variables.iter().copied()).kill_on_drop(true).stdin(Stdio::null());
    let output = timeout(PATIENCE, command.output()).await;
    output.expect("the server ends in time").expect("it starts")
}

/// The server, to be started by whoever needs more than to wait for its end.
#[must_use]
pub fn command() -> Command {
    let mut command = Command::new(provided("CONVOR_SERVER"));
    // What the developer serves from is not for tests.
    for (variable, _) in std::env::vars_os() {
        if is_the_servers(&variable.to_string_lossy()) {
            command.env_remove(variable);
        }
    }
    command
}

/// Whether the server reads this variable, or may.
fn is_the_servers(variable: &str) -> bool {
    let named = ["CONVOR_STORAGE", "CONVOR_FROM", "CONVOR_TO", "CONVOR_BROKER", "PGPASSWORD"];
    let begun = ["CONVOR_NATS_", "CONVOR_CLUSTER_KEY"];
    named.contains(&variable) || begun.iter().any(|begin| variable.starts_with(begin))
}

async fn keep(stderr: impl tokio::io::AsyncRead + Unpin, log: Arc<Mutex<String>>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push_str(&line);
        log.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_developer_serves_from_is_kept_from_tests_and_what_tests_need_is_not() {
        for variable in ["CONVOR_BROKER", "CONVOR_NATS_USER", "CONVOR_CLUSTER_KEY_OPENS_TOO", "PGPASSWORD"] {
            assert!(is_the_servers(variable), "{variable}");
        }
        for variable in ["PATH", "RUST_LOG", "CONVOR_TEST_NATS", "CONVOR_PROVE"] {
            assert!(!is_the_servers(variable), "{variable}");
        }
    }
}
