//! Where things lie in the checkout.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};
use cargo_metadata::MetadataCommand;

use crate::process::output;

/// The checkout that this program was built from.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml");
        let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec()?;
        Ok(Self { root: metadata.workspace_root.into(), target: metadata.target_directory.into() })
    }

    /// A path of the checkout, given relative to its root.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// A path among what is built, which no commit contains.
    pub(crate) fn target(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.target.join(relative)
    }

    /// A program that is started in the root of the checkout.
    pub(crate) fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(&self.root);
        command
    }

    /// The cargo that runs this program, so that its toolchain is the one that is used throughout.
    pub(crate) fn cargo(&self) -> Command {
        self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// The files that are tracked or would be with the next `git add`, relative to the root.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut list = self.command("git");
        list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let names = output(&mut list)?;
        let mut files: Vec<PathBuf> = names
            .split('\0')
            .filter(|name| !name.is_empty() && self.path(name).is_file())
            .map(PathBuf::from)
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// The text of a file, or what to say when it cannot be had.
    pub(crate) fn read(&self, relative: impl AsRef<Path>) -> Result<String> {
        let relative = relative.as_ref();
        fs::read_to_string(self.path(relative)).with_context(|| format!("cannot read {}", relative.display()))
    }
}
