//! A Postgres server that one test has to itself, kept by `xtask`.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task;

use super::{variable, without_tls};

/// A disk of a server that has small ones.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Disk {
    /// Where the tables of the test's database are.
    Tables,
    /// Where the server's write-ahead log is.
    Log,
}

/// The program that keeps a server, which `cargo xtask` names.
const KEEPER: &str = "TASKBOX_POSTGRES_KEEPER";

/// A Postgres server that the test has to itself, and can end and start again. It syncs its commits to disk, as users
/// have it, and listens on a Unix socket.
#[derive(Debug)]
pub struct OwnServer {
    url: String,
    folder: PathBuf,
    keeper: Arc<Mutex<Option<Keeper>>>,
}

/// The process whose child the server is. It stops the server and removes its data when its input is closed.
#[derive(Debug)]
struct Keeper {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl OwnServer {
    /// `settings` is one of those that the keeper knows.
    pub(super) fn start(settings: &str) -> Self {
        let mut keeper = Keeper::start(settings);
        let said = keeper.answer();
        let (address, certificates) = said
            .split_once(' ')
            .expect("the keeper of Postgres names the address and a folder");
        Self {
            url: without_tls(format!("postgres://postgres@{address}/postgres")),
            folder: Path::new(certificates).with_file_name(""),
            keeper: Arc::new(Mutex::new(Some(keeper))),
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The folder for a tablespace, if it has small disks.
    pub(super) fn tables(&self) -> PathBuf {
        self.folder.join("tables")
    }

    /// Shuts it down as its operator does: who is connected is hung up on, and what they were at is rolled back.
    pub async fn stop(&self) {
        self.tell("stop").await;
    }

    /// Kills it by SIGKILL. The next start begins with the recovery of what it had committed.
    pub async fn kill(&self) {
        self.tell("kill").await;
    }

    /// Waits until it has ended by itself.
    pub async fn has_ended(&self) {
        self.tell("await end").await;
    }

    /// Starts it again, and waits until it accepts connections.
    pub async fn start_again(&self) {
        self.tell("start").await;
    }

    /// Leaves no room on one of its small disks. What it has of a file it can still write to.
    pub async fn fill(&self, disk: Disk) {
        self.tell(match disk {
            Disk::Tables => "fill tables",
            Disk::Log => "fill log",
        })
        .await;
    }

    /// Makes room on its small disks.
    pub async fn free(&self) {
        self.tell("free").await;
    }

    pub(super) fn remove(&self) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keeper) = keeper.take() {
            keeper.end();
        }
    }

    async fn tell(&self, order: &'static str) {
        let keeper = Arc::clone(&self.keeper);
        let told = task::spawn_blocking(move || {
            let mut keeper = keeper.lock().unwrap_or_else(PoisonError::into_inner);
            let keeper = keeper.as_mut().expect("it is kept until it is removed");
            writeln!(keeper.input, "{order}").expect("the keeper of Postgres listens");
            assert_eq!(keeper.answer(), "done", "the order was: {order}");
        });
        told.await.expect("the keeper of Postgres does it");
    }
}

impl Keeper {
    fn start(settings: &str) -> Self {
        let mut command = Command::new(variable(KEEPER));
        // Out of the terminal's reach, so that it outlives a Ctrl-C and can tidy up.
        command.args(["keep-postgres", settings]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| {
            let program = env::var(KEEPER).unwrap_or_default();
            panic!("cannot run {program}, which {KEEPER} names: {error}")
        });
        let input = process.stdin.take().expect("it is piped");
        let output = process.stdout.take().expect("it is piped");
        Self {
            process,
            input,
            output: BufReader::new(output),
        }
    }

    /// The next line that it says.
    fn answer(&mut self) -> String {
        let mut line = String::new();
        let read = self.output.read_line(&mut line);
        read.expect("the keeper of Postgres speaks UTF-8");
        assert!(
            !line.is_empty(),
            "the keeper of Postgres has ended; the reason is above"
        );
        line.trim_end().to_owned()
    }

    fn end(mut self) {
        drop(self.input);
        // It has said what went wrong.
        let _ = self.process.wait();
    }
}
