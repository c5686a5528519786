//! CPU seconds of the database server: what every one of its processes has used, the ended ones included.

use std::fs;

use anyhow::{Context, Result};
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
        let stat = Stat::read(backend.unsigned_abs()).context("the database server runs on this machine")?;
        Ok(Self { postmaster: stat.parent })
    }

    /// CPU seconds so far.
    pub(crate) fn seconds(self) -> Result<f64> {
        // What a backend used is added to its parent's account when it ends.
        let mut ticks = Stat::read(self.postmaster).context("the database server runs")?.with_children();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(stat) = name.to_str().and_then(|name| name.parse().ok()).and_then(Stat::read) else {
                continue;
            };
            if stat.parent == self.postmaster {
                ticks += stat.own();
            }
        }
        Ok(ticks / ticks_a_second())
    }
}

/// What `/proc/<pid>/stat` says of a process (proc(5)).
struct Stat {
    parent: u32,
    user: f64,
    system: f64,
    children: f64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, the second field, may hold spaces; it ends with the last parenthesis.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<f64>().ok();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            user: number(11)?,
            system: number(12)?,
            children: number(13)? + number(14)?,
        })
    }

    const fn own(&self) -> f64 {
        self.user + self.system
    }

    const fn with_children(&self) -> f64 {
        self.own() + self.children
    }
}

fn ticks_a_second() -> f64 {
    // What Linux has on every architecture that Rust builds for.
    100.0
}
