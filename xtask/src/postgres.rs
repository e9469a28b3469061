//! A private Postgres server that ends with the command that started it.
//!
//! Only a second process can outlive a Ctrl-C or a `kill -9` for long enough to tidy up, so the
//! server is the child of a keeper: this program again, out of the terminal's reach. The keeper
//! prints the port and the folder of the certificates, then reads a pipe that nobody writes to. The pipe closes when our side ends,
//! whatever way, and the keeper stops the server and removes its folder.

mod certificates;
mod cluster;

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
    port: u16,
    certificates: PathBuf,
}

/// What the server is for.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Settings {
    /// Tests: nothing survives a crash of the machine, and deadlocks are found at once.
    Fast,
    /// Benchmarks: every commit is synced, as users run it.
    Durable,
}

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
            port: 0,
            certificates: PathBuf::new(),
        };
        (server.port, server.certificates) = server.announced()?;
        Ok(server)
    }

    fn announced(&mut self) -> Result<(u16, PathBuf)> {
        let stdout = self
            .keeper
            .stdout
            .take()
            .context("the keeper of Postgres has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        line.trim()
            .split_once(' ')
            .and_then(|(port, folder)| Some((port.parse().ok()?, folder.into())))
            .context("the private Postgres did not start; the reason is above")
    }

    pub(crate) fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// What the tests have to know of it.
    pub(crate) fn environment(&self) -> [(&'static str, OsString); 2] {
        [
            ("TASKBOX_POSTGRES_URL", self.url().into()),
            (
                "TASKBOX_POSTGRES_CERTIFICATES",
                self.certificates.clone().into(),
            ),
        ]
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
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
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
        .arg("keep-postgres")
        .arg(programs.folder())
        .arg(settings.get_name())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0);
    Ok(command)
}

/// The keeper's side: a server for as long as standard input is open.
pub(crate) fn keep(programs: &ServerPrograms, settings: Settings) -> Result<()> {
    let cluster = Cluster::create(programs)?;
    let server = cluster.start(settings)?;
    let certificates = cluster.certificates().display();
    writeln!(io::stdout(), "{} {certificates}", server.port())?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

/// A server for a person, until Ctrl-C.
pub(crate) fn serve() -> Result<()> {
    let mut server = Server::start(Settings::Fast)?;
    for (name, value) in server.environment() {
        println!("export {name}={}", value.display());
    }
    println!("Ctrl-C stops the server and removes its data.");
    let status = server.keeper.wait()?;
    bail!("the keeper of Postgres ended by itself ({status})")
}
