//! Shapes of one kind of work, taken in turns, so that what else the machine does falls on all of them.

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use anyhow::Result;
use convor_benches::turns::turns;

use crate::cpu::ServerCpu;

/// A piece of work, done so many times by so many callers.
pub(crate) type Work<'w> =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'w>> + Send + Sync + 'w>;

/// What one piece of work took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) seconds: f64,
    pub(crate) server_cpu: f64,
}

/// What each shape took in each round. The order changes from round to round; the first round warms up and does not count.
pub(crate) async fn in_turns(cpu: ServerCpu, rounds: usize, shapes: &[Work<'_>]) -> Result<Vec<Vec<Taken>>> {
    let mut taken = vec![Vec::new(); shapes.len()];
    for turn in turns(rounds, shapes.len()) {
        let one = measured(cpu, shapes[turn.shape]()).await?;
        if turn.counts {
            taken[turn.shape].push(one);
        }
    }
    Ok(taken)
}

/// What one piece of work took.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
pub(crate) async fn measured(cpu: ServerCpu, work: impl Future<Output = Result<()>>) -> Result<Taken> {
    let (began, before) = (Instant::now(), cpu.seconds()?);
    work.await?;
    Ok(Taken { seconds: began.elapsed().as_secs_f64(), server_cpu: cpu.seconds()? - before })
}

/// Of each round, what `part` of one shape is divided by that of another.
pub(crate) fn ratios(of: &[Taken], against: &[Taken], part: impl Fn(&Taken) -> f64) -> Vec<f64> {
    of.iter().zip(against).map(|(of, against)| part(of) / part(against).max(f64::MIN_POSITIVE)).collect()
}

/// Rates: how much faster one shape is, if both did the same.
pub(crate) fn rates(of: &[Taken], against: &[Taken]) -> Vec<f64> {
    ratios(against, of, |taken| taken.seconds)
}

pub(crate) fn cpu(of: &[Taken], against: &[Taken]) -> Vec<f64> {
    ratios(of, against, |taken| taken.server_cpu)
}
