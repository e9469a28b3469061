//! Postgres refuses to run as root: then it gets an account of its own.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// The account that Postgres's programs run under.
pub(crate) enum Account {
    /// Whoever runs us.
    Own,
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

    pub(crate) fn runs(&self, command: &mut Command) {
        if let Self::System { uid, gid } = *self {
            command.uid(uid).gid(gid);
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
