//! Postgres refuses to run as root: then it gets an account of its own.

use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// Set where an ordinary user is root, in a namespace that has no other accounts.
pub(crate) const NO_OTHERS: &str = "TASKBOX_NO_OTHER_ACCOUNTS";

/// The account that Postgres's programs run under.
pub(crate) enum Account {
    /// Whoever runs us.
    Own,
    /// Whoever runs us, by another number: as root, in a namespace without other accounts, we are nobody to them.
    OwnAsNobody,
    System {
        uid: u32,
        gid: u32,
    },
}

impl Account {
    /// `postgres`, which the server's package makes, or `nobody`; only root needs either.
    pub(crate) fn for_postgres() -> Result<Self> {
        if !is_root() {
            return Ok(Self::Own);
        }
        if env::var_os(NO_OTHERS).is_some() {
            return Ok(Self::OwnAsNobody);
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(Self::called)
            .context("Postgres refuses to run as root, and there is no account `postgres`: add it with `useradd --system postgres`")
    }

    fn called(name: &str) -> Option<Self> {
        let uid = id(&["-u", name])?;
        let gid = id(&["-g", name])?;
        Some(Self::System { uid, gid })
    }

    /// A command of this account.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        match *self {
            Self::Own => Command::new(program),
            Self::OwnAsNobody => {
                let mut command = Command::new("unshare");
                command.args(["--user", "--map-user=65534", "--map-group=65534", "--"]);
                command.arg(program);
                command
            }
            Self::System { uid, gid } => {
                let mut command = Command::new(program);
                command.uid(uid).gid(gid);
                command
            }
        }
    }

    pub(crate) fn owns(&self, path: &Path) -> Result<()> {
        if let Self::System { uid, gid } = *self {
            chown(path, Some(uid), Some(gid))
                .with_context(|| format!("cannot give {} to Postgres's account", path.display()))?;
        }
        Ok(())
    }
}

pub(crate) fn is_root() -> bool {
    id(&["-u"]) == Some(0)
}

fn id(args: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(args).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
