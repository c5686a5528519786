//! How a chat is put together.

use std::sync::Arc;

use crate::config::{Limits, PageDetail};
use crate::ports::{Authenticator, Broker, Clock, Entropy, Notifier, Storage};

use super::rates::Rates;
use super::{Chat, Inner, StoredTokens, background, nodes};

/// Puts a [`Chat`] together.
#[derive(Debug)]
pub struct ChatBuilder {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    authenticator: Option<Arc<dyn Authenticator>>,
    notifier: Option<Arc<dyn Notifier>>,
    broker: Option<Arc<dyn Broker>>,
    limits: Limits,
    page_detail: PageDetail,
}

impl Chat {
    /// A chat on this storage, with the clock and the generator of the operating system.
    #[cfg(feature = "system")]
    #[must_use]
    pub fn builder(storage: Arc<dyn Storage>) -> ChatBuilder {
        Self::builder_with(
            storage,
            Arc::new(crate::ports::SystemClock),
            Arc::new(crate::ports::SystemEntropy),
        )
    }

    /// A chat on this storage, with this clock and this generator.
    #[must_use]
    pub fn builder_with(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> ChatBuilder {
        ChatBuilder {
            storage,
            clock,
            entropy,
            authenticator: None,
            notifier: None,
            broker: None,
            limits: Limits::default(),
            page_detail: PageDetail::default(),
        }
    }
}

impl ChatBuilder {
    /// Who credentials belong to. Without it: [`StoredTokens`], which knows visitors' tokens and operators' sessions.
    #[must_use]
    pub fn authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.authenticator = Some(authenticator);
        self
    }

    /// Who tells people that are not connected. Without it nothing is kept for them.
    #[must_use]
    pub fn notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifier = Some(notifier);
        self
    }

    /// What connects this node with others. Without it this node serves alone.
    #[must_use]
    pub fn broker(mut self, broker: Arc<dyn Broker>) -> Self {
        self.broker = Some(broker);
        self
    }

    /// Other bounds than the default ones.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What is kept of the page on which a visitor is.
    #[must_use]
    pub const fn page_detail(mut self, detail: PageDetail) -> Self {
        self.page_detail = detail;
        self
    }

    /// Begins to serve: spawns the background work on the present tokio runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(self) -> Chat {
        let Self { storage, clock, entropy, authenticator, notifier, broker, limits, page_detail } = self;
        let authenticator = authenticator
            .unwrap_or_else(|| Arc::new(StoredTokens::new(Arc::clone(&storage), Arc::clone(&clock))));
        let (signals, waiting) = match &broker {
            Some(_) => {
                let (outgoing, waiting) = nodes::Outgoing::new(&limits);
                (Some(outgoing), Some(waiting))
            }
            None => (None, None),
        };
        let random = entropy.bytes_16();
        let inner = Inner {
            node: uuid::Builder::from_random_bytes(random).into_uuid().into(),
            storage,
            clock,
            entropy,
            authenticator,
            notifier,
            page_detail,
            hub: Arc::default(),
            rates: Rates::new(&limits),
            works: super::work::Works::new(&limits),
            arrivals: super::arrivals::Arrivals::new(&limits),
            signals,
            tells_content: broker.as_ref().is_some_and(|broker| broker.carries_content()),
            missed: std::sync::Arc::default(),
            control_due: std::sync::Arc::default(),
            telling: std::sync::Arc::new(tokio::sync::Semaphore::new(limits.signals_told_max)),
            replays: Default::default(),
            obeying: Default::default(),
            pings: Default::default(),
            answers: 0.into(),
            unindexed: Default::default(),
            digest_keys: std::sync::Mutex::default(),
            draining: false.into(),
            #[cfg(feature = "accounts")]
            passwords: super::sign_in::Passwords::new(&limits),
            tasks: std::sync::Mutex::default(),
            limits,
        };
        let chat = Chat { inner: Arc::new(inner) };
        background::spawn(&chat);
        if let (Some(broker), Some(waiting)) = (broker, waiting) {
            nodes::spawn(&chat, &broker, waiting);
        }
        chat
    }
}
