//! Checks the protocol in a size of your choice, and says how many states that was.
//!
//! `cargo run -p taskbox-protocol --example check` lists the sizes. `… -- 3` checks that of number 3, and `… -- 3 4 2`
//! checks it with 4 claims of each task and 2 workers.
#![expect(clippy::print_stdout, reason = "it is what the program is for")]

use std::{env, error::Error, io, thread, time::Instant};

use stateright::{Checker, Model, report::WriteReporter};
use taskbox_protocol::{MOST_CLAIMS, MOST_WORKERS, Protocol, Size};

fn main() -> Result<(), Box<dyn Error>> {
    let sizes = [Size::small(), Size::large()].concat();
    let mut arguments = env::args().skip(1);
    let Some(number) = arguments.next() else {
        for (number, size) in sizes.iter().enumerate() {
            println!("{number}  {}", size.name);
        }
        return Ok(());
    };
    let size = sizes.get(number.parse::<usize>()?);
    check(with(size.ok_or("no such size")?.clone(), arguments)?)
}

/// The size with other numbers where they are given.
fn with(mut size: Size, mut numbers: impl Iterator<Item = String>) -> Result<Size, Box<dyn Error>> {
    if let Some(claims) = numbers.next() {
        size.claims = claims.parse()?;
    }
    if let Some(workers) = numbers.next() {
        size.workers = workers.parse()?;
    }
    if size.claims > MOST_CLAIMS || size.workers > MOST_WORKERS {
        let most = format!("{MOST_CLAIMS} claims and {MOST_WORKERS} workers at the most");
        return Err(most.into());
    }
    Ok(size)
}

fn check(size: Size) -> Result<(), Box<dyn Error>> {
    println!("{}", size.name);
    let started = Instant::now();
    let threads = thread::available_parallelism()?;
    let checker = Protocol::new(size).checker().threads(threads.get());
    let mut reporter = io::stdout();
    let checker = checker
        .spawn_bfs()
        .join_and_report(&mut WriteReporter::new(&mut reporter));
    let seconds = started.elapsed().as_secs_f64();
    let (states, steps) = (checker.unique_state_count(), checker.state_count());
    println!("{states} states by {steps} steps in {seconds:.0} s");
    checker.assert_properties();
    println!("every property holds in each of them");
    Ok(())
}
