//! What a user pays for compiling: crates, and processor time from nothing to a finished debug build.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::process::run;
use crate::weight::{SELECTIONS, Selection};
use crate::workspace::Workspace;

pub(super) struct Cost {
    pub(super) name: &'static str,
    pub(super) crates: usize,
    pub(super) build: Duration,
}

pub(super) fn measure(workspace: &Workspace) -> Result<Vec<Cost>> {
    // A download costs processor time too, and is no part of a build.
    run(workspace.cargo().args(["fetch", "--locked"]))?;
    SELECTIONS.iter().map(|selection| cost(workspace, selection)).collect()
}

fn cost(workspace: &Workspace, selection: &Selection) -> Result<Cost> {
    let folder = workspace.target("prove");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let before = children_cpu()?;
    run(workspace
        .cargo()
        .args(["build", "--locked"])
        .args(selection.arguments())
        .env("CARGO_TARGET_DIR", &folder)
        // A compiler cache would answer for a compiler.
        .env("RUSTC_WRAPPER", ""))?;
    let build = children_cpu()?.saturating_sub(before);
    fs::remove_dir_all(&folder)?;
    Ok(Cost { name: selection.name, crates: selection.crates(workspace)?, build })
}

/// The processor time of all programs that this one has run to their end, and of those that they ran.
fn children_cpu() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = (usage.user_time() + usage.system_time()).num_microseconds();
    Ok(Duration::from_micros(micros.try_into()?))
}
