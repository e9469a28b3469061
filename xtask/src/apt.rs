//! Installing what is missing, where we may.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::account::is_root;
use crate::command::{on_path, run};

/// Installs a Debian package that has `thing`, or says how a person can.
pub(crate) fn install(package: &str, thing: &str) -> Result<()> {
    if !is_root() || on_path("apt-get").is_none() {
        bail!("{thing} not found: install it with `sudo apt-get install {package}`");
    }
    println!("{thing} not found: installing the package {package}");
    install_all(&[package])
}

/// Installs those of the packages that are missing.
pub(crate) fn install_all(packages: &[&str]) -> Result<()> {
    run(apt_get().arg("update"))?;
    run(apt_get().args(["install", "--yes"]).args(packages))
}

/// The sources of another release of Debian, from where this machine has its own.
pub(crate) struct Suite {
    folder: PathBuf,
}

/// Where Debian says where it comes from, since its twelfth release and before.
const ORIGINS: [(&str, &str); 2] = [
    ("/etc/apt/sources.list.d/debian.sources", "URIs:"),
    ("/etc/apt/sources.list", "deb"),
];
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

impl Suite {
    /// Keeps what it needs in a folder of its own: the machine's packages stay those of its release.
    pub(crate) fn new(name: &str, folder: &Path) -> Result<Self> {
        let origin = ORIGINS
            .into_iter()
            .find_map(|(path, mark)| origin(&fs::read_to_string(path).ok()?, mark))
            .context("apt does not say where Debian's packages come from")?;
        let apt = folder.join("apt");
        fs::create_dir_all(apt.join("lists/partial"))?;
        fs::create_dir_all(apt.join("cache/archives/partial"))?;
        fs::write(
            apt.join("debian.sources"),
            format!(
                "Types: deb-src\nURIs: {origin}\nSuites: {name}\nComponents: main\nSigned-By: {KEYRING}\n"
            ),
        )?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The archive of a package's source, as its authors released it.
    pub(crate) fn download_source(&self, package: &str) -> Result<PathBuf> {
        run(self.apt_get().arg("update"))?;
        let mut source = self.apt_get();
        run(source
            .args(["source", "--download-only", package])
            .current_dir(&self.folder))?;
        let entries = fs::read_dir(&self.folder)?
            .flatten()
            .map(|entry| entry.path());
        entries
            .filter(|path| path.to_string_lossy().contains(".orig.tar."))
            .max()
            .with_context(|| format!("apt brought no source of {package}"))
    }

    fn apt_get(&self) -> Command {
        let apt = self.folder.join("apt");
        let option = |name: &str, path: PathBuf| {
            let mut option = OsString::from(format!("{name}="));
            option.push(path);
            option
        };
        let mut command = apt_get();
        for option in [
            option("Dir::Etc::sourcelist", apt.join("debian.sources")),
            option("Dir::Etc::sourceparts", "/dev/null".into()),
            option("Dir::State::lists", apt.join("lists")),
            option("Dir::Cache", apt.join("cache")),
            // Its own account may not write into our folder.
            OsString::from("APT::Sandbox::User=root"),
        ] {
            command.arg("-o").arg(option);
        }
        command
    }
}

/// The address in the first line that begins with `mark`.
fn origin(sources: &str, mark: &str) -> Option<String> {
    let line = sources
        .lines()
        .find_map(|line| line.trim().strip_prefix(mark))?;
    let address = line.split_whitespace().find(|word| word.contains("://"))?;
    Some(address.to_owned())
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        .arg("--quiet")
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn the_address_is_that_of_the_machine() {
        let new = "Types: deb\n# a comment\nURIs: http://mirror.example/debian\nSuites: bookworm\n";
        assert_eq!(
            origin(new, "URIs:").as_deref(),
            Some("http://mirror.example/debian")
        );
        let old = "# a comment\ndeb [signed-by=/key] http://mirror.example/debian bookworm main\n";
        assert_eq!(
            origin(old, "deb").as_deref(),
            Some("http://mirror.example/debian")
        );
        assert_eq!(origin("", "deb"), None);
    }
}
