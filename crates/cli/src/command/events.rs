use std::{collections::HashSet, io::Write, time::Duration};

use clap::Args;
use taskbox_dal::{DAL, EventCursor};
use taskbox_models::{EventType, ExecutionEvent};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::{
    Result,
    arguments::{Database, Form, event_type},
    duration::seconds,
    history::{self, Workers},
    output::{Output, json, json_line},
    text,
};

/// Show the newest events of the history, oldest first
///
/// With --follow, also all that are committed from then on, until Ctrl-C: each once, however late its transaction
/// commits. A database that cannot be read for a while is no end of it, and makes no gap. With --json, each is one line
/// then.
#[derive(Debug, Args)]
pub(crate) struct Events {
    #[command(flatten)]
    filter: Filter,
    /// How many to show of those that there are
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(i64).range(0..=10_000))]
    limit: i64,
    /// Go on with those to come
    #[arg(long)]
    follow: bool,
    /// How long to wait before looking for more, in seconds: 0.1 or more
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = seconds, requires = "follow")]
    every: Duration,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
struct Filter {
    /// Only those of this type
    #[arg(long = "type", value_name = "TYPE", ignore_case = true, value_parser = event_type())]
    event_type: Option<EventType>,
    /// Only those of this task
    #[arg(long, value_name = "ID", conflicts_with = "pipeline")]
    task: Option<Uuid>,
    /// Only those of this pipeline and its tasks
    #[arg(long, value_name = "ID")]
    pipeline: Option<Uuid>,
}

/// How many events are read at once.
const AT_ONCE: i64 = 1_000;

impl Events {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let dal = database.connect().await?;
        if self.follow {
            return self.follow(&dal, out).await;
        }
        let events = self.filter.newest(&dal, self.limit).await?;
        if self.form.json {
            return json(out, &events);
        }
        if events.is_empty() {
            writeln!(out, "no event")?;
            return Ok(());
        }
        self.write(&dal, &events, out).await
    }

    async fn follow(&self, dal: &DAL, out: &mut Output) -> Result<()> {
        // What is committed between these two calls is found by both.
        let mut cursor = dal.execution_event().read_latest(0).await?.cursor;
        let newest = self.filter.newest(dal, self.limit).await?;
        self.write(dal, &newest, out).await?;
        let shown: HashSet<i64> = newest.iter().map(|event| event.id).collect();
        let mut ticks = interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut trouble = None;
        loop {
            ticks.tick().await;
            match self.go_on(dal, &mut cursor, &shown, out).await {
                Ok(()) => trouble = None,
                Err(crate::Error::Dal(error)) if error.is_transient() => {
                    let error = text::one_line(&error.to_string());
                    if trouble.as_ref() != Some(&error) {
                        writeln!(std::io::stderr(), "error: {error}")?;
                    }
                    trouble = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes what is new, and moves the cursor behind what has been written.
    async fn go_on(
        &self,
        dal: &DAL,
        cursor: &mut EventCursor,
        shown: &HashSet<i64>,
        out: &mut Output,
    ) -> Result<()> {
        loop {
            let page = dal.execution_event().read_after(cursor, AT_ONCE).await?;
            let is_last = page.events.is_empty();
            let mut events = page.events;
            events.retain(|event| self.filter.takes(event) && !shown.contains(&event.id));
            self.write(dal, &events, out).await?;
            *cursor = page.cursor;
            if is_last {
                return Ok(());
            }
        }
    }

    async fn write(&self, dal: &DAL, events: &[ExecutionEvent], out: &mut Output) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        if self.form.json {
            for event in events {
                json_line(out, event)?;
            }
        } else {
            let workers = Workers::load(dal).await?;
            for event in events {
                history::write_line(event, &workers, out)?;
            }
        }
        out.flush()?;
        Ok(())
    }
}

impl Filter {
    /// The newest, so many at the most, oldest first.
    async fn newest(&self, dal: &DAL, limit: i64) -> Result<Vec<ExecutionEvent>> {
        let events = dal.execution_event();
        let mut found = match (self.task, self.pipeline, self.event_type) {
            (Some(task), ..) => events.list_by_task(task).await?,
            (None, Some(pipeline), _) => events.list_by_pipeline(pipeline).await?,
            (None, None, Some(event_type)) => {
                let mut found = events.list_by_type(event_type, limit).await?;
                found.reverse();
                found
            }
            (None, None, None) => events.read_latest(limit).await?.events,
        };
        found.retain(|event| self.takes(event));
        let more = found
            .len()
            .saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        found.drain(..more);
        Ok(found)
    }

    fn takes(&self, event: &ExecutionEvent) -> bool {
        let is_of = |wanted: Option<Uuid>, found| wanted.is_none() || wanted == found;
        is_of(self.task, event.task_execution_id)
            && is_of(self.pipeline, event.pipeline_execution_id)
            && self.event_type.is_none_or(|it| it == event.event_type)
    }
}
