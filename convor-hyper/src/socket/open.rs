//! The WebSockets that are open: a server's graceful shutdown does not see them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use convor::Chat;
use convor::ports::{Close, Transport};
use hyper::upgrade::OnUpgrade;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::sweeper::{Sweeper, Sweepers};
use super::{Line, Socket};

/// The WebSockets that are open.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    open: Mutex<Open>,
    emptied: Notify,
    sweepers: Sweepers,
}

#[derive(Debug, Default)]
struct Open {
    number: u64,
    draining: bool,
    sockets: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    line: Arc<Line>,
    task: AbortHandle,
}

impl Sockets {
    /// Who writes to a new connection.
    pub(super) fn sweeper(&self) -> Arc<Sweeper> {
        self.sweepers.next()
    }

    /// Serves a socket, as a task.
    pub(crate) fn serve(self: &Arc<Self>, socket: Socket, upgrade: OnUpgrade) {
        let line = Arc::clone(socket.line());
        let mut open = self.open();
        if open.draining {
            line.close(Close::Draining { reconnect_after_ms: 0 });
        }
        open.number += 1;
        let number = open.number;
        let place = Place { sockets: Arc::clone(self), number };
        let serving = async move {
            let _place = place;
            socket.serve(upgrade).await;
        };
        // The task cannot give back its place before it has one: that takes the lock.
        let task = tokio::spawn(serving).abort_handle();
        open.sockets.insert(number, Entry { line, task });
    }

    /// Tells all of them to come back, not all at once. Those that have said `hello` have been told so already, and the first
    /// reason holds.
    pub(crate) fn close_all(&self, chat: &Chat) {
        let mut open = self.open();
        open.draining = true;
        for entry in open.sockets.values() {
            entry.line.close(chat.draining());
        }
    }

    /// Waits until none is left.
    pub(crate) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.open().sockets.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    /// Cuts those that are left, and says how many.
    pub(crate) fn cut_all(&self) -> usize {
        let open = self.open();
        open.sockets.values().for_each(|entry| entry.task.abort());
        open.sockets.len()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket's place among the open ones; dropped, it is given back.
#[derive(Debug)]
struct Place {
    sockets: Arc<Sockets>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.sockets.open();
        open.sockets.remove(&self.number);
        if open.sockets.is_empty() {
            self.sockets.emptied.notify_waiters();
        }
    }
}
