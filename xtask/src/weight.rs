//! How many crates a user compiles. The core's number is a promise, so it is checked.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use crate::process::output;
use crate::workspace::Workspace;

/// The most crates that the core may need with its default features, itself included.
pub(crate) const CORE_CRATES_MAX: usize = 35;

/// What somebody might depend on: a name for the reader and the packages that it stands for.
pub(crate) struct Selection {
    pub(crate) name: &'static str,
    pub(crate) packages: &'static [&'static str],
}

pub(crate) const CORE: Selection = Selection { name: "core", packages: &["convor"] };

pub(crate) const SELECTIONS: [Selection; 6] = [
    CORE,
    Selection { name: "core, memory, hyper", packages: &["convor", "convor-memory", "convor-hyper"] },
    Selection { name: "core, PostgreSQL", packages: &["convor", "convor-postgres"] },
    Selection { name: "core, NATS", packages: &["convor", "convor-nats"] },
    Selection { name: "core, SQLite", packages: &["convor", "convor-sqlite"] },
    Selection { name: "reference server", packages: &["convor-server"] },
];

impl Selection {
    /// The `--package` arguments that select it.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &'static str> {
        self.packages.iter().flat_map(|package| ["--package", package])
    }

    /// How many crates it takes to build, itself included, on the platform that this runs on.
    pub(crate) fn crates(&self, workspace: &Workspace) -> Result<usize> {
        let mut tree = workspace.cargo();
        tree.args(["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
        let tree = output(tree.args(self.arguments()))?;
        Ok(tree.lines().filter_map(name_and_version).collect::<BTreeSet<_>>().len())
    }
}

/// Fails if the core needs more crates than it may; prints how many it needs.
pub(crate) fn check_core(workspace: &Workspace) -> Result<()> {
    let crates = CORE.crates(workspace)?;
    println!("   the core needs {crates} crates of at most {CORE_CRATES_MAX}");
    ensure!(crates <= CORE_CRATES_MAX, "the core has become too heavy: see `cargo tree --package convor`");
    Ok(())
}

/// A line of the tree is `name v1.2.3`, maybe followed by where the crate lies or that it was shown before.
fn name_and_version(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    Some((words.next()?, words.next()?))
}

#[cfg(test)]
mod tests {
    use super::name_and_version;

    #[test]
    fn a_crate_shown_twice_counts_once() {
        assert_eq!(name_and_version("serde v1.0.228 (*)"), name_and_version("serde v1.0.228"));
        assert_ne!(name_and_version("syn v1.0.1"), name_and_version("syn v2.0.1 (proc-macro)"));
        assert_eq!(name_and_version(""), None);
    }
}
