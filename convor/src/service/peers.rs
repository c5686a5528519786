//! The other nodes, as far as this one hears them: what of theirs it has missed, and who has vanished.

use std::collections::HashMap;

use crate::ids::NodeId;
use crate::ports::{Signal, SignalBody};

/// After how many beats without a signal a node has vanished.
const BEATS_MISSED_MAX: u64 = 5;

/// After how many beats more at most what a vanished node may have said is looked for again. It may have ended, or be cut off from
/// the broker alone, and still serve clients.
const BEATS_BETWEEN_LOOKS_MAX: u64 = 60;

/// How many nodes are remembered: more than a cluster has, since anybody may make them up where signals are not sealed.
const PEERS_MAX: usize = 1_000;

/// For how many beats a vanished node's last number is remembered, so that a gap is seen when it comes back.
const BEATS_REMEMBERED: u64 = 3_600;

/// In how many beats of a new subscription all nodes have been heard of: one that appears later has been missed.
const BEATS_TO_KNOW_ALL: u64 = 3;

/// When who is here is told to those who ask: at once, but once in a beat, however many ask. All hear it.
#[derive(Debug, Default)]
pub(super) struct Answers {
    given: bool,
    owed: bool,
}

impl Answers {
    /// Somebody asks; whether it is answered now.
    pub(super) fn asked(&mut self) -> bool {
        self.owed = self.given;
        !std::mem::replace(&mut self.given, true)
    }

    /// A beat has passed; whether somebody has yet to be answered.
    pub(super) fn beat(&mut self) -> bool {
        self.given = std::mem::take(&mut self.owed);
        self.given
    }
}

/// The other nodes, as far as they have been heard.
#[derive(Debug, Default)]
pub(super) struct Peers {
    known: HashMap<NodeId, Peer>,
    beats: u64,
}

#[derive(Debug, Clone, Copy)]
struct Peer {
    /// Its last signal,
    number: u64,
    /// and the highest. They differ where somebody has said an earlier one again.
    highest: u64,
    /// In which beat of this node that came.
    heard_in: u64,
    /// In which beat it has vanished, or what it may have said is looked for again.
    missing_in: u64,
    /// It has said goodbye: nothing is missed when it falls silent.
    leaving: bool,
}

impl Peers {
    /// Whether this signal, or a later one of its node, has been heard.
    pub(super) fn has_heard(&self, signal: &Signal) -> bool {
        self.known.get(&signal.node).is_some_and(|peer| signal.number <= peer.highest)
    }

    /// Whether it comes from a node that had vanished.
    pub(super) fn is_back(&self, signal: &Signal) -> bool {
        let before = self.known.get(&signal.node);
        before.is_some_and(|peer| !peer.leaving && self.beats - peer.heard_in > BEATS_MISSED_MAX)
    }

    /// Notes a signal; answers whether others before it have been missed.
    pub(super) fn hear(&mut self, signal: &Signal) -> bool {
        let before = self.known.get(&signal.node);
        let leaving = before.is_some_and(|peer| peer.leaving) || signal.body == SignalBody::Goodbye;
        let highest = before.map_or(0, |peer| peer.highest).max(signal.number);
        let missing_in = self.beats + BEATS_MISSED_MAX + 1;
        let peer = Peer { number: signal.number, highest, heard_in: self.beats, missing_in, leaving };
        if self.known.len() >= PEERS_MAX && !self.known.contains_key(&signal.node) {
            self.forget_one();
        }
        match self.known.insert(signal.node, peer) {
            Some(before) => before.number.checked_add(1) != Some(signal.number),
            None => signal.number > 1 && self.beats > BEATS_TO_KNOW_ALL,
        }
    }

    /// A beat has passed; answers which nodes have vanished in it, or are still missing. The longer it lasts, the less often.
    pub(super) fn beat(&mut self) -> Vec<NodeId> {
        self.beats += 1;
        let beats = self.beats;
        self.known.retain(|_, peer| beats - peer.heard_in <= BEATS_REMEMBERED);
        let mut missing = Vec::new();
        for (node, peer) in &mut self.known {
            if !peer.leaving && beats >= peer.missing_in {
                peer.missing_in = beats + (beats - peer.heard_in).min(BEATS_BETWEEN_LOOKS_MAX);
                missing.push(*node);
            }
        }
        missing
    }

    /// Forgets the one that has been silent for longest.
    fn forget_one(&mut self) {
        let oldest = self.known.iter().min_by_key(|(_, peer)| peer.heard_in).map(|(node, _)| *node);
        oldest.map(|node| self.known.remove(&node));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(number: u64, body: SignalBody) -> Signal {
        Signal { node: uuid::Uuid::from_u128(1).into(), number, body }
    }

    #[test]
    fn a_gap_is_seen_also_of_a_node_that_had_vanished() {
        let mut peers = Peers::default();
        assert!(!peers.hear(&signal(7, SignalBody::Heartbeat)), "a subscription begins anywhere");
        assert!(!peers.hear(&signal(8, SignalBody::Heartbeat)));
        assert!(peers.hear(&signal(10, SignalBody::Heartbeat)));
        let vanished: Vec<_> = (0..BEATS_MISSED_MAX + 3).map(|_| peers.beat().len()).collect();
        assert_eq!(vanished.iter().sum::<usize>(), 1, "it has vanished");
        assert!(!peers.hear(&signal(11, SignalBody::Heartbeat)), "it had nothing to say");
        assert!(peers.hear(&signal(13, SignalBody::Heartbeat)));
    }

    #[test]
    fn a_node_that_had_vanished_is_back_once() {
        let mut peers = Peers::default();
        let beat = |number| signal(number, SignalBody::Heartbeat);
        assert!(!peers.is_back(&beat(1)), "nobody knew it");
        peers.hear(&beat(1));
        (0..BEATS_MISSED_MAX).for_each(|_| drop(peers.beat()));
        assert!(!peers.is_back(&beat(2)), "it is late");
        peers.beat();
        assert!(peers.is_back(&beat(2)));
        peers.hear(&beat(2));
        assert!(!peers.is_back(&beat(3)));
    }

    #[test]
    fn those_who_ask_are_answered_together_and_nobody_is_left_out() {
        let mut answers = Answers::default();
        assert!(answers.asked(), "the first at once");
        assert!(!answers.asked() && !answers.asked(), "the others with the beat");
        assert!(answers.beat());
        assert!(!answers.asked(), "that was in this beat");
        assert!(answers.beat());
        assert!(!answers.beat(), "nobody is left");
        assert!(answers.asked());
    }

    #[test]
    fn what_is_said_again_is_known() {
        let mut peers = Peers::default();
        assert!(!peers.has_heard(&signal(7, SignalBody::Heartbeat)));
        peers.hear(&signal(7, SignalBody::Heartbeat));
        assert!(peers.has_heard(&signal(7, SignalBody::Heartbeat)));
        assert!(!peers.has_heard(&signal(8, SignalBody::Heartbeat)));
        peers.hear(&signal(8, SignalBody::Heartbeat));
        peers.hear(&signal(7, SignalBody::Heartbeat));
        assert!(peers.has_heard(&signal(8, SignalBody::Heartbeat)), "also after an earlier one");
    }

    #[test]
    fn a_node_that_stays_away_is_looked_after_again_and_again() {
        let mut peers = Peers::default();
        peers.hear(&signal(1, SignalBody::Heartbeat));
        let looks: Vec<_> = (1..=300).filter(|_| !peers.beat().is_empty()).collect();
        assert_eq!(looks, [6, 12, 24, 48, 96, 156, 216, 276]);
        peers.hear(&signal(2, SignalBody::Heartbeat));
        assert!((0..BEATS_MISSED_MAX).all(|_| peers.beat().is_empty()));
        assert_eq!(peers.beat().len(), 1);
    }

    #[test]
    fn nodes_that_somebody_makes_up_are_not_remembered_without_bound() {
        let mut peers = Peers::default();
        for node in 0..2 * PEERS_MAX as u128 {
            peers.hear(&Signal { node: uuid::Uuid::from_u128(node).into(), ..signal(1, SignalBody::Hello) });
        }
        assert_eq!(peers.known.len(), PEERS_MAX);
    }

    #[test]
    fn a_node_that_nobody_knew_has_been_missed_but_a_new_one_has_not() {
        let mut peers = Peers::default();
        (0..=BEATS_TO_KNOW_ALL).for_each(|_| drop(peers.beat()));
        assert!(!peers.hear(&signal(1, SignalBody::Hello)));
        let other = |number| Signal {
            node: uuid::Uuid::from_u128(2).into(),
            ..signal(number, SignalBody::Heartbeat)
        };
        assert!(peers.hear(&other(5)));
    }

    #[test]
    fn a_node_that_has_said_goodbye_does_not_vanish_but_may_be_missed() {
        let mut peers = Peers::default();
        peers.hear(&signal(1, SignalBody::Hello));
        peers.hear(&signal(2, SignalBody::Goodbye));
        assert!(!peers.hear(&signal(3, SignalBody::Heartbeat)), "it has something left to say");
        assert!((0..10).all(|_| peers.beat().is_empty()));
        assert!(peers.hear(&signal(9, SignalBody::Heartbeat)));
    }

    #[test]
    fn what_a_newer_version_says_is_no_gap() {
        let mut peers = Peers::default();
        peers.hear(&signal(1, SignalBody::Hello));
        assert!(!peers.hear(&signal(2, SignalBody::Unknown)));
        assert!(!peers.hear(&signal(3, SignalBody::Heartbeat)));
        assert!(peers.hear(&signal(5, SignalBody::Unknown)), "but it has a number, and so may be missed");
    }

    #[test]
    fn no_number_is_too_high_to_be_heard() {
        let mut peers = Peers::default();
        peers.hear(&signal(u64::MAX, SignalBody::Heartbeat));
        assert!(peers.hear(&signal(0, SignalBody::Heartbeat)));
    }
}
