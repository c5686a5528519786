//! What a visitor of a customer's website downloads.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::steps::none_of;
use crate::workspace::Workspace;

/// The part that every page view loads, whether or not anybody chats; as it lies on disk.
const LOADER_BYTES_MAX: usize = 3 * 1024;
/// All that is loaded once a visitor opens the chat, compressed file by file, as it is served.
const WIDGET_GZIP_BYTES_MAX: usize = 25 * 1024;

const LOADER: &str = "clients/js/widget/loader.js";
const FOLDERS: [(&str, &[&str]); 2] = [("clients/js/widget", &["css", "js"]), ("clients/js/client", &["js"])];

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let loader = fs::read(workspace.path(LOADER)).with_context(|| format!("cannot read {LOADER}"))?.len();
    let mut widget = 0;
    for file in workspace.files()?.iter().filter(|file| is_loaded(file)) {
        let compressed = gzip_bytes(&fs::read(workspace.path(file))?)?;
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

/// Whether a browser loads this file; a test lies beside what it tests and is not loaded.
fn is_loaded(file: &Path) -> bool {
    let Some(extension) = file.extension().and_then(|extension| extension.to_str()) else {
        return false;
    };
    let is_test = file.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| stem.ends_with(".test"));
    let is_there =
        |(folder, extensions): &(&str, &[&str])| file.starts_with(folder) && extensions.contains(&extension);
    !is_test && FOLDERS.iter().any(is_there)
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
    fn tests_and_types_are_not_loaded() {
        assert!(is_loaded(Path::new("clients/js/widget/panel/panel.css")));
        assert!(is_loaded(Path::new("clients/js/client/socket.js")));
        assert!(!is_loaded(Path::new("clients/js/client/socket.test.js")));
        assert!(!is_loaded(Path::new("clients/js/client/page.css")));
        assert!(!is_loaded(Path::new("clients/js/tsconfig.json")));
    }
}
