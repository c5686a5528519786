//! What does nothing costs nothing: the same load beside tenants, conversations and connections that are idle.

use anyhow::{Context, Result};
use convor_benches::report::Goal::AtMost;
use convor_benches::report::Row;

use super::Bench;
use super::fan_out::paced;
use crate::message::TEXT_BYTES;
use crate::outcome::Outcome;
use crate::rounds::{Client, Pair, Sample, in_turns, middle, ratios};
use crate::source::Source;
use crate::subject::Subject;

const SUBSCRIBERS: usize = 1_000;

/// By how much the cost may grow: what ten thousandths of a core do for each idle connection's heartbeat is in it.
const GROWTH: f64 = 1.1;

const COST: (&str, &str, &str) = ("idle", "idle ones", "CPU per delivery, µs");

/// What is idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Idle {
    Connections,
    Conversations,
    Tenants,
}

pub(crate) fn run(bench: &Bench<'_>, outcome: &mut Outcome) -> Result<()> {
    match bench.source {
        Source::Memory => {
            beside(bench, Idle::Connections, "connections", outcome)?;
            beside(bench, Idle::Conversations, "conversations", outcome)
        }
        // Nobody makes tenants over HTTP, but in a database they can be there before the server is.
        Source::Postgres(_) => beside(bench, Idle::Tenants, "tenants", outcome),
        Source::Target(_) => Ok(()),
    }
}

fn beside(bench: &Bench<'_>, idle: Idle, name: &str, outcome: &mut Outcome) -> Result<()> {
    let mut pairs = Vec::new();
    // Idle connections last as long as these.
    let mut clients = Vec::new();
    for &many in bench.effort.idle {
        eprintln!("── {SUBSCRIBERS} subscribers beside {many} idle {name}, {}", bench.storage());
        let subject = match (idle, bench.source) {
            (Idle::Tenants, Source::Postgres(postgres)) => {
                let database = postgres.database();
                postgres.fill(&database, many)?;
                Subject::convor(Some(database), bench.cores)?
            }
            _ => bench.subject(0)?,
        };
        let other = subject.other_desk().context("there is a second organisation")?;
        match idle {
            Idle::Connections if many > 0 => clients.push(Client::open(&other.plan(many)?, bench.cores)?),
            Idle::Conversations => other.leave_idle(many)?,
            Idle::Connections | Idle::Tenants => {}
        }
        pairs.push(Pair::open(subject, bench.cores, 1, SUBSCRIBERS, TEXT_BYTES)?);
    }
    let samples = in_turns(&mut pairs, paced(SUBSCRIBERS, bench.effort.seconds), bench.effort.rounds)?;
    for (many, samples) in bench.effort.idle.iter().zip(&samples) {
        outcome.measured(
            &format!("paced, beside {many} idle {name}, {}", bench.storage()),
            "Convor",
            samples,
        );
        let cost = middle(samples, Sample::cpu_per_delivery) * 1e6;
        outcome.point(COST, &format!("{name}, {}", bench.storage()), (*many as f64, cost));
    }
    let [none, .., most] = &samples[..] else { return Ok(()) };
    let many = bench.effort.idle.last().context("there is a most")?;
    let row = Row::new(format!("paced, beside {many} idle {name}, {}", bench.storage()), "none idle");
    let growth = ratios(most, none, Sample::cpu_per_delivery);
    outcome.rows.push(row.figure("server CPU", &growth, bench.goal(AtMost(GROWTH))));
    Ok(())
}
