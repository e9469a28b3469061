mod report;

use std::{io::Write, time::Duration};

use clap::Args;
use taskbox_dal::{DAL, LiveTasks, QueueDepth, Recent, WorkerLoad};
use taskbox_models::EventType;

use crate::{
    Result,
    arguments::{Database, Form},
    output::{Output, facts, json},
    table::{Cell, RED, Table},
    text,
};
use report::Report;

/// Show what waits, what runs, who works, and what failed lately
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// How many workers to show, those that registered first
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    workers: i64,
    #[command(flatten)]
    form: Form,
}

const HOUR: Duration = Duration::from_hours(1);
const MINUTES: Duration = Duration::from_mins(5);
/// How many events are looked at to count some of the last hour, and to find how many tasks complete per minute.
const LOOK: i64 = 10_000;

/// What the database says.
pub(super) struct Found {
    queues: Vec<QueueDepth>,
    live: LiveTasks,
    workers: Vec<WorkerLoad>,
    failed: Recent,
    abandoned: Recent,
    retried: Recent,
    completed: Recent,
}

impl Status {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let dal = database.connect().await?;
        let found = Found::load(&dal, self.workers).await?;
        if self.form.json {
            return json(out, &found.report());
        }
        found.write(out)
    }
}

impl Found {
    pub(super) async fn load(dal: &DAL, workers: i64) -> taskbox_dal::Result<Self> {
        let recent = async |event, within| {
            dal.execution_event()
                .count_recent(event, within, LOOK)
                .await
        };
        Ok(Self {
            queues: dal.task_outbox().depths().await?,
            live: dal.task_execution().count_live().await?,
            workers: dal.worker().list(workers).await?,
            failed: recent(EventType::TaskFailed, HOUR).await?,
            abandoned: recent(EventType::TaskAbandoned, HOUR).await?,
            retried: recent(EventType::TaskRetryScheduled, HOUR).await?,
            completed: recent(EventType::TaskCompleted, MINUTES).await?,
        })
    }

    pub(super) fn report(&self) -> Report<'_> {
        Report::of(self)
    }

    fn completed_per_minute(&self) -> f64 {
        per_minute(self.completed.count, self.completed.span)
    }

    pub(super) fn write(&self, out: &mut Output) -> Result<()> {
        if self.queues.is_empty() {
            writeln!(out, "no task is ready")?;
        } else {
            queues(&self.queues).write(out)?;
        }
        writeln!(out)?;
        if self.workers.is_empty() {
            writeln!(out, "no worker is registered")?;
        } else {
            workers(&self.workers).write(out)?;
        }
        writeln!(out)?;
        let due = match self.live.due {
            0 => String::new(),
            due => format!(", {} of them due", text::number(due)),
        };
        let lately = |recent: Recent| {
            let number = text::number(recent.count);
            Some(format!(
                "{number} in the last {}",
                text::duration(recent.span)
            ))
        };
        let rate = format!(
            "{:.1} per minute in the last {}",
            self.completed_per_minute(),
            text::duration(self.completed.span)
        );
        facts(
            out,
            &[
                ("running", Some(text::number(self.live.running))),
                ("scheduled", Some(text::number(self.live.scheduled) + &due)),
                ("completed", Some(rate)),
                ("failed", lately(self.failed)),
                ("abandoned", lately(self.abandoned)),
                ("retried", lately(self.retried)),
            ],
        )
    }
}

fn per_minute(count: i64, span: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "it is bounded by the look")]
    let count = count as f64;
    if span.is_zero() {
        return 0.0;
    }
    count * 60.0 / span.as_secs_f64()
}

fn queues(queues: &[QueueDepth]) -> Table<4> {
    let mut table = Table::new(["queue", "ready >", "held >", "oldest >"]);
    for depth in queues {
        table.row([
            Cell::new(&depth.queue),
            Cell::new(text::number(depth.ready)),
            Cell::new(text::number(depth.held)),
            Cell::new(depth.oldest.map_or_else(String::new, text::duration)),
        ]);
    }
    table
}

fn workers(workers: &[WorkerLoad]) -> Table<4> {
    let mut table = Table::new(["worker", "running >", "lease", "id"]);
    for load in workers {
        let lease = if load.lease_left.is_zero() {
            Cell::new("over").style(RED)
        } else {
            Cell::new(format!("{} left", text::duration(load.lease_left)))
        };
        table.row([
            Cell::new(&load.worker.name),
            Cell::new(text::number(load.running)),
            lease,
            Cell::new(load.worker.id.to_string()),
        ]);
    }
    table
}
