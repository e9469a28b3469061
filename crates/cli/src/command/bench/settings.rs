//! By what it was measured.

use std::{io::Write, num::NonZero, thread};

use serde::Serialize;
use taskbox_dal::Durability;

use super::{
    Bench,
    arena::{Arena, POOL},
};
use crate::{
    Result,
    output::{Output, facts},
    text,
};

/// What was asked for, and where.
#[derive(Serialize)]
pub(super) struct Settings {
    taskbox: &'static str,
    /// "release" or "debug".
    build: &'static str,
    /// "Postgres" or "SQLite".
    backend: &'static str,
    /// Whether the database was given, and not made for the run.
    pub(super) is_given: bool,
    schema: Option<String>,
    durability: String,
    /// What that may cost; empty if nothing.
    risks: Vec<&'static str>,
    cores: usize,
    pool_size: usize,
    tasks: u32,
    batch: u32,
    concurrency: u32,
    rounds: u32,
}

impl Settings {
    pub(super) async fn of(bench: &Bench, arena: &Arena, schema: Option<&str>) -> Result<Self> {
        let durability = arena.dal.durability().await?;
        let (backend, words) = in_words(&durability);
        Ok(Self {
            taskbox: env!("CARGO_PKG_VERSION"),
            build: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
            backend,
            is_given: arena.is_given(),
            schema: schema.map(str::to_owned),
            durability: words,
            risks: durability.risks(),
            cores: thread::available_parallelism().map_or(1, NonZero::get),
            pool_size: POOL,
            tasks: bench.tasks,
            batch: bench.batch,
            concurrency: bench.concurrency,
            rounds: bench.rounds,
        })
    }

    pub(super) fn what_stays(&self) -> String {
        match &self.schema {
            Some(schema) => format!(
                "The tasks are deleted, and the tables stay. `DROP SCHEMA {schema} CASCADE` removes them, with all else in that schema."
            ),
            None => "The tasks are deleted, and the tables stay.".to_owned(),
        }
    }

    pub(super) fn write(&self, out: &mut Output) -> Result<()> {
        let database = if self.is_given {
            "as given"
        } else {
            "a new file in a temporary folder"
        };
        let number = |number: u32| Some(text::number(number));
        facts(
            out,
            &[
                (
                    "taskbox",
                    Some(format!("{}, {} build", self.taskbox, self.build)),
                ),
                ("database", Some(format!("{}, {database}", self.backend))),
                ("durability", Some(self.durability.clone())),
                ("cores", Some(text::number(self.cores as i128))),
                (
                    "pool",
                    Some(text::count(self.pool_size as i128, "connection")),
                ),
                ("tasks", number(self.tasks)),
                ("batch", number(self.batch)),
                ("concurrency", number(self.concurrency)),
                ("rounds", number(self.rounds)),
            ],
        )?;
        for risk in &self.risks {
            writeln!(out, "warning: {risk}")?;
        }
        if self.build == "debug" {
            writeln!(
                out,
                "warning: a debug build is slower; measure with one that was built by --release"
            )?;
        }
        Ok(())
    }
}

fn in_words(durability: &Durability) -> (&'static str, String) {
    let switch = |on: &bool| if *on { "on" } else { "off" };
    match durability {
        Durability::Postgres {
            fsync,
            full_page_writes,
            synchronous_commit,
        } => (
            "Postgres",
            format!(
                "fsync {}, full_page_writes {}, synchronous_commit {}",
                switch(fsync),
                switch(full_page_writes),
                text::one_line(synchronous_commit)
            ),
        ),
        Durability::Sqlite {
            journal_mode,
            synchronous,
        } => (
            "SQLite",
            format!(
                "journal_mode {}, synchronous {synchronous}",
                text::one_line(journal_mode)
            ),
        ),
        _ => ("another", format!("{durability:?}")),
    }
}
