//! A queue that counts what waits in it, and its bytes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The end at which things are put into a queue.
#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: mpsc::Sender<Waiting<T>>,
    room: Arc<Semaphore>,
}

/// Something that waits, and the room that it takes up until this is dropped.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    pub(super) item: T,
    _room: OwnedSemaphorePermit,
}

impl<T> Queue<T> {
    /// A queue for so many things, with so many bytes between them, and the end at which they come out.
    pub(super) fn new(waiting_max: usize, bytes_max: usize) -> (Self, mpsc::Receiver<Waiting<T>>) {
        let (sender, receiver) = mpsc::channel(waiting_max.clamp(1, Semaphore::MAX_PERMITS));
        let room = Arc::new(Semaphore::new(bytes_max.min(Semaphore::MAX_PERMITS)));
        (Self { waiting: sender, room }, receiver)
    }

    /// Puts something in without waiting, or gives it back if there is no room for it.
    pub(super) fn put(&self, item: T, bytes: usize) -> Result<(), T> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(bytes) else { return Err(item) };
        self.waiting.try_send(Waiting { item, _room: room }).map_err(|refused| refused.into_inner().item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_comes_back_until_there_is_room() {
        let (queue, mut waiting) = Queue::new(3, 10);
        queue.put('a', 6).expect("room");
        assert_eq!(queue.put('b', 5), Err('b'), "it is too large");
        queue.put('b', 4).expect("room");
        queue.put('c', 0).expect("what has no bytes needs no room for them");
        assert_eq!(queue.put('d', 0), Err('d'), "they are too many");
        let first = waiting.recv().await.expect("one waits");
        assert_eq!(first.item, 'a');
        assert_eq!(queue.put('d', 5), Err('d'), "it takes up its room while it is dealt with");
        drop(first);
        queue.put('d', 5).expect("room again");
    }
}
