//! The passwords of the demonstration, from one start to the next: a file beside the storage that nobody but its owner can
//! read. The storage itself keeps hashes only.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use convor::ids::OperatorId;

/// Who signs in with what.
pub(super) struct Passwords {
    file: Option<PathBuf>,
    known: BTreeMap<OperatorId, String>,
    /// Whose password was to be set when an earlier start was cut off.
    begun: BTreeSet<OperatorId>,
    shared: bool,
}

impl Passwords {
    /// Those of the last time; none without a file. Of a storage that is shared, other servers may keep others.
    pub(super) fn read(file: Option<&Path>, shared: bool) -> anyhow::Result<Self> {
        let (known, new) = match file {
            None => Default::default(),
            Some(file) => (read(file)?, read(&beside(file))?),
        };
        let begun = new.into_keys().filter(|operator| !known.contains_key(operator)).collect();
        Ok(Self { file: file.map(Path::to_owned), known, begun, shared })
    }

    pub(super) fn of(&self, operator: OperatorId) -> Option<&str> {
        self.known.get(&operator).map(String::as_str)
    }

    /// Whether one that is not here may be with another server.
    pub(super) fn may_be_elsewhere(&self, operator: OperatorId) -> bool {
        self.shared && !self.begun.contains(&operator)
    }

    /// Fails if passwords cannot be kept.
    pub(super) fn prove_writable(&self) -> anyhow::Result<()> {
        self.write(&self.known)
    }

    /// Writes down a password that is about to be set. It counts only once it is kept.
    pub(super) fn begin(&self, operator: OperatorId, password: &str) -> anyhow::Result<()> {
        let mut all = self.known.clone();
        all.insert(operator, password.to_owned());
        self.write(&all)
    }

    /// Keeps a password that was begun and has been set: what was written takes the place of the file, so that there is always
    /// a whole one.
    pub(super) fn keep(&mut self, operator: OperatorId, password: &str) -> anyhow::Result<()> {
        self.known.insert(operator, password.to_owned());
        let Some(file) = &self.file else { return Ok(()) };
        std::fs::rename(beside(file), file).with_context(|| cannot_keep(file))
    }

    /// Writes them beside the file.
    fn write(&self, passwords: &BTreeMap<OperatorId, String>) -> anyhow::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        write(&beside(file), &serde_json::to_vec(passwords)?).with_context(|| cannot_keep(file))
    }
}

fn cannot_keep(file: &Path) -> String {
    format!("cannot keep the demonstration's passwords in {}", file.display())
}

/// Where the next state of the file is written.
fn beside(file: &Path) -> PathBuf {
    let mut new = file.as_os_str().to_owned();
    new.push("-new");
    new.into()
}

fn read(file: &Path) -> anyhow::Result<BTreeMap<OperatorId, String>> {
    match std::fs::read(file) {
        // What cannot be understood is made anew.
        Ok(content) => Ok(serde_json::from_slice(&content).unwrap_or_default()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error)
            .with_context(|| format!("cannot read the demonstration's passwords in {}", file.display())),
    }
}

/// Writes a file that nobody but its owner can read.
fn write(file: &Path, content: &[u8]) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut writing = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    writing.write_all(content)?;
    writing.sync_all()
}
