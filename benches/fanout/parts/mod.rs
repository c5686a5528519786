//! The parts of a run.

pub(crate) mod fan_out;
pub(crate) mod flat;
pub(crate) mod idle;
pub(crate) mod noisy;
pub(crate) mod overload;
pub(crate) mod rooms;
pub(crate) mod storm;
pub(crate) mod syscalls;

use anyhow::Result;
use convor_benches::report::Goal;

use crate::cores::Cores;
use crate::effort::Effort;
use crate::message::TEXT_BYTES;
use crate::plan::Load;
use crate::rounds::Pair;
use crate::source::Source;
use crate::subject::Subject;

/// What all parts are told.
#[derive(Debug)]
pub(crate) struct Bench<'b> {
    pub(crate) cores: Cores,
    pub(crate) effort: Effort,
    pub(crate) sizes: &'b [usize],
    pub(crate) source: &'b Source,
}

impl Bench<'_> {
    /// A server of each kind: what is measured, the limit, and the limit that coalesces.
    pub(crate) fn subject(&self, shape: usize) -> Result<Subject> {
        match shape {
            0 => self.source.subject(self.cores),
            shape => Subject::limit(shape == 2, self.cores),
        }
    }

    /// All three with so many rooms and subscribers each. The limits send frames as large as those that are measured.
    pub(crate) fn pairs(&self, rooms: usize, subscribers: usize) -> Result<[Pair; 3]> {
        let open = |shape, payload_bytes| {
            Pair::open(self.subject(shape)?, self.cores, rooms, subscribers, payload_bytes)
        };
        let mut measured = open(0, TEXT_BYTES)?;
        let one = Load::Paced { per_second: 1_000.0, seconds: 0.001 };
        let payload_bytes = measured.measure(one)?.tally.frame_bytes;
        Ok([measured, open(1, payload_bytes)?, open(2, payload_bytes)?])
    }

    /// A goal, where it is one of what is measured.
    pub(crate) fn goal(&self, goal: Goal) -> Option<Goal> {
        self.source.has_goals().then_some(goal)
    }

    /// How what is measured is called.
    pub(crate) fn storage(&self) -> &'static str {
        self.source.name()
    }
}
