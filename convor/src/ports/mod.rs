//! What the core asks of its surroundings: one trait a file, its contract in its docs.
//!
//! An adapter implements the traits that it is for. [`Storage`] is the large one; `conformance` (feature
//! `conformance`) tells whether an implementation keeps its contract.

mod authenticator;
mod blobs;
mod broker;
mod clock;
mod entropy;
mod notifier;
mod retention;
pub mod storage;
mod transport;

pub use authenticator::{Authenticated, Authenticator};
pub use blobs::{BlobError, BlobKey, BlobSource, BlobStore};
pub use broker::{Broker, BrokerError, Received, Signal, SignalBody, Subscription, ToldEvent};
pub use clock::Clock;
pub use entropy::Entropy;
pub use notifier::{Notifier, NotifyError};
pub use retention::{Decision, KeepEverything, RecordClass, RecordSummary, RetentionPolicy};
pub use storage::{Change, Storage, StorageError, StorageErrorKind};
pub use transport::{Close, Frame, FrameClass, Refused, Transport};

#[cfg(test)]
pub(crate) use broker::MockBroker;
#[cfg(test)]
pub(crate) use notifier::MockNotifier;

#[cfg(feature = "system")]
pub use clock::SystemClock;
#[cfg(feature = "system")]
pub use entropy::SystemEntropy;
