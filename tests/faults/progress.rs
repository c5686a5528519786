//! What has happened so far, for everybody who takes part in a talk.

use std::collections::BTreeMap;
use std::sync::Arc;

use convor_tests::patience::PATIENCE;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::writer::written;

#[derive(Debug, Clone)]
pub(crate) struct Progress(Arc<watch::Sender<Tally>>);

#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// How many messages of each writer. The last one answers all the others, in turn.
    pub(crate) acknowledged: Vec<usize>,
    /// How many messages each follower knows of each writer, by the last one that it has got in each conversation.
    heard: Vec<Vec<Vec<usize>>>,
    /// How often each code was met.
    refused: BTreeMap<String, usize>,
    /// Who is not to say more for now, and how many of them have finished.
    silent: Who,
    finished: usize,
    over: bool,
}

/// Some of those who talk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Who {
    #[default]
    Nobody,
    Visitors,
    Operator,
    Everybody,
}

impl Who {
    fn has(self, visitor: bool) -> bool {
        self == Self::Everybody || self == if visitor { Self::Visitors } else { Self::Operator }
    }
}

impl Progress {
    /// Of so many visitors and one operator, who write and follow.
    pub(crate) fn of(visitors: usize) -> Self {
        let people = visitors + 1;
        let heard = vec![vec![vec![0; visitors]; people]; people];
        let tally = Tally { acknowledged: vec![0; people], heard, ..Tally::default() };
        Self(Arc::new(watch::Sender::new(tally)))
    }

    pub(crate) fn acknowledged(&self, writer: usize) {
        self.0.send_modify(|tally| tally.acknowledged[writer] += 1);
    }

    pub(crate) fn heard(&self, follower: usize, client_id: &str) {
        let (writer, number) = written(client_id);
        self.0.send_modify(|tally| {
            let visitors = tally.visitors();
            let conversation = if writer < visitors { writer } else { number % visitors };
            tally.heard[follower][writer][conversation] = number + 1;
        });
    }

    pub(crate) fn refused(&self, code: &str) {
        self.0.send_modify(|tally| *tally.refused.entry(code.to_owned()).or_default() += 1);
    }

    pub(crate) fn now(&self) -> Tally {
        self.0.borrow().clone()
    }

    /// Lets these say nothing more from now on, and the others talk; waits until the former have finished.
    pub(crate) async fn silence(&self, who: Who) {
        self.0.send_modify(|tally| tally.silent = who);
        self.until("those who are to be silent are", |now| now.finished == now.count(who)).await;
    }

    pub(crate) fn is_silent(&self, writer: usize) -> bool {
        self.0.borrow().is_silent(writer)
    }

    /// Somebody who is to be silent waits until that is over.
    pub(crate) async fn is_to_speak(&self, writer: usize) {
        let finished = Finished::new(self);
        // Whoever could tell it is this.
        let _ = self.0.subscribe().wait_for(|tally| !tally.is_silent(writer)).await;
        drop(finished);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.borrow().over
    }

    pub(crate) fn is_to_end(&self) {
        self.0.send_modify(|tally| tally.over = true);
    }

    /// Waits for the end.
    pub(crate) async fn is_ended(&self) {
        let _ = self.0.subscribe().wait_for(|tally| tally.over).await;
    }

    pub(crate) async fn until(&self, what: &str, is: impl Fn(&Tally) -> bool + Send + Sync) {
        let mut tally = self.0.subscribe();
        let reached = timeout(PATIENCE, tally.wait_for(|tally| is(tally))).await.is_ok();
        assert!(reached, "in vain waited for this: {what}; so far {:?}", *self.0.borrow());
    }
}

/// Counts as finished until it is dropped.
struct Finished<'p>(&'p Progress);

impl<'p> Finished<'p> {
    fn new(progress: &'p Progress) -> Self {
        progress.0.send_modify(|tally| tally.finished += 1);
        Self(progress)
    }
}

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|tally| tally.finished -= 1);
    }
}

impl Tally {
    fn visitors(&self) -> usize {
        self.acknowledged.len() - 1
    }

    fn count(&self, who: Who) -> usize {
        (0..=self.visitors()).filter(|person| who.has(*person < self.visitors())).count()
    }

    fn is_silent(&self, writer: usize) -> bool {
        !self.over && self.silent.has(writer < self.visitors())
    }

    /// How often somebody was refused something, other than for being too fast.
    pub(crate) fn troubles(&self) -> usize {
        let refused = self.refused.iter().filter(|(code, _)| *code != "rate_limited");
        refused.map(|(_, times)| times).sum()
    }

    /// Whether everybody has heard something that everybody else began to say when so much had been acknowledged. What each
    /// was saying then does not count.
    pub(crate) fn all_hear_more_than(&self, said: &[usize]) -> bool {
        let operator = self.visitors();
        let hears = |follower: usize, writer: usize| {
            self.heard[follower][writer].iter().any(|heard| *heard > said[writer] + 1)
        };
        let visitors_do = (0..operator).all(|visitor| hears(visitor, visitor) && hears(visitor, operator));
        visitors_do && (0..=operator).all(|writer| hears(operator, writer))
    }

    /// Whether these have heard all that has been acknowledged.
    pub(crate) fn have_heard_all(&self, followers: Who) -> bool {
        let visitors = self.visitors();
        (0..visitors).all(|conversation| {
            let followers =
                [conversation, visitors].into_iter().filter(|follower| followers.has(*follower < visitors));
            let mut pairs = followers.flat_map(|follower| [(follower, conversation), (follower, visitors)]);
            pairs.all(|(follower, writer)| {
                self.heard[follower][writer][conversation] >= self.said(writer, conversation)
            })
        })
    }

    /// How many messages a writer had said by the last one in a conversation that was acknowledged.
    fn said(&self, writer: usize, conversation: usize) -> usize {
        let acknowledged = self.acknowledged[writer];
        if writer < self.visitors() {
            return acknowledged;
        }
        (0..acknowledged)
            .rev()
            .find(|number| number % self.visitors() == conversation)
            .map_or(0, |number| number + 1)
    }
}
