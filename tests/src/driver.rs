//! ChromeDriver, and the Chromium processes that it starts.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::environment::provided;
use crate::patience::PATIENCE;

const READY: &str = "was started successfully on port ";

/// A driver with its browsers, all of which end when this is dropped, in a test that fails, too.
#[derive(Debug)]
pub struct Driver {
    process: Child,
    /// Where it listens.
    pub(crate) url: String,
    folder: PathBuf,
    profiles: AtomicUsize,
}

impl Driver {
    /// A driver on a free port.
    pub async fn start() -> Self {
        // A group of its own, so that all that the driver starts can be ended with it.
        let mut process = Command::new(provided("CONVOR_CHROMEDRIVER"))
            .arg("--port=0")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("ChromeDriver starts");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let folder = std::env::temp_dir().join(format!("convor-browsers-{}", process.id()));
        let mut driver = Self { process, url: String::new(), folder, profiles: AtomicUsize::new(0) };
        let ready = timeout(PATIENCE, spawn_blocking(move || port(output))).await;
        let port = ready.expect("ChromeDriver is ready in time").expect("no panic");
        driver.url = format!("http://127.0.0.1:{}", port.expect("ChromeDriver names its port"));
        driver
    }

    /// A folder in which no browser has been.
    pub(crate) fn profile(&self) -> PathBuf {
        let number = self.profiles.fetch_add(1, Ordering::Relaxed);
        let profile = self.folder.join(number.to_string());
        std::fs::create_dir_all(&profile).expect("a folder");
        profile
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.process.id()) {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
        let _ = self.process.wait();
        remove(&self.folder);
    }
}

/// Reads what the driver says until it names the port that it has taken; what follows is read so that it can go on.
fn port(mut output: impl BufRead + Send + 'static) -> Option<u16> {
    let mut line = String::new();
    while output.read_line(&mut line).ok()? > 0 {
        if let Some((_, port)) = line.split_once(READY) {
            let port = port.trim_end().trim_end_matches('.').parse().ok();
            std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
            return port;
        }
        line.clear();
    }
    None
}

/// A process that has been ended may still be writing its last file.
fn remove(folder: &Path) {
    for _ in 0..40 {
        if std::fs::remove_dir_all(folder).is_ok() || !folder.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
}
