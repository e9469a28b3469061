//! Taskbox beside other job queues, on one machine in one run. README.md says what is measured.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a program for people at a terminal"
)]

mod database;
mod figures;
mod machine;
mod measure;
mod peer;
mod peers;
mod pools;
mod report;
mod settings;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::database::Backend;
use crate::figures::Figures;
use crate::measure::Measure;
use crate::peer::Peer;

#[derive(Parser)]
#[command(
    bin_name = "cargo xtask peers --",
    about = "Taskbox beside other job queues"
)]
struct Arguments {
    /// Measure on this database alone
    #[arg(long, value_enum)]
    on: Option<Backend>,
    /// Measure only those whose name contains this, Taskbox and the floor included
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    #[command(flatten)]
    measure: Measure,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    for backend in [Backend::Postgres, Backend::Sqlite] {
        if arguments.on.is_none_or(|on| on == backend) {
            run(&arguments, backend).await?;
        }
    }
    Ok(())
}

async fn run(arguments: &Arguments, backend: Backend) -> Result<()> {
    let mut peers = peers::on(backend);
    peers.retain(|peer| arguments.wants(&**peer));
    ensure!(!peers.is_empty(), "nobody is called so");
    let before = machine::describe(backend).await?;
    let mut figures: Vec<Figures> = peers.iter().map(|_| Figures::default()).collect();
    let mut order: Vec<usize> = (0..peers.len()).collect();
    for round in 1..=arguments.measure.rounds {
        for &place in &order {
            let name = peers[place].about().name;
            eprintln!("{}, round {round}: {name}", backend.name());
            let measured = arguments
                .measure
                .take(&*peers[place], backend, &mut figures[place]);
            measured
                .await
                .with_context(|| format!("measuring {name}"))?;
        }
        // Whoever is first in a round is last in the next.
        order.rotate_left(1);
    }
    println!("{before}\n{}\n", arguments.measure.describe());
    report::print(backend, &peers, &figures);
    Ok(())
}

impl Arguments {
    fn wants(&self, peer: &dyn Peer) -> bool {
        let name = peer.about().name;
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part))
    }
}
