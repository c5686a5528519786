//! The suite that any storage adapter runs: what the contracts of [`crate::ports::storage`] say, as cases.
//!
//! An adapter writes a [`Harness`] that makes fresh stores, and calls [`storage_conformance!`](crate::storage_conformance) in a test file of its own.
//! Each case becomes a `#[test]` with its name, on a fresh store and a runtime of its own:
//!
//! ```
//! # mod an_adapter {
//! # use std::sync::Arc;
//! # use convor::ports::Storage;
//! # pub struct MyStorage;
//! # impl MyStorage { pub async fn temporary() -> (Arc<dyn Storage>, ()) { std::future::pending().await } }
//! # }
//! # use an_adapter::MyStorage;
//! use std::sync::Arc;
//!
//! use convor::conformance::Harness;
//! use convor::ports::Storage;
//!
//! struct MyHarness;
//!
//! impl Harness for MyHarness {
//!     type Guard = ();
//!
//!     async fn fresh(&self) -> (Arc<dyn Storage>, ()) {
//!         MyStorage::temporary().await
//!     }
//! }
//!
//! convor::storage_conformance!(MyHarness);
//! # fn main() {}
//! ```
//!
//! A group that an adapter may leave out (`accounts`, `search`, `uploads`, `transfer`) is skipped where the storage does not
//! offer it: its tests read `ok`, too, and with `--nocapture` they say `unsupported`. [`Report`] runs the whole suite and
//! tells what passed, what failed and what was left out.
//!
//! The list of cases stands in one macro, from which the tests and [`CASES`] are made, so that the two cannot differ.
//! Which rule a case proves stands at its function, in the file of its group.

mod calls;
mod cases;
mod decorator;
mod failure;
mod groups;
pub mod methods;
mod recorder;
mod snapshot;
mod tenant;
mod world;

mod accounts;
mod bounds;
mod cancellation;
mod change;
mod compare_and_set;
mod contacts;
mod control;
mod conversations;
mod erasure;
mod idempotency;
mod inbox;
mod isolation;
mod openings;
mod order;
mod outbox;
mod pages;
mod purge;
mod reads;
mod records;
mod registry;
mod search;
mod snooze;
mod texts;
mod transfer;
mod uploads;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use cases::CASES;
pub use groups::Report;

use crate::ports::Storage;
use recorder::Recorder;
use world::World;

/// Makes fresh stores for the cases.
pub trait Harness: Send + Sync {
    /// What keeps a store alive, and cleans up when it is dropped.
    type Guard: Send;

    /// A store in which there is nothing, apart from every other one.
    fn fresh(&self) -> impl Future<Output = (Arc<dyn Storage>, Self::Guard)> + Send;

    /// Cleans up where that has to wait for something. It is called whether the case passed or failed.
    fn clean_up(&self, guard: Self::Guard) -> impl Future<Output = ()> + Send {
        async move { drop(guard) }
    }
}

/// One case: a claim about any store.
#[non_exhaustive]
pub struct Case {
    /// The group to which it belongs.
    pub group: &'static str,
    /// The claim.
    pub name: &'static str,
    threads: Threads,
    body: fn(World) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// The group whose cases move what is stored from one store to a second one.
const MOVES: &str = "transfer";

/// On how many threads a case runs.
#[derive(Debug, Clone, Copy)]
enum Threads {
    One,
    Several,
}

/// What became of a case that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The claim holds.
    Passed,
    /// The store does not offer the group to which the case belongs.
    Unsupported,
}

impl Case {
    /// The case with this name in this group.
    #[must_use]
    pub fn named(group: &str, name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.group == group && case.name == name)
    }

    /// Runs the case on a fresh store. It blocks, and makes a runtime of its own: do not call it within one.
    ///
    /// # Panics
    /// If the claim does not hold.
    pub fn run<H: Harness>(&self, harness: &H) -> Outcome {
        let mut builder = match self.threads {
            Threads::One => tokio::runtime::Builder::new_current_thread(),
            Threads::Several => tokio::runtime::Builder::new_multi_thread(),
        };
        let runtime = builder.worker_threads(4).enable_all().build().expect("a runtime can be made");
        runtime.block_on(self.run_here(harness))
    }

    async fn run_here<H: Harness>(&self, harness: &H) -> Outcome {
        let (storage, guard) = harness.fresh().await;
        if !groups::offers(&*storage, self.group) {
            harness.clean_up(guard).await;
            println!("unsupported: {self}");
            return Outcome::Unsupported;
        }
        // A failure is to say in which method it was.
        let (mut world, mut guards) = (World::new(Arc::new(Recorder::new(storage))), vec![guard]);
        if self.group == MOVES {
            let (target, guard) = harness.fresh().await;
            world = world.towards(Arc::new(Recorder::new(target)));
            guards.push(guard);
        }
        // In a task of its own a failure is caught, so that what the stores left is cleaned up all the same.
        let result = tokio::spawn((self.body)(world)).await;
        for guard in guards {
            harness.clean_up(guard).await;
        }
        match result.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(()) => Outcome::Passed,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Err(Err(cancelled)) => panic!("{self} was cut off: {cancelled}"),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.group, self.name)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({self})")
    }
}

/// Runs one case by its names; what [`storage_conformance!`](crate::storage_conformance) calls.
#[doc(hidden)]
pub fn run<H: Harness>(harness: &H, group: &str, name: &str) {
    let case = Case::named(group, name).expect("the macro and the table are made from one list");
    case.run(harness);
}

/// Expands each case of the suite to a `#[test]`, in a module named after its group.
///
/// It takes an expression that makes a [`Harness`](crate::conformance::Harness).
#[macro_export]
macro_rules! storage_conformance {
    ($harness:expr) => {
        fn __convor_harness() -> impl $crate::conformance::Harness {
            $harness
        }

        $crate::__convor_cases!(tests);
    };
}
