//! Convor in memory: a storage, a broker, a blob store and a notifier that keep everything in this process.
//!
//! Nothing of it outlives the process. It serves tests, demonstrations and applications that need no history, and it is
//! the shortest complete example of what an adapter owes: [`MemoryStorage`] keeps every contract of
//! [`convor::ports::storage`], and runs the whole conformance suite.
//!
//! ```
//! use std::sync::Arc;
//!
//! use convor::ports::Storage;
//! use convor_memory::MemoryStorage;
//!
//! let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
//! ```

mod blobs;
mod broker;
mod in_process;
mod notifier;
mod storage;

pub use blobs::MemoryBlobs;
pub use broker::{MemoryBroker, SIGNALS_MAX};
pub use in_process::{Client, InProcess};
pub use notifier::{Delivery, MemoryNotifier};
pub use storage::MemoryStorage;
