//! Overload: three times as many posts as the server was just found to carry.

use anyhow::{Context, Result};
use convor_benches::report::Goal::{AtLeast, AtMost, NeverAbove};
use convor_benches::report::Row;

use super::Bench;
use super::storm::at_once;
use crate::crowd::Crowd;
use crate::crowd::plan::{Crowd as Plan, Order, Report};
use crate::desk::Desk;
use crate::outcome::Outcome;
use crate::rounds::Sample;
use crate::subject::Subject;

/// In how many conversations at once posts are tried, to find what the server carries. None is beyond
/// `Limits::work_per_tenant_max`, so that nothing is refused.
const TRIED: [usize; 3] = [32, 96, 224];

/// Posts that are made at once in a conversation.
const AT_ONCE: usize = 4;

/// Answers for which somebody waits who posts nothing more until one has come.
const WAITING_MAX: usize = 16;

/// How much longer than other loads these go on: only their second half counts.
const LONGER: f64 = 2.0;

/// How much more is offered than the server carries.
const TIMES: f64 = 3.0;

/// How much of what it carries the server is to go on carrying.
const GOODPUT: f64 = 0.8;

/// By how much memory may grow, by that before.
const MEMORY: f64 = 1.5;

/// Milliseconds in which the server is to say that it lives.
const LIVES_WITHIN: f64 = 1_000.0;

/// What one load gave.
struct Borne {
    report: Report,
    cpu: f64,
    /// The server's memory before, and at its peak.
    before: f64,
    peak: f64,
    /// The slowest answer of those who asked whether it lives, in milliseconds.
    health: f64,
}

pub(crate) fn run(bench: &Bench<'_>, outcome: &mut Outcome) -> Result<()> {
    let rooms = bench.effort.rooms;
    eprintln!("── three times what {rooms} visitors can post, {}", bench.storage());
    let subject = bench.source.shedding(bench.cores)?;
    let desk = subject.desks().first().context("the server has an organisation")?;
    let mut crowd = Crowd::gather(&plan(desk, rooms)?, bench.cores.client)?;
    let mut best = (0.0, TRIED[0]);
    for conversations in TRIED {
        let goodput = bear(&subject, desk, &mut crowd, closed(bench, conversations))?.report.goodput;
        eprintln!("      {goodput:.0} posts a second in {conversations} conversations");
        if goodput > best.0 {
            best = (goodput, conversations);
        }
    }
    let (mut capacity, mut overload) = (Vec::new(), Vec::new());
    for _ in 0..bench.effort.rounds {
        let found = bear(&subject, desk, &mut crowd, closed(bench, best.1))?;
        // A round in which a disk has paused is no measure of what the server carries.
        let per_second = TIMES * found.report.goodput.max(best.0);
        let seconds = LONGER * bench.effort.seconds;
        let load = Order::Paced { per_second, at_once: AT_ONCE, waiting_max: WAITING_MAX, seconds };
        let borne = bear(&subject, desk, &mut crowd, load);
        overload
            .push(borne.with_context(|| format!("three times capacity, {per_second:.0} posts a second"))?);
        capacity.push(found);
    }
    record(bench, &capacity, &overload, outcome);
    Ok(())
}

fn closed(bench: &Bench<'_>, conversations: usize) -> Order {
    Order::Closed { conversations, waiting: AT_ONCE, seconds: LONGER * bench.effort.seconds }
}

fn bear(subject: &Subject, desk: &Desk, crowd: &mut Crowd, order: Order) -> Result<Borne> {
    let used = || subject.used()?.context("its process is known");
    let before = subject.resident_bytes()?.context("its process is known")?;
    subject.forget_peak()?;
    let probe = desk.probe();
    let begun = used()?;
    let report = crowd.bear(order)?.check()?;
    let cpu = used()?.since(&begun);
    let health = probe.stop()? * 1_000.0;
    Ok(Borne { report, cpu, before, peak: subject.peak_bytes()?, health })
}

fn record(bench: &Bench<'_>, capacity: &[Borne], overload: &[Borne], outcome: &mut Outcome) {
    let samples = |of: &[Borne]| -> Vec<Sample> { of.iter().map(|one| one.report.sample(one.cpu)).collect() };
    outcome.measured(&format!("at capacity, {}", bench.storage()), "Convor", &samples(capacity));
    let what = format!("at three times capacity, {}", bench.storage());
    outcome.measured(&what, "Convor", &samples(overload));
    let against = |part: fn(&Borne, &Borne) -> f64| -> Vec<f64> {
        overload.iter().zip(capacity).map(|(over, at)| part(over, at)).collect()
    };
    let of = |part: fn(&Report) -> f64| overload.iter().map(|one| part(&one.report)).collect::<Vec<_>>();
    let goodput = against(|over, at| over.report.goodput / at.report.goodput);
    let p99 = against(|over, at| over.report.tally.acknowledgement.p99 / at.report.tally.acknowledgement.p99);
    outcome.rows.push(
        Row::new(&what, "at capacity")
            .figure("goodput", &goodput, bench.goal(AtLeast(GOODPUT)))
            .figure("ack p99", &p99, None)
            .figure("peak memory", &against(memory), bench.goal(AtMost(MEMORY))),
    );
    let health: Vec<_> = overload.iter().map(|one| one.health).collect();
    outcome.rows.push(
        Row::new(&what, "-")
            .figure("refused of what was offered", &of(|report| share(report, report.refusals())), None)
            .figure("held back of what was offered", &of(|report| share(report, report.held_back)), None)
            .figure(
                "refusals without a time",
                &of(|report| report.untold as f64),
                bench.goal(NeverAbove(0.0)),
            )
            .figure("connections closed", &of(|report| report.closed as f64), bench.goal(NeverAbove(0.0)))
            .figure("healthz, slowest, ms", &health, bench.goal(NeverAbove(LIVES_WITHIN))),
    );
}

fn share(report: &Report, part: u64) -> f64 {
    part as f64 / report.offered as f64
}

/// The peak, less what as many messages added at capacity, by what there was before: what is stored in memory is no burden
/// of the overload.
fn memory(over: &Borne, at: &Borne) -> f64 {
    let stored = (at.peak - at.before) / at.report.tally.posts as f64 * over.report.tally.posts as f64;
    (over.peak - stored) / over.before
}

/// Visitors who hear what they post themselves.
fn plan(desk: &Desk, rooms: usize) -> Result<Plan> {
    let open = |number: usize| {
        let visitor = desk.visitor()?;
        Ok((desk.guest(&visitor, Some(number)), desk.conversation(&visitor, 0, number)?))
    };
    let (members, conversations) = at_once(rooms, open)?.into_iter().unzip();
    Ok(desk.crowd(members, conversations))
}
