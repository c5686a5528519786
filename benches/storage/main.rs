//! `cargo xtask bench storage`: what the PostgreSQL storage costs, as ratios that are measured in one run. A ratio below 1.2
//! or above 0.8 says nothing on a machine that does other things as well.

mod append;
mod cpu;
mod fan_out;
mod reads;
mod rounds;
mod sweeps;
mod world;

use std::path::PathBuf;
use std::{env, fs};

use anyhow::{Result, bail};
use convor_benches::report;
use convor_tests::postgres::Instance;

use crate::cpu::ServerCpu;
use crate::world::World;

/// How much is done.
struct Effort {
    /// Of each shape, after one that does not count.
    rounds: usize,
    /// Tenants in which is written and read.
    tenants: usize,
    /// Appends of a round.
    appends: usize,
    /// Reads of a round.
    reads: usize,
    /// Messages of a log that is read.
    log: u64,
    /// Conversations of a thousand messages each of a visitor who is erased.
    erased: u64,
    /// Messages that are purged.
    purged: usize,
    /// How long appends are timed without a purge.
    seconds: u64,
}

const FULL: Effort = Effort {
    rounds: 5,
    tenants: 20,
    appends: 6_400,
    reads: 2_000,
    log: 200,
    erased: 100,
    purged: 64_000,
    seconds: 5,
};

const QUICK: Effort = Effort {
    rounds: 3,
    tenants: 5,
    appends: 1_280,
    reads: 500,
    log: 100,
    erased: 10,
    purged: 12_800,
    seconds: 2,
};

struct Arguments {
    effort: Effort,
    json: Option<PathBuf>,
    only: Option<String>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let arguments = arguments()?;
    let instance = Instance::new().await;
    let world = World::new(&instance.url()).await?;
    let of = ServerCpu::of(&world.superuser).await?;
    let effort = &arguments.effort;
    let wanted = |name: &str| arguments.only.as_deref().is_none_or(|only| only == name);
    let mut rows = Vec::new();
    for part in ["append", "fan-out", "reads", "sweeps"].into_iter().filter(|part| wanted(part)) {
        let measured = match part {
            "append" => append::rows(&world, of, effort).await?,
            "fan-out" => fan_out::rows(&world, of, effort).await?,
            "reads" => reads::rows(&world, of, effort).await?,
            _ => sweeps::rows(&world, of, effort).await?,
        };
        println!("{}", report::table(&measured));
        rows.extend(measured);
    }
    if let Some(path) = arguments.json {
        fs::write(&path, serde_json::to_vec_pretty(&rows)?)?;
        println!("the same as JSON: {}", path.display());
    }
    Ok(())
}

fn arguments() -> Result<Arguments> {
    let mut arguments = Arguments { effort: FULL, json: None, only: None };
    let mut given = env::args().skip(1);
    while let Some(argument) = given.next() {
        match (argument.as_str(), &mut given) {
            ("--quick", _) => arguments.effort = QUICK,
            ("--json", rest) => arguments.json = rest.next().map(PathBuf::from),
            ("--only", rest) => arguments.only = rest.next(),
            _ => bail!("usage: storage [--quick] [--only append|fan-out|reads|sweeps] [--json FILE]"),
        }
    }
    Ok(arguments)
}
