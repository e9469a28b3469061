//! Finding `PgBouncer`, or building it: in transaction mode it has to keep prepared statements, which Debian 12's cannot.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::account::is_root;
use crate::apt::{self, Suite};
use crate::command::{on_path, root, run};

/// The first version that prepares statements anew on whichever connection a transaction gets.
const SINCE: (u32, u32) = (1, 21);
/// A release of Debian that has such a version, as source.
const SUITE: &str = "trixie";

/// The `pgbouncer` on the search path, or one that it installs in /usr/local.
pub(crate) fn find_or_install() -> Result<PathBuf> {
    let installed = || on_path("pgbouncer").filter(|program| suits(program));
    if let Some(program) = installed() {
        return Ok(program);
    }
    if !is_root() || on_path("apt-get").is_none() {
        bail!(
            "PgBouncer {}.{} or later not found: install it, such as with `sudo apt-get install pgbouncer`",
            SINCE.0,
            SINCE.1
        );
    }
    println!(
        "PgBouncer {}.{} or later not found: building it from Debian's source",
        SINCE.0, SINCE.1
    );
    build().context("cannot build PgBouncer")?;
    installed()
        .context("PgBouncer was built, and is not on the search path: add /usr/local/bin to it")
}

fn build() -> Result<()> {
    apt::install_all(&["gcc", "libevent-dev", "make", "pkgconf"])?;
    let folder = root().join("target/tools/pgbouncer");
    fs::create_dir_all(&folder)?;
    let archive = Suite::new(SUITE, &folder)?.download_source("pgbouncer")?;
    let within = |program: &str| {
        let mut command = Command::new(program);
        command.current_dir(&folder);
        command
    };
    run(within("tar")
        .args(["--extract", "--strip-components=1", "--file"])
        .arg(archive))?;
    // Neither is asked for by who connects from the same machine.
    run(within("./configure").args(["--quiet", "--without-cares", "--without-openssl"]))?;
    run(within("make").args(["--silent", "--jobs=2", "pgbouncer"]))?;
    run(within("install").args(["pgbouncer", "/usr/local/bin"]))
}

fn suits(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| is_usable(&String::from_utf8_lossy(&output.stdout)))
}

/// `about` is what `pgbouncer --version` prints: `PgBouncer 1.24.1` in its first line.
fn is_usable(about: &str) -> bool {
    let version = about.strip_prefix("PgBouncer ").unwrap_or_default();
    let mut numbers = version
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|part| part.parse().ok());
    numbers.next().zip(numbers.next()) >= Some(SINCE)
}

#[cfg(test)]
mod tests {
    use super::is_usable;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(is_usable("PgBouncer 1.24.1\nlibevent 2.1.12-stable\n"));
        assert!(is_usable("PgBouncer 1.21.0\n"));
        assert!(is_usable("PgBouncer 2.0rc1\n"));
        assert!(!is_usable("PgBouncer 1.18.0\n"));
        assert!(!is_usable("PgBouncer 1.9.0\n"));
        assert!(!is_usable(""));
    }
}
