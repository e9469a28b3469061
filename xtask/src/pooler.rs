//! `PgBouncer` in transaction mode before a private Postgres server, kept as that is: see [`crate::postgres`].

use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::account::Account;
use crate::pgbouncer;

const START_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// A running pooler; dropping it stops it.
pub(crate) struct Pooler {
    keeper: Child,
    port: u16,
}

impl Pooler {
    /// Before the server at `host:port`.
    pub(crate) fn start(server: &str) -> Result<Self> {
        let mut keeper = Command::new(env::current_exe()?)
            .arg("keep-pooler")
            .arg(pgbouncer::find_or_install()?)
            .arg(server)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("cannot start the keeper of PgBouncer")?;
        let mut line = String::new();
        let stdout = keeper.stdout.take();
        let stdout = stdout.context("the keeper of PgBouncer has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let port = line.trim().parse();
        let port = port.context("PgBouncer did not start; the reason is above")?;
        Ok(Self { keeper, port })
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.keeper.stdin.take();
        if let Err(error) = self.keeper.wait() {
            eprintln!("warning: cannot wait for the keeper of PgBouncer: {error}");
        }
    }
}

/// The keeper's side: a pooler for as long as standard input is open.
pub(crate) fn keep(program: &Path, server: &str) -> Result<()> {
    let account = Account::for_postgres()?;
    let folder = tempfile::Builder::new()
        .prefix("taskbox-pooler-")
        .tempdir()?;
    account.owns(folder.path())?;
    let port = free_port()?;
    fs::write(
        folder.path().join("pgbouncer.ini"),
        configuration(server, port)?,
    )?;
    fs::write(folder.path().join("users"), "\"postgres\" \"\"\n")?;
    let log = File::create(folder.path().join("log"))?;
    let mut command = account.command(program);
    command
        .arg("pgbouncer.ini")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    let mut pooler = command.spawn().context("cannot run `pgbouncer`")?;
    let kept = wait_until_ready(&mut pooler, port).and_then(|()| {
        writeln!(io::stdout(), "{port}")?;
        io::copy(&mut io::stdin(), &mut io::sink())?;
        Ok(())
    });
    pooler.kill()?;
    pooler.wait()?;
    kept.with_context(|| fs::read_to_string(folder.path().join("log")).unwrap_or_default())
}

/// Any database of the server, as any of its roles, and without passwords. A schema is the role's, as docs/connecting.md
/// says. Otherwise what `PgBouncer` is by default.
fn configuration(server: &str, port: u16) -> Result<String> {
    let (host, server_port) = server.split_once(':').context("the server has no port")?;
    Ok(format!(
        "[databases]
* = host={host} port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = users
auth_user = postgres
auth_query = SELECT rolname, NULL::text FROM pg_roles WHERE rolname = $1
ignore_startup_parameters = search_path
pool_mode = transaction
max_client_conn = 1000
"
    ))
}

fn wait_until_ready(pooler: &mut Child, port: u16) -> Result<()> {
    let deadline = Instant::now() + START_LIMIT;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if let Some(status) = pooler.try_wait()? {
            bail!("PgBouncer ended ({status})");
        }
        if Instant::now() > deadline {
            bail!(
                "PgBouncer accepted no connection in {} s",
                START_LIMIT.as_secs()
            );
        }
        sleep(POLL);
    }
    Ok(())
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
