//! What `deny.toml` says, in the words of cargo-deny.
//!
//! An unknown setting is an error: a rule that nobody enforces must not look like one that somebody does.

use anyhow::{Context, Result};
use serde::Deserialize;
use spdx::Licensee;

use crate::workspace::Workspace;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) graph: Graph,
    pub(super) licenses: Licenses,
    pub(super) bans: Bans,
    pub(super) sources: Sources,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Graph {
    pub(super) all_features: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Licenses {
    pub(super) allow: Vec<License>,
    #[serde(default)]
    pub(super) exceptions: Vec<Exception>,
}

/// Licences that one crate may have and no other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    #[serde(rename = "crate")]
    pub(super) name: String,
    pub(super) allow: Vec<License>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Bans {
    pub(super) multiple_versions: Level,
    pub(super) deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ban {
    #[serde(rename = "crate")]
    pub(super) name: String,
    pub(super) reason: String,
    /// The crates that may depend on it all the same.
    #[serde(default)]
    pub(super) wrappers: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Sources {
    pub(super) unknown_registry: Level,
    pub(super) unknown_git: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Allow,
    Warn,
    Deny,
}

/// A licence by its SPDX name, with an exception if it has one.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct License(pub(super) Licensee);

impl TryFrom<String> for License {
    type Error = spdx::ParseError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Licensee::parse(&name).map(Self)
    }
}

impl Policy {
    pub(super) fn read(workspace: &Workspace) -> Result<Self> {
        toml::from_str(&workspace.read("deny.toml")?).context("deny.toml")
    }
}
