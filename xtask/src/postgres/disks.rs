//! Small disks for a server, which a test can fill without harm to others.
//!
//! They are file systems in memory, in a mount namespace of the keeper: nobody else sees them, and they go with the last
//! process in there, however that ends.

use std::env;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::account::{Account, NO_OTHERS, is_root};
use crate::command::run;

/// Set for the keeper that is in a namespace of its own.
const INSIDE: &str = "TASKBOX_KEEPER_INSIDE";
/// Several times what a test's database has, and its log.
const OPTIONS: &str = "size=32m,mode=0700";
const BALLAST: &str = "ballast";
const MAY_NOT: &str = "a test fills a disk, and this machine lets nobody mount one: run the tests as root (in a container \
     with `--cap-add SYS_ADMIN`), or let users have namespaces (`sysctl kernel.apparmor_restrict_unprivileged_userns=0` on \
     Ubuntu)";

/// Begins this program anew where what is mounted is its own affair, unless it is there already. An ordinary user is root
/// there, and nowhere else.
pub(crate) fn enter() -> Result<()> {
    if env::var_os(INSIDE).is_some() {
        return Ok(());
    }
    let tried = unshare().arg("true").output();
    if !tried.is_ok_and(|output| output.status.success()) {
        bail!(MAY_NOT);
    }
    let mut again = unshare();
    again.arg(env::current_exe()?).args(env::args_os().skip(1));
    Err(again.env(INSIDE, "1").exec().into())
}

fn unshare() -> Command {
    let mut command = Command::new("unshare");
    if !is_root() {
        command.args(["--user", "--map-root-user"]);
        command.env(NO_OTHERS, "1");
    }
    command.args(["--mount", "--"]);
    command
}

/// One for the tables and one for the log, so that either can be full while the other is not.
pub(super) struct Disks {
    tables: Disk,
    log: Disk,
}

impl Disks {
    pub(super) fn mount(folder: &Path, account: &Account) -> Result<Self> {
        Ok(Self {
            tables: Disk::mount(folder.join("tables"), account)?,
            log: Disk::mount(folder.join("log-disk"), account)?,
        })
    }

    /// Where the log goes, in a folder that is not there yet.
    pub(super) fn log(&self) -> PathBuf {
        self.log.path.join("wal")
    }

    pub(super) fn fill_tables(&self) -> Result<()> {
        self.tables.fill()
    }

    pub(super) fn fill_log(&self) -> Result<()> {
        self.log.fill()
    }

    /// Makes room on both.
    pub(super) fn free(&self) -> Result<()> {
        self.tables.free()?;
        self.log.free()
    }
}

struct Disk {
    path: PathBuf,
}

impl Disk {
    fn mount(path: PathBuf, account: &Account) -> Result<Self> {
        fs::create_dir(&path)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", OPTIONS, "tmpfs"]);
        run(mount.arg(&path)).context(MAY_NOT)?;
        let disk = Self { path };
        account.owns(&disk.path)?;
        Ok(disk)
    }

    fn fill(&self) -> Result<()> {
        let mut ballast = File::create(self.path.join(BALLAST))?;
        match io::copy(&mut io::repeat(0), &mut ballast) {
            Err(error) if error.kind() == ErrorKind::StorageFull => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => bail!("the disk {} has no end", self.path.display()),
        }
    }

    fn free(&self) -> Result<()> {
        match fs::remove_file(self.path.join(BALLAST)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl Drop for Disk {
    /// So that its folder can be removed.
    fn drop(&mut self) {
        if let Err(error) = run(Command::new("umount").arg("--lazy").arg(&self.path)) {
            eprintln!("warning: {error:#}");
        }
    }
}
