//! What is measured, one part after the other.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use taskbox_executor::{Executor, ExecutorHandle};
use taskbox_models::NewTaskExecution;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use super::{Bench, arena::Arena};
use crate::{Result, interrupt::Interrupt};

/// The name of its tasks, and their queue.
const BENCH: &str = "bench";
/// Starts before the first that counts.
const WARM_UP: u32 = 10;
/// The time in which an executor that has started a task ends it, and waits again.
const SETTLES_IN: Duration = Duration::from_millis(20);

/// How long each call took, or each start, and all of them.
pub(super) struct Times {
    pub(super) tasks: u32,
    pub(super) whole: Duration,
    pub(super) each: Vec<Duration>,
}

pub(super) struct Measured {
    pub(super) one_by_one: Times,
    pub(super) batches: Times,
    pub(super) drain: Times,
    /// From the call that makes a task ready until its handler starts.
    pub(super) since_call: Times,
    /// From the answer of that call.
    pub(super) since_answer: Times,
}

impl Measured {
    /// Takes all the figures, until Ctrl-C.
    pub(super) async fn take(
        bench: &Bench,
        arena: &mut Arena,
        bar: &ProgressBar,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        bar.set_message("enqueue, one by one");
        let one_by_one = enqueue(arena, bench.tasks, 1, bar, interrupt).await?;
        bar.set_message("enqueue, in batches");
        let batches = enqueue(arena, bench.tasks, bench.batch, bar, interrupt).await?;
        bar.set_message("drain");
        let drain = drain(bench, arena, bar, interrupt).await?;
        bar.set_message("latency");
        let [since_call, since_answer] = latency(bench, arena, bar, interrupt).await?;
        Ok(Self {
            one_by_one,
            batches,
            drain,
            since_call,
            since_answer,
        })
    }
}

/// Makes tasks and makes them ready, so many with two calls.
async fn enqueue(
    arena: &mut Arena,
    tasks: u32,
    batch: u32,
    bar: &ProgressBar,
    interrupt: &Interrupt,
) -> Result<Times> {
    let (mut each, mut left, begun) = (Vec::new(), tasks, Instant::now());
    while left > 0 {
        interrupt.check()?;
        let size = left.min(batch);
        let call = Instant::now();
        if batch == 1 {
            make_ready_one(arena).await?;
        } else {
            make_ready_many(arena, size).await?;
        }
        each.push(call.elapsed());
        bar.inc(size.into());
        left -= size;
    }
    let whole = begun.elapsed();
    Ok(Times { tasks, whole, each })
}

async fn make_ready_one(arena: &mut Arena) -> Result<()> {
    let task = arena.maker.task_execution().create(new()).await?;
    arena.tasks.push(task.id);
    Ok(arena.maker.task_execution().mark_ready(task.id).await?)
}

async fn make_ready_many(arena: &mut Arena, size: u32) -> Result<()> {
    let new = (0..size).map(|_| new()).collect();
    let made = arena.maker.task_execution().create_many(new).await?;
    let from = arena.tasks.len();
    arena.tasks.extend(made.iter().map(|task| task.id));
    let tasks = &arena.tasks[from..];
    let marked = arena.maker.task_execution().mark_ready_many(tasks).await?;
    match marked.refused.into_iter().next() {
        Some(conflict) => Err(taskbox_dal::Error::from(conflict).into()),
        None => Ok(()),
    }
}

fn new() -> NewTaskExecution {
    NewTaskExecution::standalone(BENCH).queue(BENCH)
}

/// Runs all that is ready, from the start of an executor until it has written every end and stopped.
async fn drain(
    bench: &Bench,
    arena: &Arena,
    bar: &ProgressBar,
    interrupt: &Interrupt,
) -> Result<Times> {
    let tasks = 2 * bench.tasks;
    let begun = Instant::now();
    let (executor, mut starts) = executor(bench, arena)?;
    let all = async {
        for _ in 0..tasks {
            starts.recv().await;
            bar.inc(1);
        }
    };
    let ran = interrupt.or(all).await;
    executor.stop().await?;
    let whole = begun.elapsed();
    ran?;
    let each = Vec::new();
    Ok(Times { tasks, whole, each })
}

/// Starts tasks one after the other, by an executor that has nothing else to do. Answers with how long that took since
/// the call, and since its answer.
async fn latency(
    bench: &Bench,
    arena: &mut Arena,
    bar: &ProgressBar,
    interrupt: &Interrupt,
) -> Result<[Times; 2]> {
    let begun = Instant::now();
    let (executor, mut starts) = executor(bench, arena)?;
    let mut ticks = interval(SETTLES_IN);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut since_call, mut since_answer) = (Vec::new(), Vec::new());
    let rounds = async {
        for round in 0..WARM_UP + bench.rounds {
            ticks.tick().await;
            interrupt.check()?;
            let task = arena.maker.task_execution().create(new()).await?.id;
            arena.tasks.push(task);
            let called = Instant::now();
            arena.maker.task_execution().mark_ready(task).await?;
            let answered = Instant::now();
            let started = interrupt.or(starts.recv()).await?;
            let started = started.unwrap_or_else(Instant::now);
            if round >= WARM_UP {
                since_call.push(started.saturating_duration_since(called));
                since_answer.push(started.saturating_duration_since(answered));
                bar.inc(1);
            }
        }
        Ok(())
    };
    let ran: Result<()> = rounds.await;
    executor.stop().await?;
    ran?;
    let whole = begun.elapsed();
    let times = |each| Times {
        tasks: bench.rounds,
        whole,
        each,
    };
    Ok([times(since_call), times(since_answer)])
}

/// An executor whose tasks do nothing but say when they start.
fn executor(
    bench: &Bench,
    arena: &Arena,
) -> Result<(ExecutorHandle, mpsc::UnboundedReceiver<Instant>)> {
    let (starts, started) = mpsc::unbounded_channel();
    let executor = Executor::builder(arena.dal.clone())
        .queue(BENCH, bench.concurrency as usize)
        .concurrency(bench.concurrency as usize)
        .name("taskbox bench")
        .keep_forever()
        .task(BENCH, async move |_ctx, (): ()| {
            let now = Instant::now();
            // Nobody listens any more after Ctrl-C.
            let _ = starts.send(now);
            Ok(())
        })
        .build()?;
    Ok((executor.start(), started))
}
