//! What other nodes tell in full is handed to this node's listeners by a few tasks: a conversation to which many listen
//! does not hold up what is heard of the others.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Weak};

use tokio::sync::mpsc;

use crate::hub::{StaleTopic, TopicKey};
use crate::ids::VisitorId;
use crate::ports::ToldEvent;

use super::background::upgrade;
use super::queue::{Queue, Waiting};
use super::{Chat, Inner};

/// How many tasks. All that is told of a conversation goes to the same one, and so stays in order.
const TELLERS: usize = 8;

/// New events of a conversation, as another node has told them.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) key: TopicKey,
    pub(super) visitor: VisitorId,
    pub(super) epoch: u32,
    pub(super) events: Vec<ToldEvent>,
    /// What is to be reread if they cannot be published as they are.
    pub(super) grown: StaleTopic,
}

/// The queues of the tasks.
#[derive(Debug)]
pub(super) struct Tellers {
    queues: Vec<Queue<Told>>,
    hasher: RandomState,
}

impl Tellers {
    /// Spawns the tasks; they end with the chat.
    pub(super) fn spawn(chat: &Chat) -> Self {
        let limits = chat.limits();
        let queue = || {
            let (queue, waiting) = Queue::new(limits.signals_waiting_max, limits.signals_waiting_bytes_max);
            chat.keep(tokio::spawn(tell(Arc::downgrade(&chat.inner), waiting)));
            queue
        };
        Self { queues: (0..TELLERS).map(|_| queue()).collect(), hasher: RandomState::new() }
    }

    /// Gives events to the conversation's task; answers whether there was room for them.
    pub(super) fn take(&self, told: Told) -> bool {
        let teller = usize::try_from(self.hasher.hash_one(told.key) % TELLERS as u64).unwrap_or(0);
        let bytes = told.events.iter().map(ToldEvent::bytes).sum();
        self.queues[teller].put(told, bytes).is_ok()
    }
}

async fn tell(inner: Weak<Inner>, mut queue: mpsc::Receiver<Waiting<Told>>) {
    while let Some(waiting) = queue.recv().await {
        let Some(chat) = upgrade(&inner) else { return };
        chat.tell_listeners(waiting.item);
        drop(chat);
        // Whatever else the node does has its turn between two of them.
        tokio::task::yield_now().await;
    }
}

impl Chat {
    fn tell_listeners(&self, Told { key, visitor, epoch, events, grown }: Told) {
        // Where somebody follows the conversation, it is known whether anything before it is missing. Where it is only listed, what is
        // yet to be read comes first.
        let in_order = self.hub().published(key).is_some() || !self.hub().is_stale(key);
        if in_order && self.publish_told(key, epoch, events) {
            self.subscribe_visitor(key, visitor);
        } else {
            self.hub().mark_stale(key, grown);
        }
    }
}
