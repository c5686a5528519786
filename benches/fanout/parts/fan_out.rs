//! One who posts and many who hear it: paced, and as fast as it goes.

use anyhow::Result;
use convor_benches::report::Goal::{AtLeast, AtMost};
use convor_benches::report::Row;

use super::Bench;
use crate::outcome::Outcome;
use crate::plan::Load;
use crate::rounds::{Sample, in_turns, middle, ratios};

/// Deliveries a second that are asked for, whatever the number of subscribers.
const PACE: f64 = 20_000.0;

/// Posts that have not reached everybody.
const IN_FLIGHT: usize = 16;

const CPU: (&str, &str, &str) = ("cost", "subscribers", "CPU per delivery, µs");

/// The load that is paced, for so many subscribers.
pub(crate) fn paced(subscribers: usize, seconds: f64) -> Load {
    Load::Paced { per_second: PACE / subscribers as f64, seconds }
}

/// The load that goes as fast as it can.
pub(crate) fn burst(seconds: f64) -> Load {
    Load::Closed { in_flight: IN_FLIGHT, seconds }
}

/// Every size, with the loads that are wanted.
pub(crate) fn run(bench: &Bench<'_>, is_paced: bool, is_burst: bool, outcome: &mut Outcome) -> Result<()> {
    let mut first: Option<(usize, Vec<f64>)> = None;
    for &size in bench.sizes {
        eprintln!("── {} subscribers, {}", size, bench.storage());
        let mut pairs = bench.pairs(1, size)?;
        if is_paced {
            let samples = in_turns(&mut pairs, paced(size, bench.effort.seconds), bench.effort.rounds)?;
            let what = format!("paced, {size} subscribers, {}", bench.storage());
            record(&what, &pairs.each_ref().map(|pair| pair.subject.name), &samples, outcome);
            let [of, limit, coalescing] = [0, 1, 2].map(|shape: usize| &samples[shape][..]);
            let cpu = ratios(of, limit, Sample::cpu_per_delivery);
            let p99 = |sample: &Sample| sample.tally.delivery.p99;
            outcome.rows.push(
                Row::new(&what, "limit").figure("server CPU", &cpu, bench.goal(AtMost(1.15))).figure(
                    "p99",
                    &ratios(of, limit, p99),
                    bench.goal(AtMost(1.4)),
                ),
            );
            outcome.rows.push(
                Row::new(format!("limit, coalescing: {what}"), "limit")
                    .figure("server CPU", &ratios(coalescing, limit, Sample::cpu_per_delivery), None)
                    .figure("p99", &ratios(coalescing, limit, p99), None),
            );
            if size >= 1_000 {
                match &first {
                    None => first = Some((size, cpu)),
                    Some((first_size, first)) => {
                        let growth: Vec<_> = cpu.iter().zip(first).map(|(now, then)| now / then).collect();
                        let row = Row::new(
                            format!("{what}: growth of the ratio"),
                            format!("that of {first_size} subscribers"),
                        );
                        outcome.rows.push(row.figure("server CPU", &growth, bench.goal(AtMost(1.1))));
                    }
                }
            }
            curve("paced", size, bench.storage(), of, limit, outcome);
        }
        if is_burst {
            let samples = in_turns(&mut pairs, burst(bench.effort.seconds), bench.effort.rounds)?;
            let what = format!("burst, {size} subscribers, {}", bench.storage());
            record(&what, &pairs.each_ref().map(|pair| pair.subject.name), &samples, outcome);
            let [of, limit, coalescing] = [0, 1, 2].map(|shape: usize| &samples[shape][..]);
            outcome.rows.push(
                Row::new(&what, "limit")
                    .figure(
                        "server CPU",
                        &ratios(of, limit, Sample::cpu_per_delivery),
                        bench.goal(AtMost(0.17)),
                    )
                    .figure(
                        "rate",
                        &ratios(of, limit, Sample::deliveries_per_second),
                        bench.goal(AtLeast(6.0)),
                    ),
            );
            outcome.rows.push(
                Row::new(format!("limit, coalescing: {what}"), "limit")
                    .figure("server CPU", &ratios(coalescing, limit, Sample::cpu_per_delivery), None)
                    .figure("rate", &ratios(coalescing, limit, Sample::deliveries_per_second), None),
            );
            curve("burst", size, bench.storage(), of, limit, outcome);
        }
    }
    Ok(())
}

fn record(what: &str, servers: &[&'static str], samples: &[Vec<Sample>], outcome: &mut Outcome) {
    for (server, samples) in servers.iter().zip(samples) {
        outcome.measured(what, server, samples);
    }
}

fn curve(load: &str, size: usize, storage: &str, of: &[Sample], limit: &[Sample], outcome: &mut Outcome) {
    for (name, samples) in
        [(format!("{load}, {storage}"), of), (format!("{load}, limit beside {storage}"), limit)]
    {
        let cost = middle(samples, Sample::cpu_per_delivery) * 1e6;
        outcome.point(CPU, &name, (size as f64, cost));
    }
}
