//! Whether a server says that it lives, asked again and again while something else is measured.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::clock::Clock;

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(50);

/// How long each step of an answer may take; a server that does not answer has taken as long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks until it is told to stop.
#[derive(Debug)]
pub(crate) struct Probe {
    is_over: Arc<AtomicBool>,
    asking: JoinHandle<f64>,
}

impl Probe {
    /// `path` is where the server says that it lives.
    pub(crate) fn start(address: SocketAddr, path: String) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let asking = thread::spawn(move || {
            let mut slowest = 0.0_f64;
            while !seen.load(Ordering::Relaxed) {
                let clock = Clock::start();
                let lives = ask(address, &path).unwrap_or(false);
                let took = clock.seconds();
                slowest = slowest.max(if lives { took } else { took.max(PATIENCE.as_secs_f64()) });
                thread::sleep(PAUSE);
            }
            slowest
        });
        Self { is_over, asking }
    }

    /// The seconds that the slowest answer has taken.
    pub(crate) fn stop(self) -> Result<f64> {
        self.is_over.store(true, Ordering::Relaxed);
        self.asking.join().map_err(|_| anyhow!("nobody has asked whether the server lives"))
    }
}

/// One question, on a connection of its own, as those ask who watch a server.
fn ask(address: SocketAddr, path: &str) -> Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer.starts_with(b"HTTP/1.1 200 "))
}
