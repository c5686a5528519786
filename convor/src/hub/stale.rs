//! Conversations that have to be reread: each once, however often it was said, and not before its time.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use tokio::sync::Notify;

use super::{TopicKey, lock};
use crate::ids::{ConversationId, TenantId, VisitorId};

/// After how many beats an uncertain conversation is looked at again: a commit whose outcome nobody knows may still come.
const LOOKS: [u32; 3] = [4, 20, 120];

/// After how many failures in a row a conversation's listeners are sent away to come back.
const FAILURES_MAX: u32 = 8;

/// Conversations that have to be reread.
#[derive(Debug, Default)]
pub(super) struct Stale {
    marks: Mutex<Marks>,
    woken: Notify,
}

#[derive(Debug, Default)]
struct Marks {
    now: HashMap<TopicKey, StaleTopic>,
    /// The same by tenant, in the order in which they were marked.
    by_tenant: HashMap<TenantId, VecDeque<ConversationId>>,
    /// The tenants among them, in turn.
    turns: VecDeque<TenantId>,
    /// In so many beats.
    later: HashMap<TopicKey, (u32, StaleTopic)>,
    /// Those that are being reread: a few.
    reading: Vec<TopicKey>,
}

impl Marks {
    fn mark(&mut self, key: TopicKey, topic: StaleTopic) {
        if let Some(before) = self.now.get_mut(&key) {
            before.merge(topic);
            return;
        }
        self.now.insert(key, topic);
        let own = self.by_tenant.entry(key.0).or_default();
        if own.is_empty() {
            self.turns.push_back(key.0);
        }
        own.push_back(key.1);
    }

    /// The next one that is not being reread, and whose tenant has less than so many that are; tenants take turns.
    fn begin(&mut self, per_tenant_max: usize) -> Option<(TopicKey, StaleTopic)> {
        for _ in 0..self.turns.len() {
            let tenant = self.turns.pop_front()?;
            let own = self.by_tenant.get_mut(&tenant)?;
            let free = self.reading.iter().filter(|key| key.0 == tenant).count() < per_tenant_max;
            let next = own.iter().position(|conversation| !self.reading.contains(&(tenant, *conversation)));
            let Some(next) = next.filter(|_| free) else {
                self.turns.push_back(tenant);
                continue;
            };
            let key = (tenant, own.remove(next)?);
            if own.is_empty() {
                self.by_tenant.remove(&tenant);
            } else {
                self.turns.push_back(tenant);
            }
            self.reading.push(key);
            return Some((key, self.now.remove(&key)?));
        }
        None
    }
}

/// What is known of a conversation that has to be reread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StaleTopic {
    /// Above which staff position, as far as somebody has said so.
    pub(crate) after: Option<u64>,
    /// Up to which staff position it is said to have grown; until then the storage is asked again.
    pub(crate) up_to: u64,
    /// Whose conversation it is, as far as somebody has said so.
    pub(crate) visitor: Option<VisitorId>,
    /// Whether other nodes do not know either.
    pub(crate) untold: bool,
    /// Whether something may still be committed: how many looks have been taken for it.
    pub(crate) looks: Option<u8>,
    /// How many times in a row it could not be read.
    failures: u32,
}

impl StaleTopic {
    /// Somebody has said that it has grown from `after` to `up_to`.
    pub(crate) const fn grown(visitor: VisitorId, after: u64, up_to: u64) -> Self {
        Self { after: Some(after), up_to, visitor: Some(visitor), untold: false, looks: None, failures: 0 }
    }

    /// A change of this node has been committed or not: nobody knows.
    pub(crate) const fn uncertain() -> Self {
        Self { after: None, up_to: 0, visitor: None, untold: true, looks: Some(0), failures: 0 }
    }

    /// Something has been committed by this node from above `after`, and perhaps nobody has been told.
    pub(crate) const fn untold(after: u64) -> Self {
        Self { after: Some(after), up_to: 0, visitor: None, untold: true, looks: None, failures: 0 }
    }

    fn merge(&mut self, other: Self) {
        self.after = match (self.after, other.after) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        self.up_to = self.up_to.max(other.up_to);
        self.visitor = self.visitor.or(other.visitor);
        self.untold |= other.untold;
        // Whoever is uncertain last begins to look anew.
        self.looks = match (self.looks, other.looks) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        self.failures = self.failures.max(other.failures);
    }

    /// The conversation has been read: when it is to be looked at again, if it is.
    fn again(mut self, staff_head: u64) -> Option<(u32, Self)> {
        if staff_head < self.up_to {
            return self.retry();
        }
        self.failures = 0;
        let looks = self.looks?;
        let beats = *LOOKS.get(usize::from(looks))?;
        self.looks = Some(looks + 1);
        Some((beats, self))
    }

    /// The conversation could not be read: when it is to be tried again, if it is.
    fn retry(mut self) -> Option<(u32, Self)> {
        self.failures += 1;
        (self.failures <= FAILURES_MAX).then_some((1 << self.failures.min(6), self))
    }
}

impl Stale {
    pub(super) fn mark(&self, key: TopicKey, topic: StaleTopic) {
        lock(&self.marks).mark(key, topic);
        self.woken.notify_one();
    }

    /// Whether a conversation has to be reread, later only if it is known to have grown, or is being reread.
    pub(super) fn has(&self, key: TopicKey) -> bool {
        let marks = lock(&self.marks);
        let later = marks.later.get(&key).is_some_and(|(_, topic)| topic.up_to > 0);
        later || marks.now.contains_key(&key) || marks.reading.contains(&key)
    }

    /// A conversation has been read up to `staff_head`.
    pub(super) fn reread(&self, key: TopicKey, topic: StaleTopic, staff_head: u64) {
        if let Some((beats, topic)) = topic.again(staff_head) {
            self.postpone(key, beats, topic);
        }
    }

    /// A conversation could not be read; answers whether it is tried again.
    pub(super) fn failed(&self, key: TopicKey, topic: StaleTopic) -> bool {
        let retry = topic.retry();
        if let Some((beats, topic)) = retry {
            self.postpone(key, beats, topic);
        }
        retry.is_some()
    }

    /// A conversation is to be reread in so many beats.
    fn postpone(&self, key: TopicKey, beats: u32, topic: StaleTopic) {
        let mut marks = lock(&self.marks);
        let entry = marks.later.entry(key).or_insert((beats, topic));
        entry.0 = entry.0.min(beats);
        entry.1.merge(topic);
        // The merge keeps the earlier of two counts of looks; a postponed topic goes on with its own.
        entry.1.looks = entry.1.looks.max(topic.looks);
    }

    /// A quarter of a second has passed: what was postponed to now has its time.
    pub(super) fn beat(&self) {
        let mut marks = lock(&self.marks);
        if marks.later.is_empty() {
            return;
        }
        let due: Vec<_> = marks
            .later
            .extract_if(|_, (beats, _)| {
                *beats = beats.saturating_sub(1);
                *beats == 0
            })
            .collect();
        for (key, (_, topic)) in due {
            marks.mark(key, topic);
        }
        if !marks.now.is_empty() {
            self.woken.notify_one();
        }
    }

    /// Waits for a conversation that has to be reread now, of a tenant with less than so many that are being reread.
    pub(super) async fn begin(&self, per_tenant_max: usize) -> (TopicKey, StaleTopic) {
        loop {
            let woken = self.woken.notified();
            if let Some(begun) = lock(&self.marks).begin(per_tenant_max) {
                return begun;
            }
            woken.await;
        }
    }

    /// A conversation is not being reread any more.
    pub(super) fn end(&self, key: TopicKey) {
        let mut marks = lock(&self.marks);
        if let Some(place) = marks.reading.iter().position(|reading| *reading == key) {
            marks.reading.swap_remove(place);
        }
        self.woken.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uncertain_conversation_is_looked_at_four_times() {
        let mut topic = StaleTopic::uncertain();
        let mut beats = Vec::new();
        while let Some((after, next)) = topic.again(7) {
            beats.push(after);
            topic = next;
        }
        assert_eq!(beats, LOOKS);
    }

    #[test]
    fn a_storage_that_lags_is_asked_again() {
        let topic = StaleTopic::grown(uuid::Uuid::nil().into(), 4, 5);
        assert_eq!(topic.again(4).map(|(beats, _)| beats), Some(2));
        assert_eq!(topic.again(5), None);
    }

    #[test]
    fn failures_back_off_and_end() {
        let mut topic = StaleTopic::default();
        let mut beats = Vec::new();
        while let Some((after, next)) = topic.retry() {
            beats.push(after);
            topic = next;
        }
        assert_eq!(beats, [2, 4, 8, 16, 32, 64, 64, 64]);
    }

    #[tokio::test]
    async fn what_is_postponed_comes_in_its_time() {
        let (stale, key) = (Stale::default(), (uuid::Uuid::nil().into(), uuid::Uuid::nil().into()));
        stale.reread(key, StaleTopic::grown(uuid::Uuid::nil().into(), 0, 2), 1);
        let mut taking = Box::pin(stale.begin(1));
        assert!(tokio::time::timeout(std::time::Duration::ZERO, &mut taking).await.is_err());
        stale.beat();
        stale.beat();
        assert_eq!(taking.await.0, key);
    }

    #[test]
    fn tenants_take_turns_and_each_has_its_part() {
        let key = |tenant: u128, conversation: u128| {
            (uuid::Uuid::from_u128(tenant).into(), uuid::Uuid::from_u128(conversation).into())
        };
        let mut marks = Marks::default();
        (1..=4).for_each(|conversation| marks.mark(key(1, conversation), StaleTopic::default()));
        marks.mark(key(2, 1), StaleTopic::default());
        marks.mark(key(1, 1), StaleTopic::default());
        let mut begin = || marks.begin(2).map(|(key, _)| key);
        let begun = [begin(), begin(), begin(), begin()];
        assert_eq!(begun, [Some(key(1, 1)), Some(key(2, 1)), Some(key(1, 2)), None]);
        let stale = Stale { marks: Mutex::new(marks), ..Stale::default() };
        assert!(stale.has(key(1, 2)) && stale.has(key(1, 4)) && !stale.has(key(2, 2)));
        stale.end(key(1, 2));
        assert!(!stale.has(key(1, 2)));
        stale.mark(key(1, 1), StaleTopic::default());
        assert_eq!(lock(&stale.marks).begin(2).map(|(key, _)| key), Some(key(1, 3)), "at once");
        stale.end(key(1, 3));
        assert_eq!(lock(&stale.marks).begin(2).map(|(key, _)| key), Some(key(1, 4)));
        stale.end(key(1, 4));
        assert_eq!(lock(&stale.marks).begin(2).map(|(key, _)| key), None, "it is being reread");
        stale.end(key(1, 1));
        assert_eq!(lock(&stale.marks).begin(2).map(|(key, _)| key), Some(key(1, 1)), "and once more");
    }
}
