//! Speaking: one connection, and a queue before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use convor::ports::{BrokerError, Signal};
use sqlx::{Connection, PgConnection};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::connect::ConnectError;

use super::connection::{Server, pause, set_up};
use super::wire::{Encoded, pack};

/// How many signals wait for the connection at most.
const WAITING_MAX: usize = 2_048;

/// How many signals go out in one statement at most.
const TOGETHER_MAX: usize = 128;

/// Where signals go out. When it is dropped, what waits is still sent, and the connection ends.
pub(super) struct Notifier {
    waiting: mpsc::Sender<Encoded>,
    connected: Arc<AtomicBool>,
}

impl Notifier {
    pub(super) async fn open(server: Server, mut connection: PgConnection) -> Result<Self, ConnectError> {
        set_up(&mut connection).await?;
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        let connected = Arc::new(AtomicBool::new(true));
        tokio::spawn(Speaker { server, waiting, connected: Arc::clone(&connected) }.run(connection));
        Ok(Self { waiting: sender, connected })
    }

    /// Takes a signal if there is a connection and room before it.
    pub(super) fn offer(&self, signal: &Signal) -> Result<(), BrokerError> {
        if !self.connected.load(Ordering::Relaxed) {
            return Err(BrokerError::default());
        }
        let encoded = Encoded::new(signal).ok_or_else(BrokerError::default)?;
        self.waiting.try_send(encoded).map_err(|_| BrokerError::default())
    }
}

struct Speaker {
    server: Server,
    waiting: mpsc::Receiver<Encoded>,
    connected: Arc<AtomicBool>,
}

impl Speaker {
    async fn run(mut self, mut connection: PgConnection) {
        while let Err(error) = self.speak(&mut connection).await {
            self.connected.store(false, Ordering::Relaxed);
            tracing::warn!(?error, "signals to other nodes are lost until there is a connection again");
            match self.reconnect().await {
                Some(another) => connection = another,
                None => return,
            }
            tracing::info!("signals to other nodes go out again");
            self.connected.store(true, Ordering::Relaxed);
        }
        // The server notices an end that is not announced, too.
        let _ = timeout(pause(0), connection.close()).await;
    }

    /// Sends what waits, until nobody is left to send anything. What fails may have been sent or not, and is not repeated.
    async fn speak(&mut self, connection: &mut PgConnection) -> Result<(), ConnectError> {
        let mut together = Vec::with_capacity(TOGETHER_MAX);
        while self.waiting.recv_many(&mut together, TOGETHER_MAX).await > 0 {
            self.server.notify(&mut *connection, &pack(together.drain(..))).await?;
        }
        Ok(())
    }

    /// Another connection; `None` if nobody is left to need it.
    async fn reconnect(&mut self) -> Option<PgConnection> {
        let mut failed = 0;
        loop {
            // What has been waiting since before is out of date, and its gap is seen.
            let passed_over = async { while self.waiting.recv().await.is_some() {} };
            if timeout(pause(failed), passed_over).await.is_ok() {
                return None;
            }
            match self.server.notifier().await {
                Ok(connection) => return Some(connection),
                Err(error) => tracing::debug!(?error, "the notifier is not back yet"),
            }
            failed += 1;
        }
    }
}
