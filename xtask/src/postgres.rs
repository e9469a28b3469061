//! A private Postgres server that ends with the command that started it.
//!
//! Only a second process can outlive a Ctrl-C or a `kill -9` for long enough to tidy up, so the
//! server is the child of a keeper: this program again, out of the terminal's reach. The keeper
//! prints the address and the folder of the certificates, then reads a pipe. When that closes because our side has ended,
//! whatever way, the keeper stops the server and removes its folder. A test with a server of its own writes into the pipe
//! what is to happen to it: see [`keep`].

mod address;
mod certificates;
mod cluster;
mod disks;

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use self::cluster::Cluster;
use crate::command::run;
use crate::programs::ServerPrograms;

/// A running server; dropping it stops it.
pub(crate) struct Server {
    programs: ServerPrograms,
    keeper: Child,
    pipe: Option<ChildStdin>,
    address: String,
    certificates: PathBuf,
}

/// What the server is for.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Settings {
    /// Tests: nothing survives a crash of the machine, and deadlocks are found at once.
    Fast,
    /// Benchmarks: every commit is synced, as users run it.
    Durable,
    /// One test that has the server to itself, and ends it: what is committed survives that. On a socket alone.
    Alone,
    /// The same with two small disks, which the test fills: one for tables, one for the log. A server that cannot write its
    /// log stays down.
    Cramped,
}

/// A recovery begins by syncing what there is. File by file that takes seconds.
const RECOVERY: &str = if cfg!(target_os = "linux") {
    "recovery_init_sync_method=syncfs"
} else {
    "recovery_init_sync_method=fsync"
};

impl Settings {
    fn values(self) -> &'static [&'static str] {
        match self {
            Self::Fast => &[
                "deadlock_timeout=100ms",
                "fsync=off",
                "full_page_writes=off",
                "max_connections=300",
                "shared_buffers=128MB",
                "synchronous_commit=off",
            ],
            Self::Durable => &[
                "fsync=on",
                "full_page_writes=on",
                "max_connections=300",
                "max_wal_size=4GB",
                "shared_buffers=256MB",
                "synchronous_commit=on",
            ],
            Self::Alone => &[
                "deadlock_timeout=100ms",
                "fsync=on",
                "full_page_writes=on",
                RECOVERY,
                "shared_buffers=16MB",
                "synchronous_commit=on",
            ],
            Self::Cramped => &[
                "deadlock_timeout=100ms",
                "fsync=on",
                "full_page_writes=on",
                RECOVERY,
                "restart_after_crash=off",
                "shared_buffers=16MB",
                "synchronous_commit=on",
            ],
        }
    }
}

impl Server {
    pub(crate) fn start(settings: Settings) -> Result<Self> {
        let programs = ServerPrograms::find_or_install()?;
        let mut keeper = keeper(&programs, settings)?
            .spawn()
            .context("cannot start the keeper of Postgres")?;
        let pipe = keeper.stdin.take();
        let mut server = Self {
            programs,
            keeper,
            pipe,
            address: String::new(),
            certificates: PathBuf::new(),
        };
        (server.address, server.certificates) = server.announced()?;
        Ok(server)
    }

    fn announced(&mut self) -> Result<(String, PathBuf)> {
        let stdout = self
            .keeper
            .stdout
            .take()
            .context("the keeper of Postgres has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        line.trim()
            .split_once(' ')
            .map(|(address, folder)| (address.to_owned(), folder.into()))
            .context("the private Postgres did not start; the reason is above")
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// What the tests have to know of it.
    pub(crate) fn environment(&self) -> Result<[(&'static str, OsString); 3]> {
        Ok([
            ("TASKBOX_POSTGRES_URL", self.url().into()),
            (
                "TASKBOX_POSTGRES_CERTIFICATES",
                self.certificates.clone().into(),
            ),
            // By which a test starts a server of its own.
            ("TASKBOX_POSTGRES_KEEPER", env::current_exe()?.into()),
        ])
    }

    /// The URL of a new, empty database.
    pub(crate) fn create_database(&self, name: &str) -> Result<String> {
        run(self
            .programs
            .command("createdb")
            .arg("--maintenance-db")
            .arg(self.url())
            .arg(name))?;
        Ok(self.url_of(name))
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.pipe.take();
        if let Err(error) = self.keeper.wait() {
            eprintln!("warning: cannot wait for the keeper of Postgres: {error}");
        }
    }
}

fn keeper(programs: &ServerPrograms, settings: Settings) -> Result<Command> {
    let settings = settings
        .to_possible_value()
        .context("settings without a name")?;
    let mut command = Command::new(env::current_exe()?);
    command
        .args(["keep-postgres", settings.get_name()])
        .arg(programs.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0);
    Ok(command)
}

/// The keeper's side: a server for as long as standard input is open. Each line there is an order, and is answered by
/// `done`: `stop` shuts the server down, `kill` kills it, `await end` waits until it has ended by itself, `start` starts it
/// again on what it had. `fill tables` and `fill log` leave no room on a small disk, `free` makes some.
pub(crate) fn keep(programs: &ServerPrograms, settings: Settings) -> Result<()> {
    if matches!(settings, Settings::Cramped) {
        disks::enter()?;
    }
    let cluster = Cluster::create(programs, settings)?;
    let mut server = Some(cluster.start(settings)?);
    if let Some(server) = &server {
        let certificates = cluster.certificates().display();
        writeln!(io::stdout(), "{} {certificates}", server.address())?;
    }
    for order in io::stdin().lines() {
        server = match (order?.as_str(), server) {
            ("start", None) => Some(cluster.start(settings)?),
            ("stop", Some(server)) => server.shut_down().map(|()| None)?,
            ("kill", Some(server)) => server.kill().map(|()| None)?,
            ("await end", Some(server)) => server.await_end().map(|()| None)?,
            ("fill tables", server) => cluster.disks()?.fill_tables().map(|()| server)?,
            ("fill log", server) => cluster.disks()?.fill_log().map(|()| server)?,
            ("free", server) => cluster.disks()?.free().map(|()| server)?,
            (order, _) => bail!("the keeper of Postgres cannot do this now: {order}"),
        };
        writeln!(io::stdout(), "done")?;
    }
    Ok(())
}

/// A server for a person, until Ctrl-C.
pub(crate) fn serve() -> Result<()> {
    let mut server = Server::start(Settings::Fast)?;
    for (name, value) in server.environment()? {
        println!("export {name}={}", value.display());
    }
    println!("Ctrl-C stops the server and removes its data.");
    let status = server.keeper.wait()?;
    bail!("the keeper of Postgres ended by itself ({status})")
}
