//! Loads on several servers in turns, and what became of them.

use anyhow::{Context, Result};
use convor_benches::report::median;
use convor_benches::turns::turns;

use crate::child::{Child, part};
use crate::cores::Cores;
use crate::plan::{Load, Opened, Plan, Tally};
use crate::subject::Subject;

/// A client process with its connections.
#[derive(Debug)]
pub(crate) struct Client(Child);

impl Client {
    pub(crate) fn open(plan: &Plan, cores: Cores) -> Result<Self> {
        let mut client = Child::start(&mut part(&["client"])?, cores.client)?;
        client.tell(plan)?;
        let opened: Opened = client.hear().context("the client could not open its connections")?;
        let (connections, seconds) = (opened.connections, opened.seconds);
        eprintln!("      {connections} connections opened in {seconds:.1} s");
        Ok(Self(client))
    }

    pub(crate) fn bear(&mut self, load: Load) -> Result<Tally> {
        self.0.tell(&load)?;
        self.0.hear()
    }
}

/// A server with a client of its own.
#[derive(Debug)]
pub(crate) struct Pair {
    /// Ends first, so that the server does not wait for it.
    pub(crate) client: Client,
    pub(crate) subject: Subject,
}

/// What one round gave.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) tally: Tally,
    /// CPU seconds of the server; none where they are not known.
    pub(crate) cpu: f64,
}

impl Sample {
    pub(crate) fn cpu_per_delivery(&self) -> f64 {
        self.cpu / self.tally.deliveries as f64
    }

    pub(crate) fn deliveries_per_second(&self) -> f64 {
        self.tally.deliveries as f64 / self.tally.seconds
    }

    pub(crate) fn posts_per_second(&self) -> f64 {
        self.tally.posts as f64 / self.tally.seconds
    }
}

impl Pair {
    /// So many rooms with so many subscribers each.
    pub(crate) fn open(
        subject: Subject,
        cores: Cores,
        rooms: usize,
        subscribers: usize,
        payload_bytes: usize,
    ) -> Result<Self> {
        let name = subject.name;
        let plan = subject.plan(rooms, subscribers, payload_bytes);
        let plan = plan.with_context(|| format!("the rooms on {name} cannot be made"))?;
        let client = Client::open(&plan, cores).with_context(|| format!("on {name}"))?;
        Ok(Self { client, subject })
    }

    pub(crate) fn measure(&mut self, load: Load) -> Result<Sample> {
        let before = self.subject.used()?;
        let tally = self.client.bear(load).with_context(|| format!("{load:?} on {}", self.subject.name))?;
        let after = self.subject.used()?;
        let cpu = before.zip(after).map_or(f64::NAN, |(before, after)| after.since(&before));
        Ok(Sample { tally, cpu })
    }
}

/// What each pair gave in each round.
pub(crate) fn in_turns(pairs: &mut [Pair], load: Load, rounds: usize) -> Result<Vec<Vec<Sample>>> {
    let mut samples = vec![Vec::new(); pairs.len()];
    for turn in turns(rounds, pairs.len()) {
        let sample = pairs[turn.shape].measure(load)?;
        if turn.counts {
            samples[turn.shape].push(sample);
        }
    }
    Ok(samples)
}

/// Of each round, what `part` of one is divided by that of the other.
pub(crate) fn ratios(of: &[Sample], against: &[Sample], part: impl Fn(&Sample) -> f64) -> Vec<f64> {
    of.iter().zip(against).map(|(of, against)| part(of) / part(against)).collect()
}

/// The median over the rounds.
pub(crate) fn middle(samples: &[Sample], part: impl Fn(&Sample) -> f64) -> f64 {
    let all: Vec<_> = samples.iter().map(part).collect();
    median(&all).map_or(f64::NAN, |(median, _)| median)
}
