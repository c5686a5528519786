//! What the run and a crowd say to each other: lines of JSON over the crowd's standard input and output.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::plan::Tally;
use crate::rounds::Sample;

/// The share of posts that a crowd may not come to make.
const UNMADE_MAX: f64 = 0.05;

/// Who comes. All are there when it answers [`Opened`](crate::plan::Opened).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Crowd {
    pub(crate) address: SocketAddr,
    /// Where the WebSockets are.
    pub(crate) path: String,
    pub(crate) members: Vec<Member>,
    pub(crate) conversations: Vec<Conversation>,
}

/// One who has a WebSocket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) token: String,
    /// The number of the conversation that it is to hear all of.
    pub(crate) hears: Option<usize>,
    /// Whether it is an operator, whose frames hold more.
    pub(crate) is_staff: bool,
    /// Whether it is among those that a storm cuts off.
    pub(crate) is_cut: bool,
}

/// A conversation in which somebody posts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Conversation {
    pub(crate) id: String,
    pub(crate) epoch: u64,
    /// Where it stood before anybody of the crowd has come.
    pub(crate) seq: u64,
    /// The number of the member that posts.
    pub(crate) poster: usize,
}

/// What a crowd is told to do. It answers with a [`Report`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Order {
    /// So many posts a second in all conversations in turn, some at once in each; nobody posts who waits for
    /// `waiting_max` answers.
    Paced { per_second: f64, at_once: usize, waiting_max: usize, seconds: f64 },
    /// In so many conversations `waiting` posts that have not been answered; for each answer the next.
    Closed { conversations: usize, waiting: usize, seconds: f64 },
    /// The connections of those who can be are cut at once, while so many posts a second go on; after `away` seconds they
    /// come back at once.
    Storm { per_second: f64, away: f64 },
}

/// What became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Of what was acknowledged.
    pub(crate) tally: Tally,
    /// Posts for which it was time.
    pub(crate) offered: u64,
    /// Those of them that were never sent, because whoever posts waited for too many answers.
    pub(crate) held_back: u64,
    /// Those of them that the crowd did not come to make, because this machine is too slow for it.
    pub(crate) unmade: u64,
    /// Acknowledged a second in the second half of the time in which posts were made.
    pub(crate) goodput: f64,
    /// Posts that were refused, by code.
    pub(crate) refused: BTreeMap<String, u64>,
    /// Those of them that were not told when to come back.
    pub(crate) untold: u64,
    /// Posts that were never answered.
    pub(crate) unanswered: u64,
    /// What was acknowledged and not heard by somebody who was to hear it, and positions that somebody did not hear.
    pub(crate) missing: u64,
    /// What somebody has heard at two positions.
    pub(crate) doubled: u64,
    /// Connections that the server has closed, and that nobody had cut.
    pub(crate) closed: u64,
    /// Where connections were cut.
    pub(crate) back: Option<Back>,
}

/// How those came back whose connections were cut.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Back {
    pub(crate) clients: usize,
    /// Those that were back in time, with everything.
    pub(crate) complete: usize,
    /// From when they were let back to the last welcome,
    pub(crate) welcomed: f64,
    /// and until the last one had everything that was acknowledged before its welcome.
    pub(crate) seconds: f64,
    /// How often one was turned away on its way, by what it was told.
    pub(crate) turned_away: BTreeMap<String, u64>,
    /// Deliveries of what was said while somebody was away.
    pub(crate) resumed: u64,
}

impl Report {
    /// Fails unless all that was acknowledged came once to all who were to hear it, everything was answered, and the crowd made
    /// the posts that it was told to make: with fewer, it says nothing of the server.
    pub(crate) fn check(self) -> Result<Self> {
        let Self { missing, doubled, unanswered, unmade, offered, .. } = &self;
        let is_sound = [missing, doubled, unanswered].iter().all(|count| **count == 0);
        ensure!(is_sound, "{missing} messages are lost, {doubled} doubled, and {unanswered} never answered");
        if *unmade > 0 {
            eprintln!("      of {offered} posts the client did not come to make {unmade}");
        }
        ensure!(
            *unmade as f64 <= UNMADE_MAX * *offered as f64,
            "the client is too slow for this machine: of {offered} posts it did not come to make {unmade}"
        );
        Ok(self)
    }

    /// As a sample like those of other loads, with the server's CPU seconds.
    pub(crate) fn sample(&self, cpu: f64) -> Sample {
        Sample { tally: self.tally.clone(), cpu }
    }

    pub(crate) fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use crate::crowd::tally::Count;

    #[test]
    fn a_crowd_that_does_not_come_to_post_measures_nothing() {
        let report = |unmade| {
            let mut count = Count::new(0).expect("a histogram");
            (count.offered, count.unmade) = (100, unmade);
            count.report(1_000_000_000, 0)
        };
        assert!(report(0).check().is_ok() && report(5).check().is_ok());
        let error = report(6).check().expect_err("that is too much").to_string();
        assert!(error.starts_with("the client is too slow for this machine: "), "{error}");
    }
}
