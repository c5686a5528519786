//! `cargo xtask bench fanout`: what a delivery costs, as ratios to a server that does nothing but send, measured in one run.
//!
//! This program is several: the run itself, which starts the others; the bare server; a server with many tenants; the client that
//! only counts; and clients that go on when they are refused or cut off.

mod arguments;
mod bare;
mod child;
mod client;
mod clock;
mod cores;
mod crowd;
mod desk;
mod effort;
mod house;
mod http;
mod message;
mod outcome;
mod parts;
mod plan;
mod plots;
mod postgres;
mod probe;
mod refusal;
mod rounds;
mod source;
mod subject;
mod wire;

use std::fs;

use anyhow::{Result, ensure};
use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::arguments::{Arguments, Part, Role, Run};
use crate::cores::Cores;
use crate::outcome::Outcome;
use crate::parts::{Bench, fan_out, flat, idle, noisy, overload, rooms, storm, syscalls};

/// Descriptors that a process needs beside its connections.
const DESCRIPTORS_BESIDE: u64 = 200;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.role {
        Some(Role::Bare(bare)) => bare::run(bare),
        Some(Role::Client) => client::run(),
        Some(Role::Crowd) => crowd::run(),
        Some(Role::House(house)) => house::run(house),
        None => run(&arguments.run),
    }
}

fn run(run: &Run) -> Result<()> {
    run.check()?;
    let (cores, effort) = (Cores::choose()?, run.effort());
    let sizes = run.sizes();
    let idle_most = effort.idle.iter().max().map_or(0, |idle| idle + 1_000);
    let most = sizes.iter().copied().max().unwrap_or(0);
    raise_descriptors(most.max(2 * effort.rooms).max(idle_most).max(effort.storm))?;
    let Cores { server, client, neighbour } = cores;
    eprintln!("   servers on core {server}, clients on core {client}, a noisy one's on core {neighbour}");
    let mut outcome = Outcome::default();
    let measured = measure(run, cores, &mut outcome);
    // What was found until something failed is worth having, too.
    println!("{}", outcome.tables());
    if let Some(path) = &run.json {
        fs::write(path, serde_json::to_vec_pretty(&outcome)?)?;
        println!("the same as JSON: {}", path.display());
    }
    if let Some(folder) = &run.plots {
        plots::draw(folder, &outcome.curves)?;
    }
    measured
}

fn measure(run: &Run, cores: Cores, outcome: &mut Outcome) -> Result<()> {
    let (effort, sizes) = (run.effort(), run.sizes());
    for source in run.sources()? {
        let bench = Bench { cores, effort, sizes: &sizes, source: &source };
        let is_wanted = |part: Part| run.is_wanted(part, &source);
        // It comes first: a target is measured as it is, and the others use its memory.
        if is_wanted(Part::Idle) {
            idle::run(&bench, outcome)?;
        }
        if is_wanted(Part::Paced) || is_wanted(Part::Burst) {
            fan_out::run(&bench, is_wanted(Part::Paced), is_wanted(Part::Burst), outcome)?;
        }
        if is_wanted(Part::Rooms) {
            rooms::run(&bench, outcome)?;
        }
        if is_wanted(Part::Syscalls) {
            syscalls::run(&bench, outcome)?;
        }
        if is_wanted(Part::Flat) {
            flat::run(&bench, outcome)?;
        }
        if is_wanted(Part::Noisy) {
            noisy::run(&bench, outcome)?;
        }
        if is_wanted(Part::Storm) {
            storm::run(&bench, outcome)?;
        }
        if is_wanted(Part::Overload) {
            overload::run(&bench, outcome)?;
        }
    }
    Ok(())
}

/// Takes all the descriptors that this process may have; what it starts has them, too.
fn raise_descriptors(connections: usize) -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let needed = connections as u64 + DESCRIPTORS_BESIDE;
    ensure!(most >= needed, "{needed} open files are needed and {most} allowed: raise it with `ulimit -Hn`");
    Ok(setrlimit(Resource::RLIMIT_NOFILE, most, most)?)
}
