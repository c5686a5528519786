//! Steps that all run, even after one has failed, so that one run tells everything that is wrong.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

#[derive(Default)]
pub(crate) struct Steps {
    failed: Vec<&'static str>,
}

impl Steps {
    /// Runs one step and prints its name, its result and its seconds.
    pub(crate) fn run(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) {
        println!("── {name}");
        let (result, took) = timed(work);
        let seconds = took.as_secs_f64();
        match result {
            Ok(()) => println!("   {name}: ok, {seconds:.1} s"),
            Err(error) => {
                println!("{error:#}");
                println!("   {name}: FAILED, {seconds:.1} s");
                self.failed.push(name);
            }
        }
    }

    /// Says which steps failed, as an error if any did.
    pub(crate) fn finish(self) -> Result<()> {
        if self.failed.is_empty() { Ok(()) } else { bail!("failed: {}", self.failed.join(", ")) }
    }
}

/// An error that lists what was found, unless nothing was.
pub(crate) fn none_of(findings: &[String]) -> Result<()> {
    if findings.is_empty() { Ok(()) } else { bail!("{}", findings.join("\n")) }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a step takes is told to a person and decides nothing"
)]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}
