//! The keeper's part: one temporary folder, and the server on it.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::Settings;
use super::address::Address;
use super::certificates::{ADMISSION, Certificates};
use super::disks::Disks;
use crate::account::Account;
use crate::programs::ServerPrograms;

const START_LIMIT: Duration = Duration::from_secs(30);
/// How long somebody else may have what the server needs.
const TAKEN_LIMIT: Duration = Duration::from_secs(10);
const STOP_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);
const LOG_TAIL: usize = 20;

/// Data, socket and log of a server, in a folder that goes when this is dropped.
pub(super) struct Cluster<'a> {
    programs: &'a ServerPrograms,
    account: Account,
    certificates: Certificates,
    /// Before the folder that they are in.
    disks: Option<Disks>,
    folder: TempDir,
}

impl<'a> Cluster<'a> {
    pub(super) fn create(programs: &'a ServerPrograms, settings: Settings) -> Result<Self> {
        let account = Account::for_postgres()?;
        let folder = tempfile::Builder::new()
            .prefix("taskbox-postgres-")
            .tempdir()?;
        account.owns(folder.path())?;
        let certificates = Certificates::create(folder.path().join("certificates"), &account)?;
        let disks = match settings {
            Settings::Cramped => Some(Disks::mount(folder.path(), &account)?),
            Settings::Alone | Settings::Durable | Settings::Fast => None,
        };
        let cluster = Self {
            programs,
            account,
            certificates,
            disks,
            folder,
        };
        cluster.initialize()?;
        cluster.admit()?;
        Ok(cluster)
    }

    fn initialize(&self) -> Result<()> {
        let mut initdb = self.command("initdb");
        initdb
            .args(["--no-sync", "--username=postgres", "--auth=trust"])
            .args(["--encoding=UTF8", "--locale=C", "--pgdata=data"]);
        if let Some(disks) = &self.disks {
            // Segments of 1 MB, so that the next one is soon asked for.
            initdb
                .arg("--waldir")
                .arg(disks.log())
                .arg("--wal-segsize=1");
        }
        let output = initdb
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

    /// The small disks that it is on.
    pub(super) fn disks(&self) -> Result<&Disks> {
        self.disks
            .as_ref()
            .context("this server has no disks of its own")
    }

    /// A server that accepts connections. One that runs on the folder of another that was killed begins with what that
    /// had committed.
    pub(super) fn start(&self, settings: Settings) -> Result<Process> {
        let deadline = Instant::now() + TAKEN_LIMIT;
        loop {
            // Another process may take the port that we found before Postgres does. And where a server was killed, its
            // own processes may be there for a moment yet, who keep the next one out.
            match self.try_start(settings) {
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => sleep(POLL),
                started => return started,
            }
        }
    }

    fn try_start(&self, settings: Settings) -> Result<Process> {
        let address = Address::of(settings, self.folder.path())?;
        let mut process = Process {
            child: self.postgres(settings, &address)?.spawn()?,
            address,
        };
        self.wait_until_ready(&mut process).with_context(|| {
            format!(
                "Postgres did not start; the end of its log:\n{}",
                self.log_tail()
            )
        })?;
        Ok(process)
    }

    fn postgres(&self, settings: Settings, address: &Address) -> Result<Command> {
        let log = File::create(self.folder.path().join("log"))?;
        let mut command = self.command("postgres");
        command.args(["-D", "data", "-k"]).arg(self.folder.path());
        address.of_server(&mut command);
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
        while !self.is_ready(&process.address)? {
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

    fn is_ready(&self, address: &Address) -> Result<bool> {
        let mut command = self.command("pg_isready");
        command.args(["--quiet", "--username=postgres", "--dbname=postgres"]);
        address.of_client(&mut command);
        let status = command.status().context("cannot run `pg_isready`")?;
        Ok(status.success())
    }

    /// One of Postgres's programs, in our folder and under its account.
    fn command(&self, name: &str) -> Command {
        let mut command = self.account.command(self.programs.path(name));
        command.current_dir(self.folder.path());
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
    address: Address,
}

impl Process {
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Ends it as its operator does: it hangs up on everyone, and writes out what it has.
    pub(super) fn shut_down(mut self) -> Result<()> {
        self.end("INT")
    }

    /// Waits until it has ended by itself.
    pub(super) fn await_end(mut self) -> Result<()> {
        let deadline = Instant::now() + STOP_LIMIT;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                bail!("it had not ended after {} s", STOP_LIMIT.as_secs());
            }
            sleep(POLL);
        }
        Ok(())
    }

    /// Ends it as a crash does. The processes that it has started find out by themselves.
    pub(super) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends it by a signal, or kills it if that is of no use.
    fn end(&mut self, signal: &str) -> Result<()> {
        // The shell's own `kill`: the program is missing on small machines. Should neither be there,
        // the limit ends the wait.
        let kill = format!("kill -{signal} {}", self.child.id());
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
    /// At once, if it still runs: nobody reads the data again, so there is nothing to write out.
    fn drop(&mut self) {
        let ended = match self.child.try_wait() {
            Ok(Some(_)) => return,
            Ok(None) => self.end("QUIT"),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = ended {
            eprintln!(
                "warning: cannot stop Postgres, process {}: {error}",
                self.child.id()
            );
        }
    }
}
