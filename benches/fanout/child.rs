//! A process that ends with this one, and says and is told things in lines of JSON.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cores;

/// A process that is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    process: Process,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Child {
    /// Starts it on this core.
    pub(crate) fn start(command: &mut Command, core: usize) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let spawned = cores::on(core, || command.spawn())?;
        let mut process = spawned.with_context(|| format!("cannot start {command:?}"))?;
        let input = process.stdin.take().context("piped")?;
        let output = BufReader::new(process.stdout.take().context("piped")?);
        Ok(Self { process, input, output })
    }

    /// Its id, as the system knows it.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Tells it something.
    pub(crate) fn tell(&mut self, what: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(what)?;
        line.push(b'\n');
        self.input.write_all(&line).context("a process has ended early")
    }

    /// What it says next.
    pub(crate) fn hear<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        ensure!(
            self.output.read_line(&mut line)? > 0,
            "a process has ended early; what it said stands above"
        );
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed, and need not.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// This program, to be started as one of its parts.
pub(crate) fn part(arguments: &[&str]) -> Result<Command> {
    let mut command = program(std::env::current_exe()?);
    command.args(arguments);
    Ok(command)
}

/// A program, to be started by the main thread: the system kills it when that ends, by whatever it ends. One that is killed drops
/// nothing, and a server that is left would run on the core that the next run measures.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(name);
    command
}
