//! System calls, counted exactly: free of whatever else the machine does.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use convor_benches::report::Goal::AtMost;
use convor_benches::report::Row;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::NamedTempFile;

use super::Bench;
use super::fan_out::burst;
use crate::child::program;
use crate::outcome::Outcome;
use crate::plan::Load;
use crate::rounds::Pair;

/// A server that is watched is many times slower, and is asked for less: deliveries a second.
const PACE: f64 = 2_000.0;

/// What sends: a `write` may also wake a thread up, and is counted all the same.
const SENDS: [&str; 5] = ["sendto", "sendmsg", "sendmmsg", "write", "writev"];

pub(crate) fn run(bench: &Bench<'_>, outcome: &mut Outcome) -> Result<()> {
    let size =
        bench.sizes.iter().copied().min_by_key(|size| size.abs_diff(1_000)).context("there is a size")?;
    eprintln!("── system calls, {size} subscribers, {}", bench.storage());
    let mut pairs = bench.pairs(1, size)?;
    let seconds = bench.effort.seconds;
    let paced = Load::Paced { per_second: PACE / size as f64, seconds };
    for (load, name, sends, calls) in
        [(paced, "paced", AtMost(1.05), Some(AtMost(1.25))), (burst(seconds), "burst", AtMost(0.1), None)]
    {
        for (shape, pair) in pairs.iter_mut().enumerate() {
            let goal = |of| if shape == 0 { bench.goal(of) } else { None };
            let counted = count(pair, load)?;
            let of = pair.subject.name;
            outcome.rows.push(
                Row::new(format!("{of}: {name}, {size} subscribers, {}", bench.storage()), "-")
                    .figure("sends a delivery", &[counted.sends], goal(sends))
                    .figure("system calls a delivery", &[counted.calls], calls.and_then(goal)),
            );
        }
    }
    Ok(())
}

/// Of one delivery.
struct Counted {
    sends: f64,
    calls: f64,
}

fn count(pair: &mut Pair, load: Load) -> Result<Counted> {
    let process = pair.subject.process().context("its system calls can be counted: name its process")?;
    let summary = NamedTempFile::new()?;
    let mut strace = Strace::attach(process, &summary)?;
    let tally = pair.measure(load)?.tally;
    strace.detach()?;
    let (mut sends, mut calls) = (0, 0);
    for (name, times) in read(&fs::read_to_string(summary.path())?) {
        calls += times;
        sends += if SENDS.contains(&name) { times } else { 0 };
    }
    ensure!(sends > 0, "strace has counted nothing");
    let deliveries = tally.deliveries as f64;
    Ok(Counted { sends: sends as f64 / deliveries, calls: calls as f64 / deliveries })
}

/// The lines of a summary of `strace -c`: seconds, calls, errors if there were any, and the name at the end.
fn read(summary: &str) -> impl Iterator<Item = (&str, u64)> {
    summary.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let name = words.last().filter(|name| **name != "total")?;
        Some((*name, words.get(3)?.parse().ok()?))
    })
}

/// strace, attached to a process and all of its threads.
struct Strace(Child);

impl Strace {
    fn attach(process: u32, summary: &NamedTempFile) -> Result<Self> {
        let mut strace = program("strace")
            .args(["-f", "-c", "-p", &process.to_string(), "-o"])
            .arg(summary.path())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start `setpriv`, and by it `strace`, which counts system calls")?;
        let mut said = String::new();
        let errors = strace.stderr.take().context("piped")?;
        BufReader::new(errors).read_line(&mut said)?;
        let strace = Self(strace);
        ensure!(said.contains("attached"), "strace may not attach to process {process}: {said}");
        Ok(strace)
    }

    /// Lets the process go, and has the summary written.
    fn detach(&mut self) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.0.id())?), Signal::SIGINT)?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        // Without it the process stays watched. One that has ended is signalled no more: its number may be another's.
        if let Ok(None) = self.0.try_wait() {
            let _ = self.detach();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read_with_and_without_errors() {
        let summary = "% time     seconds  usecs/call     calls    errors syscall\n\
            ------ ----------- ----------- --------- --------- ----------------\n \
            75.00    0.000300           3       100           sendto\n \
            25.00    0.000100           2        50        40 recvfrom\n\
            ------ ----------- ----------- --------- --------- ----------------\n\
            100.00    0.000400           2       150        40 total\n";
        assert_eq!(read(summary).collect::<Vec<_>>(), [("sendto", 100), ("recvfrom", 50)]);
    }
}
