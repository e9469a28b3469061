#![doc = include_str!("../README.md")]

mod arguments;
mod arrow;
mod command;
mod database;
mod duration;
mod error;
mod hint;
mod history;
mod interrupt;
mod output;
mod steer;
mod table;
mod text;
mod timeline;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

use arguments::Arguments;
use error::Error;

/// What a command answers with.
type Result<T, E = Error> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match command::run(arguments, &mut anstream::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output has seen enough, such as `head`.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // If even that is closed, the exit code remains.
            let _ = writeln!(
                io::stderr(),
                "error: {}",
                text::one_line(&error.to_string())
            );
            ExitCode::from(error.code())
        }
    }
}
