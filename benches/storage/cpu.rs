//! CPU seconds of the database server: what its processes have used. Those that serve a measurement live as long as it does.

use std::fs;

use anyhow::{Context, Result};
use convor_benches::cpu::Used;
use sqlx::PgPool;

/// The server's processes, found through one of its backends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerCpu {
    postmaster: u32,
}

impl ServerCpu {
    /// The server to which the pool is connected. It must run on this machine.
    pub(crate) async fn of(pool: &PgPool) -> Result<Self> {
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(pool).await?;
        let postmaster =
            parent(backend.unsigned_abs()).context("the database server runs on this machine")?;
        Ok(Self { postmaster })
    }

    /// CPU seconds so far.
    pub(crate) fn seconds(self) -> Result<f64> {
        let mut seconds = 0.0;
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(process) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            if parent(process) == Some(self.postmaster) {
                // One that has ended in the meantime served no measurement.
                seconds += Used::by(process).map_or(0.0, |used| used.seconds());
            }
        }
        Ok(seconds)
    }
}

/// The process that has started this one (proc(5), `/proc/<pid>/stat`).
fn parent(process: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, the second field, may hold spaces; it ends with the last parenthesis.
    text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
