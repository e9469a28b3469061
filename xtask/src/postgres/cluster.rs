//! The keeper's part: one temporary folder, and the server on it.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::Settings;
use super::certificates::{ADMISSION, Certificates};
use crate::account::Account;
use crate::programs::ServerPrograms;

const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);
const LOG_TAIL: usize = 20;

/// Data, socket and log of a server, in a folder that goes when this is dropped.
pub(super) struct Cluster<'a> {
    programs: &'a ServerPrograms,
    account: Account,
    certificates: Certificates,
    folder: TempDir,
}

impl<'a> Cluster<'a> {
    pub(super) fn create(programs: &'a ServerPrograms) -> Result<Self> {
        let account = Account::for_postgres()?;
        let folder = tempfile::Builder::new()
            .prefix("taskbox-postgres-")
            .tempdir()?;
        account.owns(folder.path())?;
        let certificates = Certificates::create(folder.path().join("certificates"), &account)?;
        let cluster = Self {
            programs,
            account,
            certificates,
            folder,
        };
        cluster.initialize()?;
        cluster.admit()?;
        Ok(cluster)
    }

    fn initialize(&self) -> Result<()> {
        let output = self
            .command("initdb")
            .args(["--no-sync", "--username=postgres", "--auth=trust"])
            .args(["--encoding=UTF8", "--locale=C", "--pgdata=data"])
            .output()
            .with_context(|| self.cannot_enter("initdb"))?;
        if !output.status.success() {
            bail!(
                "`initdb` failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    /// The first line that fits counts, so ours go before those of `initdb`.
    fn admit(&self) -> Result<()> {
        let path = self.folder.path().join("data/pg_hba.conf");
        let rest = fs::read_to_string(&path)?;
        Ok(fs::write(path, format!("{ADMISSION}{rest}"))?)
    }

    pub(super) fn certificates(&self) -> &Path {
        self.certificates.folder()
    }

    /// Most often it is the folder's parents, which only their owner may enter.
    fn cannot_enter(&self, name: &str) -> String {
        let folder = self.folder.path().display();
        format!("cannot run `{name}` in {folder} (TMPDIR chooses another place)")
    }

    /// A server that accepts connections.
    pub(super) fn start(&self, settings: Settings) -> Result<Process> {
        // Another process may take the port that we found before Postgres does: once is bad luck.
        self.try_start(settings)
            .or_else(|_| self.try_start(settings))
    }

    fn try_start(&self, settings: Settings) -> Result<Process> {
        let port = free_port()?;
        let mut process = Process {
            child: self.postgres(settings, port)?.spawn()?,
            port,
        };
        self.wait_until_ready(&mut process).with_context(|| {
            format!(
                "Postgres did not start; the end of its log:\n{}",
                self.log_tail()
            )
        })?;
        Ok(process)
    }

    fn postgres(&self, settings: Settings, port: u16) -> Result<Command> {
        let log = File::create(self.folder.path().join("log"))?;
        let mut command = self.command("postgres");
        command
            .args(["-D", "data", "-h", "127.0.0.1", "-p"])
            .arg(port.to_string());
        command.arg("-k").arg(self.folder.path());
        for value in settings.values() {
            command.args(["-c", value]);
        }
        for value in self.certificates.settings() {
            command.args(["-c", &value]);
        }
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }

    fn wait_until_ready(&self, process: &mut Process) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        while !self.is_ready(process.port)? {
            if let Some(status) = process.child.try_wait()? {
                bail!("it ended ({status})");
            }
            if Instant::now() > deadline {
                bail!("it accepted no connection in {} s", START_LIMIT.as_secs());
            }
            sleep(POLL);
        }
        Ok(())
    }

    fn is_ready(&self, port: u16) -> Result<bool> {
        let status = self
            .command("pg_isready")
            .args([
                "--quiet",
                "--host=127.0.0.1",
                "--username=postgres",
                "--dbname=postgres",
                "--port",
            ])
            .arg(port.to_string())
            .status()
            .context("cannot run `pg_isready`")?;
        Ok(status.success())
    }

    /// One of Postgres's programs, in our folder and under its account.
    fn command(&self, name: &str) -> Command {
        let mut command = self.programs.command(name);
        command.current_dir(self.folder.path());
        self.account.runs(&mut command);
        command
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n")
    }
}

/// A running `postgres`; dropping it stops it.
pub(super) struct Process {
    child: Child,
    port: u16,
}

impl Process {
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Stops at once: nobody reads the data again, so there is nothing to write out.
    fn stop(&mut self) -> Result<()> {
        // The shell's own `kill`: the program is missing on small machines. Should neither be there,
        // the limit ends the wait.
        let kill = format!("kill -QUIT {}", self.child.id());
        Command::new("sh").args(["-c", &kill]).status().ok();
        let deadline = Instant::now() + STOP_LIMIT;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                self.child.kill()?;
            }
            sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!(
                "warning: cannot stop Postgres, process {}: {error}",
                self.child.id()
            );
        }
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
