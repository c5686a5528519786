//! How big a tracked file may be: a source that one reads in a sitting, a repository that clones quickly.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::steps::none_of;
use crate::workspace::Workspace;

const SOURCE_LINES_MAX: usize = 500;
const FILE_BYTES_MAX: u64 = 1024 * 1024;

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let mut findings = Vec::new();
    for file in workspace.files()? {
        let bytes = fs::metadata(workspace.path(&file))?.len();
        if bytes > FILE_BYTES_MAX {
            findings.push(format!("{}: {bytes} bytes, at most {FILE_BYTES_MAX}", file.display()));
        } else if is_source(&file) {
            let lines = workspace.read(&file)?.lines().count();
            if lines > SOURCE_LINES_MAX {
                findings.push(format!("{}: {lines} lines, at most {SOURCE_LINES_MAX}", file.display()));
            }
        }
    }
    none_of(&findings)
}

fn is_source(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| ["css", "js", "rs", "sql"].iter().any(|source| extension == *source))
}
