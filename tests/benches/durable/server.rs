//! A server that is started for a bench, on the disk that ours is on, and stopped again.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use nix::unistd::{Uid, User};
use tempfile::TempDir;

/// How often, and how long after each other, it is seen whether a server is there.
const LOOKS: u32 = 400;
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// A server of its own, in a folder of its own.
pub(crate) struct Server {
    child: Child,
    _folder: TempDir,
}

impl Server {
    /// Starts what `command` says and waits until it is there.
    pub(crate) fn start(
        folder: TempDir,
        command: &mut Command,
        mut is_there: impl FnMut() -> bool,
    ) -> Result<Self, String> {
        let program = command.get_program().display().to_string();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = child.spawn().map_err(|error| not_started(&program, &error))?;
        let mut server = Self { child, _folder: folder };
        for _ in 0..LOOKS {
            if is_there() {
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait().map_err(|error| error.to_string())? {
                return Err(format!("`{program}` ended as it was started: {status}"));
            }
            look_again_later();
        }
        Err(format!("`{program}` did not answer"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What it has goes with its folder.
        let _: io::Result<()> = self.child.kill();
        let _: io::Result<_> = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "another program is waited for, which tells nobody")]
fn look_again_later() {
    thread::sleep(BETWEEN_LOOKS);
}

/// Why a program was not run.
pub(crate) fn not_started(program: &str, error: &io::Error) -> String {
    format!("`{program}` was not started: {error}")
}

/// A port that nobody listens at.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Who runs a server that refuses to be run by root: nobody else where we are not root.
pub(crate) struct Servant(Option<User>);

impl Servant {
    pub(crate) fn find() -> Result<Self, String> {
        if !Uid::effective().is_root() {
            return Ok(Self(None));
        }
        let found = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok()?);
        found.map(|user| Self(Some(user))).ok_or_else(|| {
            "neither `postgres` nor `nobody` is a user of this machine, and root is refused".into()
        })
    }

    /// Gives the folder to whoever runs the server.
    pub(crate) fn give(&self, folder: &Path) {
        if let Some(User { uid, gid, .. }) = &self.0 {
            chown(folder, Some(uid.as_raw()), Some(gid.as_raw())).unwrap();
        }
    }

    /// A command in that folder, as whoever runs the server.
    pub(crate) fn command(&self, program: impl AsRef<Path>, folder: &Path) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(folder);
        if let Some(User { uid, gid, .. }) = &self.0 {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        command
    }
}

/// Where a program of PostgreSQL is: in the path, or where Debian has the newest.
pub(crate) fn of_postgres(program: &str) -> PathBuf {
    let in_path = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
    });
    let by_version = || {
        let folders = fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
        let files = folders.map(|folder| folder.path().join("bin").join(program));
        let version = |file: &PathBuf| {
            file.components().rev().nth(2)?.as_os_str().to_str()?.parse::<u32>().ok()
        };
        files.filter(|file| file.is_file()).max_by_key(version)
    };
    in_path.or_else(by_version).unwrap_or_else(|| program.into())
}
