//! Licences, bans and sources, as `deny.toml` states them.
//!
//! `cargo deny check licenses bans sources` reads the same file and comes to the same verdict. It is not used
//! here because it takes minutes to build, many times what it checks, and this runs on every change.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use cargo_metadata::{CargoOpt, Metadata, MetadataCommand, Package, Resolve};
use spdx::{Expression, ParseMode};

use super::policy::{Bans, Level, Licenses, Policy, Sources};
use crate::steps::none_of;
use crate::workspace::Workspace;

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let policy = Policy::read(workspace)?;
    let metadata = graph(workspace, policy.graph.all_features)?;
    let mut verdict = Verdict::default();
    for package in &metadata.packages {
        check_licence(package, &policy.licenses, &mut verdict);
        check_source(package, &policy.sources, &mut verdict);
    }
    check_bans(&metadata, &policy.bans, &mut verdict)?;
    check_versions(&metadata, policy.bans.multiple_versions, &mut verdict);
    verdict.warnings.iter().for_each(|warning| println!("   warning: {warning}"));
    println!("   {} crates looked at", metadata.packages.len());
    none_of(&verdict.errors)
}

#[derive(Default)]
struct Verdict {
    warnings: Vec<String>,
    errors: Vec<String>,
}

impl Verdict {
    fn add(&mut self, level: Level, finding: String) {
        match level {
            Level::Allow => {}
            Level::Warn => self.warnings.push(finding),
            Level::Deny => self.errors.push(finding),
        }
    }
}

fn graph(workspace: &Workspace, all_features: bool) -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.manifest_path(workspace.path("Cargo.toml")).other_options(["--locked".to_owned()]);
    if all_features {
        command.features(CargoOpt::AllFeatures);
    }
    Ok(command.exec()?)
}

fn check_licence(package: &Package, licenses: &Licenses, verdict: &mut Verdict) {
    let Some(text) = &package.license else {
        return verdict.add(Level::Deny, format!("{} names no licence", title(package)));
    };
    let own = licenses.exceptions.iter().filter(|exception| *package.name == exception.name);
    let allowed: Vec<_> = licenses
        .allow
        .iter()
        .chain(own.flat_map(|exception| &exception.allow))
        .map(|license| &license.0)
        .collect();
    // Older crates write `MIT/Apache-2.0`, which SPDX no longer knows.
    let fine = Expression::parse_mode(text, ParseMode::LAX)
        .is_ok_and(|terms| terms.evaluate(|term| allowed.iter().any(|license| license.satisfies(term))));
    if !fine {
        verdict.add(Level::Deny, format!("{} is under {text}, which is not allowed", title(package)));
    }
}

fn check_source(package: &Package, sources: &Sources, verdict: &mut Verdict) {
    // A package without a source is a path, hence part of this repository.
    let Some(source) = &package.source else { return };
    if source.repr.starts_with("git+") {
        verdict.add(sources.unknown_git, format!("{} comes from a git repository", title(package)));
    } else if !source.is_crates_io() {
        verdict.add(sources.unknown_registry, format!("{} comes from an unknown registry", title(package)));
    }
}

fn check_bans(metadata: &Metadata, bans: &Bans, verdict: &mut Verdict) -> Result<()> {
    let resolve = metadata.resolve.as_ref().context("cargo metadata resolved nothing")?;
    for ban in &bans.deny {
        let banned = metadata.packages.iter().filter(|package| *package.name == ban.name);
        for (package, user) in banned.flat_map(|package| users(metadata, resolve, package)) {
            if !ban.wrappers.iter().any(|wrapper| *wrapper == *user.name) {
                let finding = format!("{} depends on {}: {}", title(user), title(package), ban.reason);
                verdict.add(Level::Deny, finding);
            }
        }
    }
    Ok(())
}

/// A package beside each of those that depend on it.
fn users<'m>(
    metadata: &'m Metadata,
    resolve: &'m Resolve,
    package: &'m Package,
) -> impl Iterator<Item = (&'m Package, &'m Package)> {
    let nodes = resolve.nodes.iter();
    nodes
        .filter(|node| node.dependencies.contains(&package.id))
        .map(move |node| (package, &metadata[&node.id]))
}

fn check_versions(metadata: &Metadata, level: Level, verdict: &mut Verdict) {
    let mut versions = BTreeMap::<&str, BTreeSet<String>>::new();
    for package in &metadata.packages {
        versions.entry(package.name.as_str()).or_default().insert(package.version.to_string());
    }
    for (name, versions) in versions.into_iter().filter(|(_, versions)| versions.len() > 1) {
        let versions: Vec<_> = versions.into_iter().collect();
        verdict.add(level, format!("{name} is there as {}", versions.join(" and ")));
    }
}

fn title(package: &Package) -> String {
    format!("{} {}", package.name, package.version)
}
