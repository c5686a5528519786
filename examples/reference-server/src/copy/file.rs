//! The file of an archive: compressed if its name ends in `.gz`, and never seen under its name before it is whole.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail, ensure};
use convor::transfer::archive::{ArchiveError, ArchiveReader, LINE_BYTES_MAX, Part};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use nix::fcntl::OFlag;

/// With what a compressed file begins (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// An archive that is being written.
pub(super) struct Sink {
    path: PathBuf,
    partial: Partial,
    writing: Writing,
}

/// The name of what is not whole yet, which goes with it.
struct Partial(PathBuf);

impl Partial {
    /// The archive has a name of its own now.
    fn remove(mut self) -> io::Result<()> {
        std::fs::remove_file(std::mem::take(&mut self.0))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            // If it cannot be removed, the next attempt overwrites it.
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

enum Writing {
    Plain(BufWriter<File>),
    Compressed(GzEncoder<BufWriter<File>>),
}

impl Sink {
    /// Begins an archive; what an earlier attempt has left is overwritten.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        ensure!(!path.exists(), "{} is there already; remove it, or name another file", path.display());
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = private(&partial).with_context(|| format!("cannot write {}", partial.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another process writes {}", partial.display()),
            Err(TryLockError::Error(error)) => return Err(error).context("cannot lock the archive"),
        }
        // Whoever had the lock may have given the file its name since it was opened here.
        ensure!(is_alone(&file, &partial), "{} is no file of this command's alone", partial.display());
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.set_len(0)?;
        let file = BufWriter::new(file);
        let writing = if path.extension().is_some_and(|extension| extension == "gz") {
            Writing::Compressed(GzEncoder::new(file, Compression::default()))
        } else {
            Writing::Plain(file)
        };
        Ok(Self { path: path.to_owned(), partial: Partial(partial), writing })
    }

    /// Writes lines, and empties their buffer.
    pub(super) fn write(&mut self, lines: &mut Vec<u8>) -> anyhow::Result<()> {
        let written = match &mut self.writing {
            Writing::Plain(file) => file.write_all(lines),
            Writing::Compressed(file) => file.write_all(lines),
        };
        lines.clear();
        written.with_context(|| format!("cannot write {}", self.partial.0.display()))
    }

    /// Gives the archive its name, now that it is whole.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let Self { path, partial, writing } = self;
        let finished = move || -> io::Result<()> {
            let file = match writing {
                Writing::Plain(file) => file,
                Writing::Compressed(file) => file.finish()?,
            };
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            // It goes before the file does, and with it the lock.
            let partial = partial;
            file.sync_all()?;
            // A link is refused where a file is; a rename would put itself in its place.
            std::fs::hard_link(&partial.0, &path)?;
            partial.remove()?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        finished().context("cannot finish the archive")
    }
}

/// A file that nobody but its owner can read; what it holds is left as it is, and a link is not followed.
fn private(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags.bits()).open(path)
}

/// Whether a file has this name, and no other.
fn is_alone(file: &File, path: &Path) -> bool {
    let (Ok(file), Ok(named)) = (file.metadata(), path.symlink_metadata()) else { return false };
    file.is_file() && file.nlink() == 1 && (file.dev(), file.ino()) == (named.dev(), named.ino())
}

/// An archive that is read.
pub(super) struct Source {
    file: File,
    lines: Box<dyn BufRead + Send>,
    read: Arc<AtomicU64>,
    archive: ArchiveReader,
    number: u64,
    line: Vec<u8>,
}

impl Source {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let read = Arc::default();
        let lines = decompressed(&file, &read)?;
        Ok(Self { file, lines, read, archive: ArchiveReader::default(), number: 0, line: Vec::new() })
    }

    /// Begins anew, with the same file.
    pub(super) fn rewind(&mut self) -> anyhow::Result<()> {
        self.file.rewind()?;
        self.read = Arc::default();
        self.lines = decompressed(&self.file, &self.read)?;
        (self.archive, self.number) = (ArchiveReader::default(), 0);
        Ok(())
    }

    /// How many bytes the line of the last part has.
    pub(super) const fn line_bytes(&self) -> usize {
        self.line.len()
    }

    /// Whether others are to have a turn: after so many lines each time.
    pub(super) const fn is_turn_of_others(&self) -> bool {
        self.number.is_multiple_of(1_000)
    }

    /// How large the file is, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    /// How many of its bytes have been read.
    pub(super) fn position(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// The next part; `None` at the end of a whole archive.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Part>> {
        self.line.clear();
        let bound = LINE_BYTES_MAX as u64 + 1;
        let taken = self.lines.by_ref().take(bound).read_until(b'\n', &mut self.line);
        match taken {
            Ok(0) if self.archive.is_whole() => return Ok(None),
            Ok(0) => return Err(ArchiveError::CutOff(self.number).into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(ArchiveError::CutOff(self.number).into());
            }
            Err(error)
                if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) =>
            {
                return Err(ArchiveError::Line(self.number + 1).into());
            }
            Err(error) => return Err(error).context("cannot read the archive"),
        }
        self.number += 1;
        match self.line.strip_suffix(b"\n") {
            Some(line) => Ok(Some(self.archive.line(self.number, line)?)),
            None if self.number == 1 => Err(ArchiveError::NoArchive.into()),
            None if self.line.len() > LINE_BYTES_MAX => Err(ArchiveError::Line(self.number).into()),
            None => Err(ArchiveError::CutOff(self.number - 1).into()),
        }
    }
}

fn decompressed(file: &File, read: &Arc<AtomicU64>) -> io::Result<Box<dyn BufRead + Send>> {
    let mut file = BufReader::new(Counted { file: file.try_clone()?, read: Arc::clone(read) });
    if file.fill_buf()?.starts_with(&GZIP) {
        Ok(Box::new(BufReader::new(MultiGzDecoder::new(file))))
    } else {
        Ok(Box::new(file))
    }
}

/// Counts what is read of a file.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("convor-sink-{name}-{}", std::process::id()));
            std::fs::create_dir(&path).expect("a folder");
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_an_earlier_attempt_has_left_is_overwritten_and_private() {
        let folder = Folder::new("left");
        let (path, partial) = (folder.0.join("a"), folder.0.join("a.partial"));
        std::fs::write(&partial, "an earlier attempt").expect("a file");
        let mut sink = Sink::create(&path).expect("it begins");
        sink.write(&mut b"whole".to_vec()).expect("it is written");
        sink.finish().expect("it ends");
        assert_eq!(std::fs::read(&path).expect("a file"), b"whole");
        assert_eq!(path.metadata().expect("it is there").mode() & 0o777, 0o600);
        assert!(!partial.exists());
    }

    #[test]
    fn what_does_not_become_whole_leaves_nothing() {
        let folder = Folder::new("nothing");
        let (path, partial) = (folder.0.join("a"), folder.0.join("a.partial"));
        drop(Sink::create(&path).expect("it begins"));
        assert!(!partial.exists() && !path.exists());
        let sink = Sink::create(&path).expect("it begins");
        std::fs::write(&path, "another one").expect("a file");
        assert!(sink.finish().is_err(), "its name is taken");
        assert!(!partial.exists());
        assert_eq!(std::fs::read(&path).expect("a file"), b"another one");
    }

    #[test]
    fn a_link_is_neither_followed_nor_emptied() {
        let folder = Folder::new("links");
        let (path, partial) = (folder.0.join("a"), folder.0.join("a.partial"));
        let precious = folder.0.join("precious");
        std::fs::write(&precious, "precious").expect("a file");
        std::os::unix::fs::symlink(&precious, &partial).expect("a link");
        assert!(Sink::create(&path).is_err(), "a symbolic link");
        std::fs::remove_file(&partial).expect("it is removed");
        std::fs::hard_link(&precious, &partial).expect("a link");
        assert!(Sink::create(&path).is_err(), "a file with another name");
        assert_eq!(std::fs::read(&precious).expect("a file"), b"precious");
    }

    #[test]
    fn an_archive_that_was_finished_after_it_was_opened_is_not_emptied() {
        let folder = Folder::new("finished");
        let (path, partial) = (folder.0.join("a"), folder.0.join("a.partial"));
        let mut sink = Sink::create(&path).expect("it begins");
        sink.write(&mut b"whole".to_vec()).expect("it is written");
        let late = private(&partial).expect("it is open");
        assert!(is_alone(&late, &partial), "it is being written");
        sink.finish().expect("it ends");
        assert!(!is_alone(&late, &partial), "it has another name now");
        drop(private(&partial).expect("another file"));
        assert!(!is_alone(&late, &partial), "another file has its name");
    }
}
