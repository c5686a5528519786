//! The passwords of the demonstration, from one start to the next: a file beside the storage that nobody but its owner can
//! read. The storage itself keeps hashes only.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use convor::ids::OperatorId;

/// Who signs in with what.
pub(super) struct Passwords {
    file: Option<PathBuf>,
    known: BTreeMap<OperatorId, String>,
    shared: bool,
}

impl Passwords {
    /// Those of the last time; none without a file. Of a storage that is shared, other servers may keep others.
    pub(super) fn read(file: Option<&Path>, shared: bool) -> anyhow::Result<Self> {
        let known = match file.map(std::fs::read) {
            None => BTreeMap::new(),
            Some(Err(error)) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            // What cannot be understood is made anew.
            Some(Ok(content)) => serde_json::from_slice(&content).unwrap_or_default(),
            Some(Err(error)) => return Err(error).context("cannot read the demonstration's passwords"),
        };
        Ok(Self { file: file.map(Path::to_owned), known, shared })
    }

    pub(super) fn of(&self, operator: OperatorId) -> Option<&str> {
        self.known.get(&operator).map(String::as_str)
    }

    /// Whether one that is not here may be with another server.
    pub(super) const fn may_be_elsewhere(&self) -> bool {
        self.shared
    }

    /// Keeps a password that has been set. Only then: one that is kept is taken to be the operator's.
    pub(super) fn keep(&mut self, operator: OperatorId, password: &str) -> anyhow::Result<()> {
        self.known.insert(operator, password.to_owned());
        let Some(file) = &self.file else { return Ok(()) };
        write(file, &serde_json::to_vec(&self.known)?)
            .with_context(|| format!("cannot keep the demonstration's passwords in {}", file.display()))
    }
}

/// Puts a file in the place of another, so that there is always a whole one.
fn write(file: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut new = file.as_os_str().to_owned();
    new.push("-new");
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut writing = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    writing.write_all(content)?;
    writing.sync_all()?;
    std::fs::rename(&new, file)
}
