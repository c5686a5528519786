//! A storm: thousands of connections are cut at once while messages go on, and come back at once from where they were.

use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use convor_benches::report::Goal::NeverAbove;
use convor_benches::report::Row;

use super::Bench;
use crate::crowd::Crowd;
use crate::crowd::plan::{Back, Conversation, Crowd as Plan, Member, Order, Report};
use crate::desk::Desk;
use crate::outcome::Outcome;
use crate::source::Source;
use crate::subject::Subject;

/// Posts a second all the while.
const PACE: f64 = 250.0;

/// Operators' connections that stay, and post.
const POSTERS: usize = 8;

/// How long everybody is away, in seconds.
const AWAY: f64 = 1.0;

/// Conversations that are opened at once.
const OPENED_AT_ONCE: usize = 8;

/// Seconds in which everybody is to have everything.
const BACK_WITHIN: f64 = 30.0;

/// Milliseconds in which the server is to say that it lives.
const LIVES_WITHIN: f64 = 1_000.0;

pub(crate) fn run(bench: &Bench<'_>, outcome: &mut Outcome) -> Result<()> {
    let clients = bench.effort.storm;
    eprintln!("── a storm of {clients} clients, {}", bench.storage());
    let subject = bench.source.subject(bench.cores)?;
    let desk = subject.desks().first().context("the server has an organisation")?;
    let mut crowd = Crowd::gather(&plan(desk, clients)?, bench.cores.client)?;
    let mut storms = Vec::new();
    for _ in 0..bench.effort.memory_rounds {
        storms.push(storm(bench, &subject, desk, &mut crowd)?);
    }
    record(bench, &storms, outcome);
    Ok(())
}

/// What one storm gave.
struct Storm {
    calm: Report,
    report: Report,
    back: Back,
    /// The peak of the server's memory, by that before.
    memory: f64,
    /// The slowest answer of those who asked whether it lives, in milliseconds.
    health: f64,
    /// Calls of the storage that were no posts, for each client, where they can be counted. Posts share transactions and each is
    /// taken for one, so that there were at least so many.
    calls: Option<f64>,
    cpu: (f64, f64),
}

fn storm(bench: &Bench<'_>, subject: &Subject, desk: &Desk, crowd: &mut Crowd) -> Result<Storm> {
    let used = || subject.used()?.context("its process is known");
    let seconds = bench.effort.seconds;
    let start = used()?;
    let calm = Order::Paced { per_second: PACE, at_once: 1, waiting_max: usize::MAX, seconds };
    let calm = crowd.bear(calm)?.check()?;
    let commits = commits(bench.source, subject)?;
    let before = subject.resident_bytes()?.context("its process is known")?;
    subject.forget_peak()?;
    let probe = desk.probe();
    let begun = used()?;
    let report = crowd.bear(Order::Storm { per_second: PACE, away: AWAY })?.check()?;
    let cpu = (begun.since(&start), used()?.since(&begun));
    let health = probe.stop()? * 1_000.0;
    let memory = subject.peak_bytes()? / before;
    let back = report.back.clone().context("there was a storm")?;
    let calls = self::commits(bench.source, subject)?.zip(commits).map(|(after, before)| {
        let calls = (after - before) as f64 - report.tally.posts as f64;
        calls / back.clients as f64
    });
    ensure!(back.complete == back.clients, "{} clients are not back", back.clients - back.complete);
    ensure!(back.resumed > 0, "nobody has missed anything");
    ensure!(report.closed == 0, "the server has closed connections that nobody had cut");
    eprintln!(
        "      {} back in {:.1} s, {} messages were sent on, turned away: {:?}",
        back.clients, back.seconds, back.resumed, back.turned_away
    );
    Ok(Storm { calm, report, back, memory, health, calls, cpu })
}

/// What has been committed in the database so far, if there is one: a call of the storage is one transaction.
fn commits(source: &Source, subject: &Subject) -> Result<Option<i64>> {
    match (source, subject.database()) {
        (Source::Postgres(postgres), Some(name)) => postgres.commits(name).map(Some),
        _ => Ok(None),
    }
}

fn record(bench: &Bench<'_>, storms: &[Storm], outcome: &mut Outcome) {
    let what = format!("a storm of {} clients, {}", bench.effort.storm, bench.storage());
    let sample = |storm: &Storm| storm.calm.sample(storm.cpu.0);
    outcome.measured(&format!("before {what}"), "Convor", &storms.iter().map(sample).collect::<Vec<_>>());
    let sample = |storm: &Storm| storm.report.sample(storm.cpu.1);
    outcome.measured(&what, "Convor", &storms.iter().map(sample).collect::<Vec<_>>());
    let of = |part: fn(&Storm) -> f64| storms.iter().map(part).collect::<Vec<_>>();
    let calls: Vec<_> = storms.iter().filter_map(|storm| storm.calls).collect();
    outcome.rows.push(
        Row::new(&what, "-")
            .figure("seconds to the last welcome", &of(|storm| storm.back.welcomed), None)
            .figure(
                "seconds until all have everything",
                &of(|storm| storm.back.seconds),
                bench.goal(NeverAbove(BACK_WITHIN)),
            )
            .figure(
                "missing or double",
                &of(|storm| (storm.report.missing + storm.report.doubled) as f64),
                bench.goal(NeverAbove(0.0)),
            )
            .figure("turned away", &of(|storm| storm.back.turned_away.values().sum::<u64>() as f64), None)
            .figure(
                "refused to who stayed",
                &of(|storm| storm.report.refusals() as f64),
                bench.goal(NeverAbove(0.0)),
            )
            .figure("healthz, slowest, ms", &of(|storm| storm.health), bench.goal(NeverAbove(LIVES_WITHIN)))
            .figure("calls of the storage a client", &calls, None),
    );
    let ack = |report: &Report| report.tally.acknowledgement.p99;
    let acks: Vec<_> = storms.iter().map(|storm| ack(&storm.report) / ack(&storm.calm)).collect();
    outcome.rows.push(Row::new(&what, "before").figure("ack p99 of who stayed", &acks, None).figure(
        "peak memory",
        &of(|storm| storm.memory),
        None,
    ));
}

/// In each conversation its visitor and an operator, who are cut; and operators who stay and post.
fn plan(desk: &Desk, clients: usize) -> Result<Plan> {
    let open = |number: usize| -> Result<([Member; 2], Conversation)> {
        let visitor = desk.visitor()?;
        let conversation = desk.conversation(&visitor, 0, number % POSTERS)?;
        let both = [desk.guest(&visitor, Some(number)), desk.staff(Some(number))];
        Ok((both.map(|member| Member { is_cut: true, ..member }), conversation))
    };
    let mut members: Vec<_> = (0..POSTERS).map(|_| desk.staff(None)).collect();
    let mut conversations = Vec::new();
    for (both, conversation) in at_once(clients / 2, open)? {
        members.extend(both);
        conversations.push(conversation);
    }
    Ok(desk.crowd(members, conversations))
}

/// What `make` makes of each number, some at once.
pub(super) fn at_once<T: Send>(many: usize, make: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    let made = thread::scope(|scope| {
        let part = |first| {
            let make = &make;
            move || (first..many).step_by(OPENED_AT_ONCE).map(|number| Ok((number, make(number)?))).collect()
        };
        let threads: Vec<_> = (0..OPENED_AT_ONCE).map(|first| scope.spawn(part(first))).collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("nothing is made"))?);
        joined.collect::<Result<Vec<Vec<(usize, T)>>>>()
    })?;
    let mut made: Vec<_> = made.into_iter().flatten().collect();
    made.sort_by_key(|(number, _)| *number);
    Ok(made.into_iter().map(|(_, one)| one).collect())
}
