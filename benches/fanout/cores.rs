//! Servers on one core, clients on another, so that neither takes the other's time.

use anyhow::Result;

/// Where servers and clients run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) client: usize,
    /// Where clients run that are not to take the others' time: a core of their own, where there is one.
    pub(crate) neighbour: usize,
}

#[cfg(target_os = "linux")]
mod affinity {
    use anyhow::{Context, Result};
    use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
    use nix::unistd::Pid;

    /// This thread.
    const SELF: Pid = Pid::from_raw(0);

    pub(super) fn cores() -> Result<Vec<usize>> {
        let allowed = sched_getaffinity(SELF)?;
        Ok((0..CpuSet::count()).filter(|core| allowed.is_set(*core).unwrap_or(false)).collect())
    }

    /// Runs `work` on one core; what it starts stays there.
    pub(super) fn on<T>(core: usize, work: impl FnOnce() -> T) -> Result<T> {
        let before = sched_getaffinity(SELF)?;
        let mut only = CpuSet::new();
        only.set(core)?;
        sched_setaffinity(SELF, &only).with_context(|| format!("core {core} may not be used"))?;
        let done = work();
        sched_setaffinity(SELF, &before)?;
        Ok(done)
    }
}

#[cfg(not(target_os = "linux"))]
mod affinity {
    use anyhow::{Result, bail};

    pub(super) fn cores() -> Result<Vec<usize>> {
        bail!("processes are bound to cores and measured by what Linux says of them")
    }

    pub(super) fn on<T>(_: usize, work: impl FnOnce() -> T) -> Result<T> {
        Ok(work())
    }
}

impl Cores {
    /// The last of those that this process may use: the first ones have most to do for others.
    pub(crate) fn choose() -> Result<Self> {
        let cores = affinity::cores()?;
        let [before @ .., client, server] = &cores[..] else {
            anyhow::bail!("there is one core only: servers and clients would take each other's time");
        };
        Ok(Self { server: *server, client: *client, neighbour: *before.last().unwrap_or(client) })
    }
}

/// Runs `work` on one core; the processes that it starts stay there.
pub(crate) fn on<T>(core: usize, work: impl FnOnce() -> T) -> Result<T> {
    affinity::on(core, work)
}
