//! Where a server listens.

use std::fmt::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::Settings;

/// The host of a URL, as this is shown.
pub(super) enum Address {
    Port(u16),
    /// A socket in this folder and nothing else: while its server is away, nobody can take its place.
    Folder(PathBuf),
}

impl Address {
    pub(super) fn of(settings: Settings, folder: &Path) -> Result<Self> {
        Ok(match settings {
            Settings::Fast | Settings::Durable => Self::Port(free_port()?),
            Settings::Alone | Settings::Cramped => Self::Folder(folder.to_owned()),
        })
    }

    /// What the server is told, beside the folder for its socket.
    pub(super) fn of_server(&self, command: &mut Command) {
        match self {
            Self::Port(port) => command.args(["-h", "127.0.0.1", "-p", &port.to_string()]),
            Self::Folder(_) => command.args(["-h", ""]),
        };
    }

    /// What one of Postgres's own clients is told.
    pub(super) fn of_client(&self, command: &mut Command) {
        match self {
            Self::Port(port) => {
                command.args(["--host=127.0.0.1", "--port", &port.to_string()]);
            }
            Self::Folder(folder) => {
                command.arg("--host").arg(folder);
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, "127.0.0.1:{port}"),
            Self::Folder(folder) => encode(f, folder.as_os_str().as_bytes()),
        }
    }
}

/// As a URL has it where a `/` would end the host.
fn encode(f: &mut fmt::Formatter<'_>, path: &[u8]) -> fmt::Result {
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            f.write_char(byte.into())?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_host_in_a_url() {
        let folder = Address::Folder("/tmp/a b/c-1".into());
        assert_eq!(folder.to_string(), "%2Ftmp%2Fa%20b%2Fc-1");
        assert_eq!(Address::Port(5432).to_string(), "127.0.0.1:5432");
    }
}
