//! What must hold in every state, and what must be reached in some.

use stateright::Property;
use taskbox_models::{PipelineStatus, RunWhen, TaskStatus};

use crate::{Breach, ClaimRow, Protocol, World, transaction::Transaction};

type Condition = fn(&Protocol, &World) -> bool;

/// What each state must be like, and what no step may do.
const ALWAYS: &[(&str, Condition)] = &[
    ("P1: each move of a task writes its one event", |_, w| {
        !w.breaches.has(Breach::TaskEvents)
    }),
    (
        "P1: each move of a pipeline writes its one event",
        |_, w| !w.breaches.has(Breach::PipelineEvents),
    ),
    (
        "P2: a task has the row of its status and no other",
        is_placed,
    ),
    ("P3: a task runs only by a claim of its free row", |_, w| {
        !w.breaches.has(Breach::OtherWayIn)
    }),
    ("P4: a stale claim changes nothing", |_, w| {
        !w.breaches.has(Breach::StaleClaim)
    }),
    ("P4: the holder of a claim is heard", |_, w| {
        !w.breaches.has(Breach::HolderRefused)
    }),
    ("P4: nobody takes a task while its lease lasts", |_, w| {
        !w.breaches.has(Breach::LeaseBroken)
    }),
    ("P4: the epoch counts the claims", |_, w| {
        !w.breaches.has(Breach::Epoch)
    }),
    ("P4: a task has one owner at the most", has_one_owner),
    ("P4: each claim ends once", |_, w| {
        !w.breaches.has(Breach::TwoEnds)
    }),
    (
        "P5: a claim's worker is known, so that it can be swept",
        is_swept,
    ),
    (
        "P5: a worker that lives knows what it has",
        knows_what_it_has,
    ),
    (
        "P5: what has not started waits for something",
        waits_for_something,
    ),
    (
        "P5: what was skipped for another cannot run",
        is_skipped_for_a_reason,
    ),
    ("P5: everything ends if it is cared for", |protocol, w| {
        protocol.ends_if_cared_for(w.database)
    }),
    ("attempts and recoveries count what happened", |_, w| {
        !w.breaches.has(Breach::Attempts)
    }),
    ("attempts and recoveries stay below their caps", is_capped),
    (
        "a row of the outbox is held while its pipeline is paused",
        is_held,
    ),
    ("a task waits for those that it needs", |_, w| {
        !w.breaches.has(Breach::TooEarly)
    }),
    ("the open dependencies are counted", counts_dependencies),
    ("a skip by hand is for good", |_, w| {
        !w.breaches.has(Breach::ResetOfOthers)
    }),
    ("the counters of a pipeline count", counts_tasks),
    (
        "a pipeline's status follows from its tasks",
        follows_from_tasks,
    ),
    ("a cancelled pipeline has ended", |_, w| {
        !w.breaches.has(Breach::CancelledInPart)
    }),
];

pub(crate) fn all() -> Vec<Property<Protocol>> {
    let always = ALWAYS.iter();
    always
        .map(|(name, condition)| Property::always(name, *condition))
        .collect()
}

fn is_placed(_: &Protocol, world: &World) -> bool {
    let database = &world.database;
    (0..database.tasks.len()).all(|task| {
        let status = database.status(task);
        let claim = database.claims[task].map(|row| row.epoch);
        let epoch = database.tasks[task].map(|row| row.epoch);
        database.outbox[task].is_some() == (status == Some(TaskStatus::Ready))
            && claim.is_some() == (status == Some(TaskStatus::Running))
            && database.schedule[task] == (status == Some(TaskStatus::Scheduled))
            && (claim.is_none() || claim == epoch)
    })
}

/// Of all the claims in the hands of workers, the fence lets one through.
fn has_one_owner(protocol: &Protocol, world: &World) -> bool {
    let tx = Transaction::begin(protocol, world.database);
    world.database.made().all(|(task, row)| {
        let claims =
            world.processes.iter().enumerate().flat_map(|(worker, it)| {
                it.epochs(task).map(move |epoch| ClaimRow { worker, epoch })
            });
        let owners = claims.filter(|claim| tx.is_let_through(task, *claim));
        row.status != TaskStatus::Running || owners.count() <= 1
    })
}

fn is_swept(_: &Protocol, world: &World) -> bool {
    let claims = world.database.claims.iter().flatten();
    claims
        .map(|row| row.worker)
        .all(|worker| world.database.workers[worker].is_some())
}

fn knows_what_it_has(_: &Protocol, world: &World) -> bool {
    let processes = world.processes.iter().enumerate();
    let mut bound = processes.filter(|(_, process)| process.is_alive && !process.must_start_anew);
    bound.all(|(worker, process)| {
        let mut held = world.database.held_by(worker);
        held.all(|(task, row)| process.has(task, row.epoch))
    })
}

/// A task that has not started waits for its owner, or for a task that has not ended.
fn waits_for_something(protocol: &Protocol, world: &World) -> bool {
    world.database.made().all(|(task, row)| {
        let plan = &protocol.size.tasks[task];
        let is_open = |id: &usize| {
            let status = world.database.status(*id);
            status.is_some_and(|status| !status.is_terminal())
        };
        row.status != TaskStatus::NotStarted
            || plan.after.is_empty()
            || plan.after.iter().any(is_open)
    })
}

fn is_skipped_for_a_reason(protocol: &Protocol, world: &World) -> bool {
    world.database.made().all(|(task, row)| {
        let plan = &protocol.size.tasks[task];
        let stands_in_the_way = |id: &usize| {
            let status = world.database.status(*id);
            status.is_some_and(|it| it.is_terminal() && it != TaskStatus::Completed)
        };
        !row.is_skipped_for_another
            || plan.run_when == RunWhen::AllCompleted && plan.after.iter().any(stands_in_the_way)
    })
}

/// A recovered attempt counts, and the task has another all the same.
fn is_capped(protocol: &Protocol, world: &World) -> bool {
    world.database.made().all(|(task, row)| {
        let cap = protocol.size.tasks[task].max_attempts + row.recoveries;
        let waits = matches!(row.status, TaskStatus::Ready | TaskStatus::Scheduled);
        row.recoveries <= protocol.size.max_recoveries && row.attempt + u8::from(waits) <= cap
    })
}

fn is_held(protocol: &Protocol, world: &World) -> bool {
    let is_paused = world.database.pipeline.status == PipelineStatus::Paused;
    let mut rows = world.database.outbox.iter().enumerate();
    rows.all(|(task, row)| {
        row.is_none_or(|row| row.held == (is_paused && protocol.size.tasks[task].in_pipeline))
    })
}

fn counts_dependencies(protocol: &Protocol, world: &World) -> bool {
    world.database.made().all(|(task, row)| {
        let open = protocol.size.tasks[task].after.iter().map(|id| {
            let status = world.database.status(*id);
            i8::from(status.is_some_and(|status| !status.is_terminal()))
        });
        row.status.is_terminal() || row.open_dependencies == open.sum::<i8>()
    })
}

/// How many tasks of the pipeline are so.
fn count(protocol: &Protocol, world: &World, is: fn(TaskStatus) -> bool) -> i8 {
    let tasks = world.database.made();
    tasks
        .filter(|(task, _)| protocol.size.tasks[*task].in_pipeline)
        .map(|(_, row)| i8::from(is(row.status)))
        .sum()
}

fn counts_tasks(protocol: &Protocol, world: &World) -> bool {
    let pipeline = &world.database.pipeline;
    pipeline.open_tasks == count(protocol, world, |it| !it.is_terminal())
        && pipeline.failed_tasks == count(protocol, world, |it| it == TaskStatus::Failed)
        && pipeline.cancelled_tasks == count(protocol, world, |it| it == TaskStatus::Cancelled)
}

fn follows_from_tasks(protocol: &Protocol, world: &World) -> bool {
    use PipelineStatus::{Cancelled, Completed, Failed, Paused, Pending, Running};
    let count = |is| count(protocol, world, is);
    let is_open = count(|it| !it.is_terminal()) > 0;
    let is_untouched = count(|it| it != TaskStatus::NotStarted) == 0;
    let status = world.database.pipeline.status;
    if count(|_| true) == 0 {
        matches!(status, Pending | Paused | Cancelled)
    } else if is_open {
        status == Paused || status == if is_untouched { Pending } else { Running }
    } else if count(|it| it == TaskStatus::Failed) > 0 {
        status == Failed
    } else if count(|it| it == TaskStatus::Cancelled) > 0 {
        status == Cancelled
    } else {
        status == Completed
    }
}
