//! What a connection costs on which nothing happens.

use anyhow::{Context, Result};
use convor_benches::report::Goal::AtMost;
use convor_benches::report::Row;

use super::Bench;
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::rounds::Client;
use crate::source::Source;

/// Connections that are open before it is measured, so that the code and the first tables are there. They stay open, so that
/// nobody uses their memory again.
const WARM: usize = 16;

const MEMORY: (&str, &str, &str) = ("memory", "idle connections", "resident memory, MB");

pub(crate) fn run(bench: &Bench<'_>, outcome: &mut Outcome) -> Result<()> {
    let (mut sizes, mut rounds) = (bench.sizes.to_vec(), bench.effort.memory_rounds);
    if let Source::Target(_) = bench.source {
        // It is not started anew: what these give back is used again by all that come after them.
        (sizes, rounds) = (sizes.into_iter().max().into_iter().collect(), 1);
    }
    for size in sizes {
        eprintln!("── {size} idle connections, {}", bench.storage());
        let mut each = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..rounds {
            for (shape, bytes) in each.iter_mut().enumerate() {
                bytes.push(grown(bench, shape, size)? / size as f64);
            }
        }
        let [of, limit, coalescing] = &each;
        let what = format!("{size} idle connections, {}", bench.storage());
        let all: Vec<_> = of.iter().map(|bytes| bytes * size as f64 / 1e6).collect();
        let goal = (size == 10_000).then_some(AtMost(100.0)).and_then(|of| bench.goal(of));
        outcome.rows.push(
            Row::new(&what, "-")
                .figure("bytes a connection", of, bench.goal(AtMost(9_000.0)))
                .figure("MB", &all, goal),
        );
        outcome.rows.push(Row::new(format!("limit: {what}"), "-").figure("bytes a connection", limit, None));
        outcome.rows.push(Row::new(format!("limit, coalescing: {what}"), "-").figure(
            "bytes a connection",
            coalescing,
            None,
        ));
        if let Some((median, _)) = convor_benches::report::median(&all) {
            outcome.point(MEMORY, bench.storage(), (size as f64, median));
        }
    }
    Ok(())
}

/// By how much a server's memory grows with so many connections.
fn grown(bench: &Bench<'_>, shape: usize, size: usize) -> Result<f64> {
    let subject = bench.subject(shape)?;
    let resident = || subject.resident_bytes()?.context("its memory can be measured: name its process");
    let plan: Plan = subject.plan(1, WARM, 0)?;
    let warm = Client::open(&plan, bench.cores)?;
    let plan = subject.plan(1, size, 0)?;
    let before = resident()?;
    let client = Client::open(&plan, bench.cores)?;
    let after = resident()?;
    drop((warm, client));
    Ok(after - before)
}
