//! A throw-away server on a free port, which a shell script keeps: it outlives this program to clean up after it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};

/// How many ports are tried: between being found free and being used, somebody else may take one.
const PORTS_MAX: usize = 5;

/// How a server is kept.
pub(super) struct Keeping {
    /// What it is, for people.
    pub(super) name: &'static str,
    /// The variable that names a server. Whoever runs one already may set it, and that one is used as it is.
    pub(super) variable: &'static str,
    /// With what the name of its folder begins.
    pub(super) folder: &'static str,
    /// The script. It is told `$PORT` and `$FOLDER`, answers each line of its input with a status, and leaves what that
    /// said in `$FOLDER/said`.
    pub(super) script: &'static str,
    /// Its first line.
    pub(super) begin: &'static str,
    /// In which variable it is told where the programs are.
    pub(super) programs: &'static str,
    /// What its folder and its process need besides.
    pub(super) prepare: fn(&Path, &mut Command) -> Result<()>,
}

/// A server that serves, for as long as this is held.
pub(super) struct Kept {
    keeper: Child,
    pub(super) port: u16,
    pub(super) folder: PathBuf,
}

impl Keeping {
    /// A server, unless somebody names one.
    pub(super) fn start_unless_named(&self, programs: Option<PathBuf>) -> Result<Option<Kept>> {
        if env::var_os(self.variable).is_some() {
            return Ok(None);
        }
        let programs = programs.with_context(|| format!("{} is not on this machine", self.name))?;
        self.start(&programs).map(Some)
    }

    fn start(&self, programs: &Path) -> Result<Kept> {
        let mut said = String::new();
        for _ in 0..PORTS_MAX {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            match self.start_at(port, programs)? {
                Ok(server) => return Ok(server),
                Err(log) => said = log,
            }
        }
        bail!("{} does not start. It says:\n{said}", self.name)
    }

    /// A server that serves, or what it has said instead.
    pub(super) fn start_at(&self, port: u16, programs: &Path) -> Result<Result<Kept, String>> {
        let folder = self.folder(port);
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut command = Command::new("sh");
        (self.prepare)(&folder, &mut command)?;
        let mut keeper = command
            .args(["-c", self.script])
            .env(self.programs, programs)
            .env("PORT", port.to_string())
            .env("FOLDER", &folder)
            // Ctrl-C is for this program, whose end the keeper sees.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start `sh`")?;
        writeln!(keeper.stdin.as_ref().context("piped")?, "{}", self.begin)?;
        let mut status = String::new();
        BufReader::new(keeper.stdout.take().context("piped")?).read_line(&mut status)?;
        // Dropped, the keeper cleans up.
        let server = Kept { keeper, port, folder };
        if status == "0\n" {
            Ok(Ok(server))
        } else {
            Ok(Err(fs::read_to_string(server.folder.join("said"))?))
        }
    }

    /// Where a server has its files.
    pub(super) fn folder(&self, port: u16) -> PathBuf {
        env::temp_dir().join(format!("{}-{}-{port}", self.folder, std::process::id()))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // The folder is gone when the keeper is, or there is nobody left to tell.
        let _ = self.keeper.wait();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::TcpStream;

    use super::*;

    /// It is gone with all it wrote when nobody holds it.
    pub(in super::super) fn it_leaves_nothing(keeping: &Keeping, programs: &Path) {
        let server = keeping.start(programs).expect("a server");
        let (address, folder) = (("127.0.0.1", server.port), server.folder.clone());
        assert!(TcpStream::connect(address).is_ok() && folder.exists());
        drop(server);
        assert!(TcpStream::connect(address).is_err() && !folder.exists());
    }

    /// It says why it does not start, and leaves nothing.
    pub(in super::super) fn it_says_why_it_does_not_start(keeping: &Keeping, programs: &Path, why: &str) {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = taken.local_addr().expect("an address").port();
        let said = keeping.start_at(port, programs).expect("a start");
        assert!(said.is_err_and(|said| said.contains(why)));
        assert!(!keeping.folder(port).exists());
    }
}
