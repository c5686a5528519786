//! `cargo xtask prove`: the proofs that take too long for every change, written down in `docs/proof.md`.

mod cost;
mod proofs;
mod report;

use std::fs;

use anyhow::{Context, Result};

use crate::test::Suite;
use crate::weight;
use crate::workspace::Workspace;

const REPORT: &str = "docs/proof.md";

pub(crate) fn prove(workspace: &Workspace) -> Result<()> {
    weight::check_core(workspace)?;
    let origin = report::Origin::find(workspace)?;
    let proofs = proofs::run(Suite::prepare(workspace)?.proofs()?)?;
    let costs = cost::measure(workspace)?;
    fs::write(workspace.path(REPORT), report::write(&origin, &proofs, &costs))
        .with_context(|| format!("cannot write {REPORT}"))?;
    println!("   written: {REPORT}");
    Ok(())
}
