//! The report, as Markdown.

use std::iter::repeat;
use std::thread::available_parallelism;

use anyhow::Result;

use super::REPORT;
use super::cost::Cost;
use super::proofs::{Proofs, Section};
use crate::process::output;
use crate::weight::CORE_CRATES_MAX;
use crate::workspace::Workspace;

/// What was proved, and with what.
pub(super) struct Origin {
    commit: String,
    date: String,
    compiler: String,
    cores: usize,
}

impl Origin {
    pub(super) fn find(workspace: &Workspace) -> Result<Self> {
        let git = |arguments: &[&str]| output(workspace.command("git").args(arguments));
        let mut commit = git(&["rev-parse", "--short=12", "HEAD"])?;
        let changes = git(&["status", "--porcelain", "--", ".", &format!(":!{REPORT}")])?;
        if !changes.is_empty() {
            commit.push_str(" with changes");
        }
        Ok(Self {
            commit,
            date: git(&["log", "-1", "--format=%cs"])?,
            compiler: output(workspace.command("rustc").arg("--version"))?,
            cores: available_parallelism()?.get(),
        })
    }
}

pub(super) fn write(origin: &Origin, proofs: &Proofs, costs: &[Cost]) -> String {
    let Origin { commit, date, compiler, cores } = origin;
    let mut text = format!(
        "# Proof\n\n\
         `cargo xtask prove` writes this page from what the tests print.\n\n\
         Commit {commit} of {date}, {compiler}, {cores} cores. {} tests passed.\n",
        proofs.passed
    );
    for (name, section) in &proofs.sections {
        table(&mut text, name, section);
    }
    table(&mut text, "What it costs to compile", &compile_costs(costs));
    text
}

fn compile_costs(costs: &[Cost]) -> Section {
    let row = |cost: &Cost| {
        vec![cost.name.to_owned(), cost.crates.to_string(), format!("{:.0}", cost.build.as_secs_f64())]
    };
    Section {
        columns: vec![
            "what".to_owned(),
            format!("crates (of the core: at most {CORE_CRATES_MAX})"),
            "CPU seconds of a first debug build".to_owned(),
        ],
        rows: costs.iter().map(row).collect(),
    }
}

/// Cells without a named column stand under an empty heading: Markdown knows no table without one.
fn table(text: &mut String, name: &str, section: &Section) {
    let widest = section.rows.iter().chain([&section.columns]).map(Vec::len).max().unwrap_or(0);
    let rule = vec!["---".to_owned(); widest];
    text.push_str(&format!("\n## {name}\n\n"));
    for cells in [&section.columns, &rule].into_iter().chain(&section.rows) {
        let cells = cells.iter().map(String::as_str).chain(repeat("")).take(widest);
        text.push_str(&format!("| {} |\n", cells.collect::<Vec<_>>().join(" | ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_rows_are_filled_up() {
        let cells = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let section = Section { columns: cells(&["store"]), rows: vec![cells(&["memory", "80"])] };
        let mut text = String::new();
        table(&mut text, "Conformance", &section);
        assert_eq!(text, "\n## Conformance\n\n| store |  |\n| --- | --- |\n| memory | 80 |\n");
    }
}
