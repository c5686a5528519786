//! The client: a process that opens WebSockets, posts and counts, on one thread and with no framework, so that it is not
//! what is measured.

mod open;
mod room;
mod socket;
mod traffic;

use std::io::{BufRead, Write};

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::plan::{Load, Plan};
use traffic::Traffic;

/// Opens what the first line plans, and does what the others say, until there are no more.
pub(crate) fn run() -> Result<()> {
    let plan: Plan = read()?.context("a plan")?;
    let (mut traffic, opened) = Traffic::open(&plan)?;
    say(&opened)?;
    loop {
        traffic.idle()?;
        let Some(load) = read::<Load>()? else { return Ok(()) };
        say(&traffic.bear(load)?)?;
    }
}

/// The next line; `None` if there is none.
pub(crate) fn read<T: DeserializeOwned>() -> Result<Option<T>> {
    let mut line = String::new();
    // A line is written at once and answered before the next, so that none stays behind in a buffer.
    if std::io::stdin().lock().read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line)?))
}

pub(crate) fn say(answer: &impl Serialize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, answer)?;
    writeln!(out)?;
    Ok(out.flush()?)
}
