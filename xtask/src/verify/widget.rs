//! What a visitor of a customer's website downloads.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::steps::none_of;
use crate::workspace::Workspace;

/// The part that every page view loads, whether or not anybody chats; as it lies on disk.
const LOADER_BYTES_MAX: usize = 3 * 1024;
/// All that is loaded once a visitor opens the chat, compressed file by file, as web servers do.
const WIDGET_GZIP_BYTES_MAX: usize = 25 * 1024;

const LOADER: &str = "clients/js/widget/loader.js";

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let loader = fs::read(workspace.path(LOADER)).with_context(|| format!("cannot read {LOADER}"))?.len();
    let mut widget = 0;
    for file in loaded(workspace, Path::new(LOADER))? {
        let compressed = gzip_bytes(&fs::read(workspace.path(&file))?)?;
        println!("   {compressed:>6} bytes compressed: {}", file.display());
        widget += compressed;
    }
    println!("   {loader:>6} bytes of {LOADER_BYTES_MAX}: the loader");
    println!("   {widget:>6} bytes of {WIDGET_GZIP_BYTES_MAX}: the widget, compressed");

    let mut findings = Vec::new();
    if loader > LOADER_BYTES_MAX {
        findings.push(format!("the loader has {loader} bytes, at most {LOADER_BYTES_MAX}"));
    }
    if widget > WIDGET_GZIP_BYTES_MAX {
        findings.push(format!("the widget has {widget} bytes compressed, at most {WIDGET_GZIP_BYTES_MAX}"));
    }
    none_of(&findings)
}

/// A module and all that it imports, directly or not, as a browser would load them.
fn loaded(workspace: &Workspace, first: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut loaded = BTreeSet::from([first.to_owned()]);
    let mut open = vec![first.to_owned()];
    while let Some(module) = open.pop() {
        let source = fs::read_to_string(workspace.path(&module))
            .with_context(|| format!("cannot read {}", module.display()))?;
        for name in imports(&source) {
            let import = beside(&module, name);
            if loaded.insert(import.clone()) {
                open.push(import);
            }
        }
    }
    Ok(loaded)
}

/// The relative modules that a source imports. What stands in a comment is a type, which no browser loads.
fn imports(source: &str) -> Vec<&str> {
    let code = source.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, code)| code));
    let lines = code.flat_map(str::lines).filter(|line| !line.trim_start().starts_with("//"));
    let named = lines.flat_map(|line| ["from '", "import('", "import '"].map(|start| line.split_once(start)));
    let names = named.flatten().filter_map(|(_, rest)| rest.split_once('\'')).map(|(name, _)| name);
    names.filter(|name| name.starts_with('.')).collect()
}

/// The path that a relative import means, without `.` and `..`.
fn beside(module: &Path, name: &str) -> PathBuf {
    let mut path = module.parent().unwrap_or(Path::new("")).to_owned();
    for part in name.split('/') {
        match part {
            "." => {}
            ".." => drop(path.pop()),
            part => path.push(part),
        }
    }
    path
}

fn gzip_bytes(content: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_browser_loads_is_counted() {
        let source = "/** @type {import('./types.js').Frame} */\nimport { a } from './a.js';\n\
            // import './old.js';\nexport { b } from '../b.js';\nawait import('./c.js');\nimport 'node:fs';";
        assert_eq!(imports(source), ["./a.js", "../b.js", "./c.js"]);
        assert_eq!(
            beside(Path::new("x/widget/loader.js"), "../client/http.js"),
            Path::new("x/client/http.js")
        );
    }
}
