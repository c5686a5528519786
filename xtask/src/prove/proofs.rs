//! What the tests say that they have proved.
//!
//! A test prints `proof: <section> | <cell> | <cell> …` for a row, and `proof-columns: <section> | <name> …`
//! to name the cells of a section; every row of it may come with such a line, as tests run in any order.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, pipe};
use std::process::Command;

use anyhow::{Result, ensure};

/// What a run of the tests has shown.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    pub(super) sections: BTreeMap<String, Section>,
    /// How many tests have passed.
    pub(super) passed: usize,
}

#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// Runs the tests, shows what they print and keeps what is proved.
pub(super) fn run(mut command: Command) -> Result<Proofs> {
    // Nextest repeats what tests print on its standard error, cargo on its standard output.
    let (reader, writer) = pipe()?;
    command.env("CARGO_TERM_COLOR", "never").stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // The command holds the pipe's other end: the lines end when nobody holds it any more.
    drop(command);

    let mut proofs = Proofs::default();
    for line in BufReader::new(reader).lines() {
        let line = line?;
        println!("{line}");
        proofs.read(&line);
    }
    let status = child.wait()?;
    ensure!(status.success(), "the tests ended with {status}");
    ensure!(!proofs.sections.is_empty(), "no test has printed a proof");
    Ok(proofs.sorted())
}

impl Proofs {
    fn read(&mut self, line: &str) {
        self.passed += passed(line).unwrap_or(0);
        let line = line.trim();
        if let Some((section, cells)) = line.strip_prefix("proof: ").and_then(cells) {
            self.sections.entry(section).or_default().rows.push(cells);
        } else if let Some((section, names)) = line.strip_prefix("proof-columns: ").and_then(cells) {
            self.sections.entry(section).or_default().columns = names;
        }
    }

    /// Tests end in any order; a report should differ only where the results do.
    fn sorted(mut self) -> Self {
        self.sections.values_mut().for_each(|section| section.rows.sort());
        self
    }
}

/// The count in a runner's closing line. Cargo prints one for each test program; nextest prints one for all,
/// and repeats those of the programs further in.
fn passed(line: &str) -> Option<usize> {
    let counts = match line.strip_prefix("test result: ok. ") {
        Some(counts) => counts,
        None => line.trim_start().strip_prefix("Summary [")?.split_once(" run: ")?.1,
    };
    counts.split_once(" passed")?.0.parse().ok()
}

/// The section's name and the cells after it.
fn cells(line: &str) -> Option<(String, Vec<String>)> {
    let mut cells = line.split('|').map(|cell| cell.trim().to_owned());
    Some((cells.next()?, cells.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Proofs {
        let mut proofs = Proofs::default();
        lines.iter().for_each(|line| proofs.read(line));
        proofs.sorted()
    }

    #[test]
    fn rows_are_gathered_by_section_in_one_order() {
        let proofs = read(&[
            "proof: Sabotage | skips a seq | seq_is_gapless",
            "running 3 tests",
            "proof-columns: Sabotage | store | caught by",
            "proof: Conformance | memory | 80",
            "proof: Sabotage | forgets the tenant | tenants_are_apart",
        ]);
        let sabotage = &proofs.sections["Sabotage"];
        assert_eq!(sabotage.columns, ["store", "caught by"]);
        assert_eq!(sabotage.rows[0], ["forgets the tenant", "tenants_are_apart"]);
        assert_eq!(sabotage.rows[1], ["skips a seq", "seq_is_gapless"]);
        assert_eq!(proofs.sections["Conformance"].rows, [["memory", "80"]]);
    }
    #[test]
    fn tests_are_counted_once_whoever_runs_them() {
        let cargo = "test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(read(&[cargo, cargo]).passed, 14);
        let nextest = "     Summary [   1.2s] 9 tests run: 9 passed (1 slow), 0 skipped";
        assert_eq!(read(&[&format!("    {cargo}"), nextest]).passed, 9);
    }
}
