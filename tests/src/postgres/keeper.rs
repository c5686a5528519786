//! What holds a server: a shell that does as it is told, and cleans up when nobody tells it any more.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Stdio;

use nix::unistd::{Uid, User, getgid, getuid};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::environment::provided;
use crate::patience::PATIENCE;
use crate::place::place;

/// What the shell runs, and the commands that it knows.
const SCRIPT: &str = include_str!("keeper.sh");

/// Around it for a server with a disk of its own, which only this script and what it starts can see: as root, which
/// then becomes somebody else,
const DISK_OF_ROOT: &str = r#"
trap '' HUP INT PIPE TERM
unshare --mount sh -c '
    mkdir "$FOLDER/data" &&
        mount -t tmpfs -o "size=${MEGABYTES}m,mode=0700,uid=$USER_ID,gid=$GROUP_ID" none "$FOLDER/data" &&
        exec setpriv --reuid "$USER_ID" --regid "$GROUP_ID" --clear-groups sh -c "$SCRIPT"'
rm -rf "$FOLDER"
"#;

/// and as anybody else, where a user may be root in a world of its own.
const DISK_OF_USER: &str = r#"
trap '' HUP INT PIPE TERM
unshare --user --map-root-user --mount sh -c '
    mkdir "$FOLDER/data" &&
        mount -t tmpfs -o "size=${MEGABYTES}m,mode=0700" none "$FOLDER/data" &&
        exec unshare --user --map-user "$USER_ID" --map-group "$GROUP_ID" sh -c "$SCRIPT"'
rm -rf "$FOLDER"
"#;

/// Dropped, it ends what it keeps in its own time.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) address: SocketAddr,
    folder: PathBuf,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    complaints: ChildStderr,
    _shell: Child,
}

impl Keeper {
    /// A keeper with nothing to keep yet; its server's disk has this many megabytes, or all that there are.
    pub(super) fn new(megabytes: Option<u32>) -> Self {
        let programs = provided("CONVOR_POSTGRES_PROGRAMS");
        let (address, folder) = place();
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).expect("it is ours");

        let root = Uid::effective().is_root();
        let (user, group) = if root { unprivileged() } else { (getuid().as_raw(), getgid().as_raw()) };
        chown(&folder, Some(user), Some(group)).expect("it may be given away");
        let mut command = Command::new("sh");
        command.arg("-c").arg(match (megabytes, root) {
            (None, _) => SCRIPT,
            (Some(_), true) => DISK_OF_ROOT,
            (Some(_), false) => DISK_OF_USER,
        });
        if root && megabytes.is_none() {
            command.uid(user).gid(group);
        }
        let mut shell = command
            .env("PROGRAMS", programs)
            .env("SCRIPT", SCRIPT)
            .env("FOLDER", &folder)
            .env("PORT", address.port().to_string())
            .env("MEGABYTES", megabytes.unwrap_or_default().to_string())
            .env("USER_ID", user.to_string())
            .env("GROUP_ID", group.to_string())
            // What ends the test by a signal must not end what cleans up after it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        let commands = shell.stdin.take().expect("piped");
        let answers = BufReader::new(shell.stdout.take().expect("piped")).lines();
        let complaints = shell.stderr.take().expect("piped");
        Self { address, folder, commands, answers, complaints, _shell: shell }
    }

    /// Runs a command of the script's to its end, or tells what was said instead.
    pub(super) async fn run(&mut self, command: &str) -> Result<(), String> {
        // A shell that is gone does not listen, nor does it answer.
        let _ = self.commands.write_all(format!("{command}\n").as_bytes()).await;
        let status = timeout(PATIENCE, self.answers.next_line()).await.expect("it is done in time");
        match status.expect("a line").as_deref() {
            Some("0") => Ok(()),
            Some(_) => Err(fs::read_to_string(self.folder.join("said")).expect("what it said")),
            None => {
                let mut said = String::new();
                let read = timeout(PATIENCE, self.complaints.read_to_string(&mut said)).await;
                read.expect("the shell is gone").expect("what it said");
                Err(format!(
                    "{said}a disk of its own needs root, or user namespaces for everybody: try `unshare -rm true`"
                ))
            }
        }
    }

    /// What the superuser of a server that there is says to come in.
    pub(super) fn password(&self) -> String {
        fs::read_to_string(self.folder.join("password")).expect("a server has a password")
    }
}

/// PostgreSQL refuses to run as root.
fn unprivileged() -> (u32, u32) {
    let found = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
    let user = found.expect("a user that is not root");
    (user.uid.as_raw(), user.gid.as_raw())
}
