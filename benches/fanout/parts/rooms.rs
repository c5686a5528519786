//! Rooms of two: every message is one of its own, stored and acknowledged before the next.

use anyhow::Result;
use convor_benches::report::Goal::{AtLeast, AtMost};
use convor_benches::report::Row;

use super::Bench;
use crate::outcome::Outcome;
use crate::plan::Load;
use crate::rounds::{Sample, in_turns, ratios};

/// Acknowledged messages a second that a server with PostgreSQL sustains.
const SUSTAINED: f64 = 1_000.0;

/// How much longer than other loads that goes on, so that the wait for the last message does not count for much.
const SUSTAINED_LONGER: f64 = 3.0;

/// How long one acknowledgement may take there, in microseconds.
const ACKNOWLEDGED_WITHIN: f64 = 100_000.0;

pub(crate) fn run(bench: &Bench<'_>, outcome: &mut Outcome) -> Result<()> {
    let rooms = bench.effort.rooms;
    eprintln!("── {rooms} rooms of two, {}", bench.storage());
    let mut pairs = bench.pairs(rooms, 1)?;
    let load = Load::Closed { in_flight: 1, seconds: bench.effort.seconds };
    let samples = in_turns(&mut pairs, load, bench.effort.rounds)?;
    let what = format!("{rooms} rooms of two, {}", bench.storage());
    for (pair, samples) in pairs.iter().zip(&samples) {
        outcome.measured(&what, pair.subject.name, samples);
    }
    let [of, limit, coalescing] = [0, 1, 2].map(|shape: usize| &samples[shape][..]);
    // What waits for a disk is not held against a server that has none.
    let goals = if bench.source.has_disk() { [None, None] } else { [Some(AtLeast(0.6)), Some(AtMost(1.15))] };
    outcome.rows.push(
        Row::new(&what, "limit")
            .figure(
                "rate",
                &ratios(of, limit, Sample::posts_per_second),
                goals[0].and_then(|of| bench.goal(of)),
            )
            .figure(
                "server CPU",
                &ratios(of, limit, Sample::cpu_per_delivery),
                goals[1].and_then(|of| bench.goal(of)),
            ),
    );
    outcome.rows.push(
        Row::new(format!("limit, coalescing: {what}"), "limit")
            .figure("rate", &ratios(coalescing, limit, Sample::posts_per_second), None)
            .figure("server CPU", &ratios(coalescing, limit, Sample::cpu_per_delivery), None),
    );
    if bench.source.has_disk() {
        let load = Load::Paced { per_second: SUSTAINED, seconds: SUSTAINED_LONGER * bench.effort.seconds };
        let samples = in_turns(&mut pairs[..1], load, bench.effort.rounds)?.remove(0);
        let what = format!("{SUSTAINED} messages a second in {rooms} rooms, {}", bench.storage());
        outcome.measured(&what, pairs[0].subject.name, &samples);
        let of = |part: fn(&Sample) -> f64| samples.iter().map(part).collect::<Vec<_>>();
        outcome.rows.push(
            Row::new(&what, "-")
                .figure(
                    "messages a second",
                    &of(Sample::posts_per_second),
                    bench.goal(AtLeast(0.97 * SUSTAINED)),
                )
                .figure(
                    "ack p99, µs",
                    &of(|sample| sample.tally.acknowledgement.p99),
                    bench.goal(AtMost(ACKNOWLEDGED_WITHIN)),
                ),
        );
    }
    Ok(())
}
