//! Taskbox on real input: a task for each file of a folder, made ready together with a row of our own, and hashed by
//! two workers, one of which dies.
//!
//! `cargo run -p taskbox-dal --example quickstart -- <folder>`

mod database;
mod files;
mod half_way;
mod history;
mod import;
mod relay;
mod report;
mod table;
mod tour;
mod worker;

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

const USAGE: &str = "usage: cargo run -p taskbox-dal --example quickstart -- <folder>";

/// Whatever goes wrong, for a person to read.
type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let [folder] = arguments.as_slice() else {
        return fail(2, USAGE);
    };
    match tour::run(Path::new(folder), &mut io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => fail(1, &format!("error: {error}")),
    }
}

/// Says why on the standard error. If even that is closed, the exit code remains.
fn fail(code: u8, message: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "{message}");
    ExitCode::from(code)
}

/// Whether the reader of the output has gone, such as `head`.
fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
