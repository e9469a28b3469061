//! Checks the protocol in a size of your choice, and prints how many states that is.
//!
//! `cargo run -p taskbox-protocol --example check -- [claims] [workers]`

use std::{env, error::Error, io, time::Instant};

use stateright::{Checker, Model, report::WriteReporter};
use taskbox_protocol::{MOST_WORKERS, Protocol, Size};

#[expect(clippy::print_stdout, reason = "it is what the program is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let size = size(env::args().skip(1))?;
    println!("{size:?}");
    let started = Instant::now();
    let threads = std::thread::available_parallelism()?;
    let checker = Protocol::new(size).checker().threads(threads.get());
    let checker = checker
        .spawn_bfs()
        .join_and_report(&mut WriteReporter::new(&mut io::stdout()));
    let seconds = started.elapsed().as_secs_f64();
    let (states, steps) = (checker.unique_state_count(), checker.state_count());
    println!("{states} states, {steps} steps, in {seconds:.0} s");
    checker.assert_properties();
    println!("every property holds in each of them");
    Ok(())
}

/// The large size, with other numbers where they are given.
fn size(mut arguments: impl Iterator<Item = String>) -> Result<Size, Box<dyn Error>> {
    let mut size = Size::large();
    if let Some(claims) = arguments.next() {
        size.claims = claims.parse()?;
    }
    if let Some(workers) = arguments.next() {
        size.workers = workers.parse()?;
    }
    if size.claims > 7 || size.workers > MOST_WORKERS {
        return Err(format!("7 claims and {MOST_WORKERS} workers at the most").into());
    }
    Ok(size)
}
