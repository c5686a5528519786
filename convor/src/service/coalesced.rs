//! What many ask for at the same time is read once (single flight).

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, OnceCell, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::hub::Shards;

/// For how long the next read waits for the one that runs: one that hangs must not hold up those who come later.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many reads of a key run at the same time, if one hangs.
const READS_MAX: usize = 2;

/// Reads of which one a key runs at a time. Whoever asks while it runs shares the next with all the others who do, so that a
/// thousand clients that come back together cost few reads, and each still gets what was there after it had asked.
#[derive(Debug)]
pub(crate) struct Coalesced<K, V> {
    entries: Shards<K, Entry<V>>,
}

#[derive(Debug)]
struct Entry<V> {
    running: Arc<Running>,
    /// The read that has not begun, if anybody waits for one.
    next: Option<Arc<OnceCell<V>>>,
    callers: usize,
}

/// What the reads of a key hold while they run.
#[derive(Debug)]
struct Running {
    alone: Mutex<()>,
    places: Semaphore,
}

impl Default for Running {
    fn default() -> Self {
        Self { alone: Mutex::default(), places: Semaphore::new(READS_MAX) }
    }
}

impl Running {
    /// Waits until no other read runs or, if one does for too long, until there is a place beside it.
    async fn begin(&self) -> (Option<MutexGuard<'_, ()>>, Option<SemaphorePermit<'_>>) {
        let alone = timeout(PATIENCE, self.alone.lock()).await.ok();
        (alone, self.places.acquire().await.ok())
    }
}

impl<K, V> Default for Coalesced<K, V> {
    fn default() -> Self {
        Self { entries: Shards::default() }
    }
}

impl<K: Hash + Eq + Copy + Send + Sync, V: Clone + Send + Sync> Coalesced<K, V> {
    /// What `read` yields, or that of another caller which has begun after this call. The one that reads waits for its `turn`
    /// first, for which the others need not wait; if it does not get it, that is its own answer, and another tries.
    /// The call may be dropped: if it was the one that read, another reads.
    pub(crate) async fn read<T, E, F>(
        &self,
        key: K,
        turn: impl Future<Output = Result<T, E>> + Send,
        read: impl FnOnce(T) -> F + Send,
    ) -> Result<V, E>
    where
        F: Future<Output = V> + Send,
    {
        let caller = Caller::join(self, key);
        let reading = async {
            let _running = caller.running.begin().await;
            let turn = turn.await?;
            // Whoever comes until now shares what is read.
            caller.begin();
            Ok(read(turn).await)
        };
        caller.shared.get_or_try_init(|| reading).await.cloned()
    }
}

/// One who asks; the last one to leave takes the entry away.
struct Caller<'a, K: Hash + Eq + Copy, V> {
    reads: &'a Coalesced<K, V>,
    key: K,
    running: Arc<Running>,
    shared: Arc<OnceCell<V>>,
}

impl<'a, K: Hash + Eq + Copy, V> Caller<'a, K, V> {
    fn join(reads: &'a Coalesced<K, V>, key: K) -> Self {
        let mut entries = reads.entries.of(&key);
        let entry =
            entries.entry(key).or_insert_with(|| Entry { running: Arc::default(), next: None, callers: 0 });
        entry.callers += 1;
        let shared = Arc::clone(entry.next.get_or_insert_default());
        Self { reads, key, running: Arc::clone(&entry.running), shared }
    }

    /// From now on nobody joins this read any more.
    fn begin(&self) {
        if let Some(entry) = self.reads.entries.of(&self.key).get_mut(&self.key)
            && entry.next.as_ref().is_some_and(|next| Arc::ptr_eq(next, &self.shared))
        {
            entry.next = None;
        }
    }
}

impl<K: Hash + Eq + Copy, V> Drop for Caller<'_, K, V> {
    fn drop(&mut self) {
        let mut entries = self.reads.entries.of(&self.key);
        if let Some(entry) = entries.get_mut(&self.key) {
            entry.callers -= 1;
            if entry.callers == 0 {
                entries.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::{Semaphore, oneshot};

    use super::*;

    #[derive(Default)]
    struct World {
        reads: Coalesced<u8, usize>,
        begun: AtomicUsize,
        /// A read ends when there is a permit.
        permits: Option<Semaphore>,
    }

    impl World {
        fn new() -> Arc<Self> {
            Arc::new(Self { permits: Some(Semaphore::new(0)), ..Self::default() })
        }

        async fn ask(&self) -> usize {
            self.ask_after(ready(Ok(()))).await.expect("its turn")
        }

        async fn ask_after(
            &self,
            turn: impl Future<Output = Result<(), &'static str>> + Send,
        ) -> Result<usize, &'static str> {
            let read = |()| async {
                let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
                self.permits.as_ref().expect("permits").acquire().await.expect("open").forget();
                number
            };
            self.reads.read(7, turn, read).await
        }

        fn spawn(self: &Arc<Self>, callers: usize) -> Vec<tokio::task::JoinHandle<usize>> {
            let ask = |world: Arc<Self>| async move { world.ask().await };
            (0..callers).map(|_| tokio::spawn(ask(Arc::clone(self)))).collect()
        }

        fn end(&self, reads: usize) {
            self.permits.as_ref().expect("permits").add_permits(reads);
        }
    }

    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    async fn answers(callers: Vec<tokio::task::JoinHandle<usize>>) -> Vec<usize> {
        let mut answers = Vec::new();
        for caller in callers {
            answers.push(caller.await.expect("no panic"));
        }
        answers
    }

    #[tokio::test]
    async fn whoever_comes_while_one_runs_shares_the_next() {
        let world = World::new();
        let first = world.spawn(1);
        settle().await;
        let rest = world.spawn(1_000);
        settle().await;
        assert_eq!(world.begun.load(Ordering::Relaxed), 1, "one runs at a time");
        world.end(2);
        assert_eq!(answers(first).await, [1]);
        assert!(
            answers(rest).await.iter().all(|answer| *answer == 2),
            "none got what had begun before it asked"
        );
        assert!(world.reads.entries.each().all(|entries| entries.is_empty()), "nothing is kept");
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_hangs_holds_nobody_up_for_long() {
        let world = World::new();
        let first = world.spawn(1);
        settle().await;
        let rest = world.spawn(2);
        tokio::time::sleep(2 * PATIENCE).await;
        assert_eq!(world.begun.load(Ordering::Relaxed), 2);
        world.end(2);
        assert_eq!(answers(first).await, [1]);
        assert_eq!(answers(rest).await, [2, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn of_reads_that_hang_two_run_and_the_rest_share_the_third() {
        let world = World::new();
        let mut asking = Vec::new();
        for _ in 0..10 {
            asking.extend(world.spawn(10));
            tokio::time::sleep(2 * PATIENCE).await;
        }
        assert_eq!(world.begun.load(Ordering::Relaxed), READS_MAX);
        world.end(9);
        let answers = answers(asking).await;
        assert!(answers[10..].iter().all(|answer| *answer == 3), "{answers:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_while_the_one_that_reads_waits_for_its_turn_shares_what_it_reads() {
        let world = World::new();
        let (turn, waits) = oneshot::channel();
        let chosen = Arc::clone(&world);
        let first = tokio::spawn(async move { chosen.ask_after(async { waits.await.expect("sent") }).await });
        settle().await;
        let mut rest = world.spawn(100);
        tokio::time::sleep(10 * PATIENCE).await;
        rest.extend(world.spawn(100));
        settle().await;
        assert_eq!(world.begun.load(Ordering::Relaxed), 0);
        turn.send(Ok(())).expect("it waits");
        world.end(9);
        assert_eq!(first.await.expect("no panic"), Ok(1));
        assert!(answers(rest).await.iter().all(|answer| *answer == 1), "one read is for all of them");
    }

    #[tokio::test]
    async fn a_turn_that_is_not_given_is_the_answer_of_the_one_that_waited_for_it() {
        let world = World::new();
        let (turn, waits) = oneshot::channel();
        let chosen = Arc::clone(&world);
        let first = tokio::spawn(async move { chosen.ask_after(async { waits.await.expect("sent") }).await });
        settle().await;
        let rest = world.spawn(3);
        settle().await;
        turn.send(Err("too late")).expect("it waits");
        world.end(9);
        assert_eq!(first.await.expect("no panic"), Err("too late"));
        assert_eq!(answers(rest).await, [1, 1, 1], "another has read");
        assert!(world.reads.entries.each().all(|entries| entries.is_empty()));
    }

    #[tokio::test]
    async fn a_reader_that_goes_away_is_replaced() {
        let world = World::new();
        let gone = world.spawn(1);
        settle().await;
        let shared = world.spawn(2);
        settle().await;
        gone[0].abort();
        settle().await;
        assert_eq!(world.begun.load(Ordering::Relaxed), 2);
        shared[0].abort();
        settle().await;
        world.end(9);
        let last = answers(shared.into_iter().skip(1).collect()).await;
        assert_eq!(last, [3], "it reads itself");
        assert!(world.reads.entries.each().all(|entries| entries.is_empty()));
    }
}
