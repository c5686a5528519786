//! How much is done.

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Of each load, after one that does not count.
    pub(crate) rounds: usize,
    /// How long a load lasts.
    pub(crate) seconds: f64,
    /// How often memory is measured, each time on a server of its own.
    pub(crate) memory_rounds: usize,
    /// Rooms of two.
    pub(crate) rooms: usize,
    /// Connections, conversations and tenants that do nothing.
    pub(crate) idle: &'static [usize],
    /// Connections that are cut at once.
    pub(crate) storm: usize,
}

/// The sizes of a full run.
pub(crate) const SIZES: [usize; 4] = [100, 1_000, 5_000, 10_000];

/// Less than half an hour. Many short rounds: what else a machine does disturbs some of them, and the median is of the others.
pub(crate) const FULL: Effort = Effort {
    rounds: 15,
    seconds: 1.0,
    memory_rounds: 3,
    rooms: 1_000,
    idle: &[0, 2_500, 5_000],
    storm: 5_000,
};

/// Less than two minutes, without the parts `noisy` and `overload`. Four rounds are 2.8 s of a load on a server, which `paced` and
/// `burst` have three times each (17 s), `rooms` nine times (25 s: with a database once more, and there a load of three times
/// the length) and `flat` four times (11 s); with `syscalls` (4 s) and a storm (6 s) that is a minute and a bit. What is
/// set up takes half a minute more.
pub(crate) const QUICK: Effort =
    Effort { rounds: 3, seconds: 0.7, memory_rounds: 1, rooms: 1_000, idle: &[0, 2_500], storm: 1_000 };
