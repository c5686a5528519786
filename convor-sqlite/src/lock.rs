//! One process a file: a lock that lasts as long as the process, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::OpenError;

/// A lock on a file of its own beside the database, because a second handle on the database itself would take SQLite's
/// locks away when it is closed. The operating system releases it when the process ends, killed or not; the file stays.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Locks the database at `path`, which need not be there yet.
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        let file =
            create_private(&beside(path, "-lock")).map_err(|error| OpenError::inaccessible(path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(OpenError::inaccessible(path, error)),
        }
    }
}

/// Opens a file to be written, and makes it if it is not there; nobody but its owner can read what is made.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
