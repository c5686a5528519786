//! A noisy neighbour: what tenants notice of another one on the same server that sends ten times what it may.

use anyhow::{Context, Result, ensure};
use convor_benches::report::Goal::{AtMost, NeverAbove};
use convor_benches::report::Row;
use convor_benches::turns::turns;

use super::Bench;
use crate::crowd::Crowd;
use crate::crowd::plan::{Crowd as Plan, Order, Report};
use crate::desk::Desk;
use crate::outcome::Outcome;
use crate::rounds::{Sample, ratios};

/// Tenants that keep to their quota.
const CALM: usize = 8;

/// Visitors of each of them with a conversation each, which an operator listens to (`Limits::connections_per_principal_max`).
const VISITORS: usize = 20;

/// Posts a second of all of them together: 1.5 of each visitor, who may make 2 (`Limits::messages`).
const PACE: f64 = 240.0;

/// Visitors of the noisy tenant: so many at their quota use up their tenant's.
const NOISY_VISITORS: usize = 50;

/// Ten times what a tenant may, a second: `Limits::messages_per_tenant`, and `Limits::requests_per_tenant`.
const NOISES: [(&str, f64, usize); 2] = [("messages", 1_000.0, 1), ("requests", 10_000.0, 10)];

/// How long the noisy tenant takes to use up what it may do at once.
const BEFOREHAND: f64 = 3.0;

/// How much longer than other loads these go on, since so few posts have no steady p99.
const LONGER: f64 = 4.0;

/// By how much the others' p99 may grow.
const GROWTH: f64 = 1.5;

pub(crate) fn run(bench: &Bench<'_>, outcome: &mut Outcome) -> Result<()> {
    eprintln!("── {CALM} tenants beside a noisy one, {}", bench.storage());
    let subject = bench.source.house(CALM + 1, bench.cores)?;
    let (noisy, calm) = subject.desks().split_last().context("there are tenants")?;
    let mut calm = Crowd::gather(&calm_ones(calm)?, bench.cores.client)?;
    let mut noisy = Crowd::gather(&noisy_ones(noisy)?, bench.cores.neighbour)?;
    noisy.bear(noise(NOISES[1], BEFOREHAND))?.check()?;
    let seconds = LONGER * bench.effort.seconds;
    let load = Order::Paced { per_second: PACE, at_once: 1, waiting_max: usize::MAX, seconds };
    let mut samples = vec![Vec::new(); 1 + NOISES.len()];
    let mut heard: Vec<Vec<Heard>> = NOISES.iter().map(|_| Vec::new()).collect();
    for turn in turns(bench.effort.rounds, samples.len()) {
        let beside = turn.shape.checked_sub(1);
        if let Some(beside) = beside {
            noisy.begin(noise(NOISES[beside], seconds))?;
        }
        let before = subject.used()?.context("its process is known")?;
        let report = calm.bear(load)?.check()?;
        let cpu = subject.used()?.context("its process is known")?.since(&before);
        let beside = beside.map(|beside| anyhow::Ok((beside, noisy.finish()?.check()?))).transpose()?;
        if turn.counts {
            samples[turn.shape].push(report.sample(cpu));
            if let Some((beside, noisy)) = beside {
                heard[beside].push(Heard { of_calm: report, of_noisy: noisy });
            }
        }
    }
    record(bench, &samples, &heard, outcome);
    Ok(())
}

/// What became of the posts of both.
struct Heard {
    of_calm: Report,
    of_noisy: Report,
}

fn record(bench: &Bench<'_>, samples: &[Vec<Sample>], heard: &[Vec<Heard>], outcome: &mut Outcome) {
    let Some((alone, beside)) = samples.split_first() else { return };
    outcome.measured(&format!("{CALM} tenants alone, {}", bench.storage()), "Convor", alone);
    for (((name, ..), samples), heard) in NOISES.iter().zip(beside).zip(heard) {
        let what = format!("{CALM} tenants beside one at ten times its {name}, {}", bench.storage());
        outcome.measured(&what, "Convor", samples);
        let p50 = ratios(samples, alone, |sample| sample.tally.delivery.p50);
        let p99 = ratios(samples, alone, |sample| sample.tally.delivery.p99);
        outcome.rows.push(Row::new(&what, "alone").figure("p50", &p50, None).figure(
            "p99",
            &p99,
            bench.goal(AtMost(GROWTH)),
        ));
        let of = |part: fn(&Heard) -> f64| heard.iter().map(part).collect::<Vec<_>>();
        let errors = of(|heard| (heard.of_calm.refusals() + heard.of_calm.closed) as f64);
        let refused = of(|heard| heard.of_noisy.refusals() as f64 / heard.of_noisy.offered as f64);
        let untold = of(|heard| heard.of_noisy.untold as f64);
        outcome.rows.push(
            Row::new(&what, "-")
                .figure("the others' errors", &errors, bench.goal(NeverAbove(0.0)))
                .figure("refused of the noisy one's", &refused, None)
                .figure("refusals without a time", &untold, bench.goal(NeverAbove(0.0))),
        );
    }
}

fn noise((_, per_second, at_once): (&str, f64, usize), seconds: f64) -> Order {
    Order::Paced { per_second, at_once, waiting_max: usize::MAX, seconds }
}

/// Visitors who post, and of each tenant an operator who listens to all of them.
fn calm_ones(desks: &[Desk]) -> Result<Plan> {
    let (mut members, mut conversations) = (Vec::new(), Vec::new());
    for _ in 0..VISITORS {
        for desk in desks {
            let visitor = desk.visitor()?;
            let number = conversations.len();
            conversations.push(desk.conversation(&visitor, 0, members.len())?);
            members.push(desk.guest(&visitor, None));
            members.push(desk.staff(Some(number)));
        }
    }
    let first = desks.first().context("there are tenants")?;
    Ok(first.crowd(members, conversations))
}

/// Visitors who hear what they post themselves.
fn noisy_ones(desk: &Desk) -> Result<Plan> {
    let (mut members, mut conversations) = (Vec::new(), Vec::new());
    for number in 0..NOISY_VISITORS {
        let visitor = desk.visitor()?;
        conversations.push(desk.conversation(&visitor, 0, number)?);
        members.push(desk.guest(&visitor, Some(number)));
    }
    ensure!(!members.is_empty(), "somebody is noisy");
    Ok(desk.crowd(members, conversations))
}
