//! What has been posted in one conversation, and what became of it.

use anyhow::{Context, Result};

use super::plan::Conversation as Planned;
use crate::message::{TEXT_BYTES, write_text};
use crate::wire::{TEXT, write_masked};

/// What has been posted in one conversation by one member, in order.
#[derive(Debug)]
pub(super) struct Ledger {
    id: String,
    pub(super) poster: usize,
    /// The number of the first of `posts`; those before it are settled.
    first: u64,
    posts: Vec<Post>,
    /// Posts that wait for their answer.
    pub(super) waiting: usize,
    /// Whether it is among those that are looked at for the next post.
    pub(super) is_due: bool,
}

#[derive(Debug, Clone, Copy)]
struct Post {
    at: u64,
    answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    None,
    Acknowledged,
    Refused,
}

impl Ledger {
    pub(super) fn new(planned: &Planned) -> Self {
        Self {
            id: planned.id.clone(),
            poster: planned.poster,
            first: 0,
            posts: Vec::new(),
            waiting: 0,
            is_due: false,
        }
    }

    /// Adds the frame with the next post; `number` is the conversation's, and comes back with the answer.
    pub(super) fn post(&mut self, number: usize, now: u64, frames: &mut Vec<u8>, text: &mut String) {
        let post = self.first + self.posts.len() as u64;
        write_text(text, post, TEXT_BYTES);
        let (id, process) = (&self.id, std::process::id());
        let frame = format!(
            r#"{{"type":"send","ref":"{number}.{post}","conversation":"{id}","client_id":"{process:08x}-0000-4000-8000-{post:012x}","text":"{text}"}}"#
        );
        write_masked(frames, TEXT, frame.as_bytes());
        self.posts.push(Post { at: now, answer: Answer::None });
        self.waiting += 1;
    }

    /// A post has been answered; when it was posted.
    pub(super) fn answered(&mut self, post: u64, is_acknowledged: bool) -> Result<u64> {
        let place = self.place(post).context("nobody has posted what is answered")?;
        let one = &mut self.posts[place];
        anyhow::ensure!(one.answer == Answer::None, "a post is answered twice");
        one.answer = if is_acknowledged { Answer::Acknowledged } else { Answer::Refused };
        self.waiting -= 1;
        Ok(one.at)
    }

    /// Where a post stands among those that are not settled, and when it was posted.
    pub(super) fn heard(&self, post: u64) -> Option<(usize, u64)> {
        let place = self.place(post)?;
        Some((place, self.posts[place].at))
    }

    fn place(&self, post: u64) -> Option<usize> {
        let place = usize::try_from(post.checked_sub(self.first)?).ok()?;
        (place < self.posts.len()).then_some(place)
    }

    /// How many have been acknowledged that are not among those that somebody has heard.
    pub(super) fn missing(&self, heard: &[bool]) -> u64 {
        let is_missing = |(place, post): &(usize, &Post)| {
            post.answer == Answer::Acknowledged && !heard.get(*place).copied().unwrap_or(false)
        };
        self.posts.iter().enumerate().filter(is_missing).count() as u64
    }

    /// The place of the last one that has been acknowledged.
    pub(super) fn last_acknowledged(&self) -> Option<usize> {
        self.posts.iter().rposition(|post| post.answer == Answer::Acknowledged)
    }

    /// Forgets what there has been.
    pub(super) fn settle(&mut self) {
        self.first += self.posts.len() as u64;
        self.posts.clear();
        self.waiting = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(posts: usize) -> Ledger {
        let planned = Planned { id: String::new(), epoch: 1, seq: 1, poster: 0 };
        let mut ledger = Ledger::new(&planned);
        (0..posts).for_each(|post| ledger.post(0, post as u64, &mut Vec::new(), &mut String::new()));
        ledger
    }

    #[test]
    fn only_what_is_acknowledged_is_missed() {
        let mut ledger = ledger(3);
        ledger.answered(0, true).expect("posted");
        ledger.answered(1, false).expect("posted");
        assert_eq!((ledger.waiting, ledger.missing(&[])), (1, 1));
        assert_eq!((ledger.missing(&[true]), ledger.last_acknowledged()), (0, Some(0)));
        assert!(ledger.answered(0, true).is_err() && ledger.answered(3, true).is_err());
    }

    #[test]
    fn what_is_settled_is_not_counted_again() {
        let mut ledger = ledger(2);
        ledger.settle();
        assert_eq!((ledger.heard(1), ledger.missing(&[]), ledger.waiting), (None, 0, 0));
        ledger.post(0, 7, &mut Vec::new(), &mut String::new());
        assert_eq!(ledger.heard(2), Some((0, 7)));
    }
}
