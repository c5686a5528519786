//! A crowd: clients that go on when they are refused, and come back when they are cut off. Where [`client`](crate::client)
//! fails at the first thing that is not as it should be, a crowd counts it.

mod frames;
mod ledger;
mod member;
pub(crate) mod plan;
mod tally;
mod traffic;

use anyhow::{Context, Result};

use crate::child::{Child, part};
use crate::client::{read, say};
use crate::plan::Opened;
use plan::{Crowd as Plan, Order, Report};
use traffic::Traffic;

/// Lets those come whom the first line plans, and does what the others say, until there are no more.
pub(crate) fn run() -> Result<()> {
    let plan: Plan = read()?.context("a plan")?;
    let mut traffic = Traffic::new(&plan)?;
    let seconds = traffic.gather()?;
    say(&Opened { connections: plan.members.len(), seconds })?;
    loop {
        traffic.idle()?;
        let Some(order) = read::<Order>()? else { return Ok(()) };
        say(&traffic.carry_out(order)?)?;
    }
}

/// A process with a crowd in it.
#[derive(Debug)]
pub(crate) struct Crowd(Child);

impl Crowd {
    /// Waits until all of them are there, on this core.
    pub(crate) fn gather(plan: &Plan, core: usize) -> Result<Self> {
        let mut crowd = Child::start(&mut part(&["crowd"])?, core)?;
        crowd.tell(plan)?;
        let Opened { connections, seconds } = crowd.hear().context("the crowd could not come together")?;
        eprintln!("      {connections} clients have come in {seconds:.1} s");
        Ok(Self(crowd))
    }

    /// Begins to do this, and does not wait until it is done.
    pub(crate) fn begin(&mut self, order: Order) -> Result<()> {
        self.0.tell(&order)
    }

    /// Waits until what was begun is done.
    pub(crate) fn finish(&mut self) -> Result<Report> {
        self.0.hear()
    }

    pub(crate) fn bear(&mut self, order: Order) -> Result<Report> {
        self.begin(order)?;
        self.finish()
    }
}
