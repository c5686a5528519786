//! Listening: one connection for all subscriptions of a process.

use std::time::Duration;

use convor::ports::Received;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::connect::ConnectError;
use crate::error::Failure;

use super::connection::{Server, cut, pause};
use super::wire::{self, Payload};

/// How many signals wait for a subscription at most.
const WAITING_MAX: usize = 1_024;

/// After how much silence the listener notifies itself, and after how much more it is deaf. Nodes beat each second.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// What subscriptions share. Listening ends with it.
pub(super) struct Listener {
    /// The sender itself is with the task: subscriptions end if that does.
    signals: broadcast::WeakSender<Received>,
    _task: JoinSet<()>,
}

impl Listener {
    pub(super) async fn open(server: Server) -> Result<Self, ConnectError> {
        let connection = server.listener().await?;
        let signals = broadcast::Sender::new(WAITING_MAX);
        let weak = signals.downgrade();
        let mut task = JoinSet::new();
        task.spawn(Ear { server, signals }.run(connection));
        Ok(Self { signals: weak, _task: task })
    }

    /// What is heard from now on; `None` if nothing ever will be.
    pub(super) fn subscribe(&self) -> Option<broadcast::Receiver<Received>> {
        self.signals.upgrade().map(|signals| signals.subscribe())
    }
}

struct Ear {
    server: Server,
    signals: broadcast::Sender<Received>,
}

impl Ear {
    async fn run(self, mut connection: PgListener) {
        loop {
            let Err(error) = self.listen(&mut connection).await;
            tracing::warn!(?error, "signals of other nodes are not heard until there is a connection again");
            drop(connection);
            connection = self.reconnect().await;
            // Also what was said between the last attempt and its success.
            self.tell(Received::Lost);
            tracing::info!("signals of other nodes are heard again");
        }
    }

    async fn listen(&self, connection: &mut PgListener) -> Result<std::convert::Infallible, ConnectError> {
        let mut asked = false;
        loop {
            match timeout(SILENCE_MAX, connection.try_recv()).await {
                Ok(Ok(Some(notification))) => {
                    asked = false;
                    self.hear(notification.payload());
                }
                Ok(Ok(None)) => return Err(cut()),
                Ok(Err(error)) => return Err(Failure::from(error).into()),
                Err(_) if asked => return Err(ConnectError::Deaf),
                Err(_) => {
                    asked = true;
                    self.server.notify(&mut *connection, &[String::new()]).await?;
                }
            }
        }
    }

    fn hear(&self, payload: &str) {
        match wire::read(payload) {
            Payload::Signals(signals) => {
                signals.into_iter().map(Received::Signal).for_each(|signal| self.tell(signal));
            }
            Payload::Unreadable => {
                tracing::debug!("a node of another version has said what this one cannot read");
                self.tell(Received::Lost);
            }
            Payload::Foreign => {}
        }
    }

    fn tell(&self, received: Received) {
        // Nobody may be subscribed.
        let _ = self.signals.send(received);
    }

    /// Another connection, after as many attempts as it takes. Who lives on rereading does so before and after each pause.
    async fn reconnect(&self) -> PgListener {
        let mut failed = 0;
        loop {
            self.tell(Received::Lost);
            tokio::time::sleep(pause(failed)).await;
            self.tell(Received::Lost);
            match self.server.listener().await {
                Ok(connection) => return connection,
                Err(error) => tracing::debug!(?error, "the listener is not back yet"),
            }
            failed += 1;
        }
    }
}
