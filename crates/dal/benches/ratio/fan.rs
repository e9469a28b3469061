//! A pipeline that goes out from one task to many and in to one again, against as many tasks of their own.

use std::time::{Duration, Instant};

use taskbox_dal::DAL;
use taskbox_models::{NewPipelineExecution, NewTaskExecution, PipelineStatus, Worker};
use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

use crate::{lives::connect, options::Options, table::Table};

/// How many tasks are between the first and the last.
const WIDE: usize = 10_000;
const NARROW: usize = 100;
const ROUNDS: usize = 7;
/// How many are claimed, and completed, at once.
const BATCH: usize = 500;
/// At least half as fast.
const BAR: f64 = 2.0;

pub(crate) async fn run(options: &Options) {
    let table = Table::new(&["own", "fan"], "fan");
    let width = if options.once { NARROW } else { WIDE };
    for backend in [Backend::Postgres, Backend::Sqlite] {
        let name = format!("fan/{backend}/{width}");
        if options.wants(&name) {
            let [made, drained] = measure(backend, width, options.rounds(ROUNDS)).await;
            table.row(&format!("{name}/create"), &made, None);
            table.row(&format!("{name}/drain"), &drained, Some(BAR));
        }
    }
}

/// The times of making the tasks and of draining them, each of those of their own and of the fan, round by round.
async fn measure(backend: Backend, width: usize, rounds: usize) -> [[Vec<Duration>; 2]; 2] {
    let database = TestDatabase::create(backend).await;
    let dal = connect(&database.url()).await;
    let worker = dal.worker().register("bench").await;
    let worker = worker.expect("a worker can always register");
    let mut made = [Vec::new(), Vec::new()];
    let mut drained = [Vec::new(), Vec::new()];
    // The first counts for nothing: it warms up.
    for round in 0..=rounds {
        // Whoever is first in a round is last in the next.
        for turn in [round % 2, (round + 1) % 2] {
            let (pipeline, tasks) = if turn == 0 {
                (None, own(width + 2))
            } else {
                let pipeline = pipeline(&dal).await;
                (Some(pipeline), fan(pipeline, width))
            };
            let roots = tasks.iter().filter(|task| task.after.is_empty());
            let roots: Vec<Uuid> = roots.filter_map(|task| task.id).collect();
            let making = make(&dal, tasks).await;
            let draining = drain(&dal, &worker, &roots, width + 2).await;
            if let Some(pipeline) = pipeline {
                check(&dal, pipeline).await;
            }
            if round > 0 {
                made[turn].push(making);
                drained[turn].push(draining);
            }
        }
        // Or autovacuum does it, in the middle of a measurement.
        database.execute("ANALYZE").await;
    }
    [made, drained]
}

fn own(tasks: usize) -> Vec<NewTaskExecution> {
    let new = || NewTaskExecution::standalone("bench").id(Uuid::now_v7());
    std::iter::repeat_with(new).take(tasks).collect()
}

async fn pipeline(dal: &DAL) -> Uuid {
    let new = NewPipelineExecution::new("fan");
    let pipeline = dal.pipeline_execution().create(new).await;
    pipeline.expect("the name is right").id
}

fn fan(pipeline: Uuid, width: usize) -> Vec<NewTaskExecution> {
    let new = || NewTaskExecution::new(pipeline, "bench").id(Uuid::now_v7());
    let id = |task: &NewTaskExecution| task.id.expect("it was chosen");
    let mut tasks = vec![new()];
    let first = id(&tasks[0]);
    tasks.extend((0..width).map(|_| new().after(&[first])));
    let middle: Vec<Uuid> = tasks[1..].iter().map(id).collect();
    tasks.push(new().after(&middle));
    tasks
}

async fn make(dal: &DAL, tasks: Vec<NewTaskExecution>) -> Duration {
    let started = Instant::now();
    let made = dal.task_execution().create_many(tasks).await;
    made.expect("nothing is wrong with the tasks");
    started.elapsed()
}

/// Makes those ready that wait for no other, and claims and completes until nothing is left. Of a fan, ends make the
/// rest ready.
async fn drain(dal: &DAL, worker: &Worker, roots: &[Uuid], tasks: usize) -> Duration {
    let limit = i64::try_from(BATCH).expect("it is small");
    let mut left = tasks;
    let started = Instant::now();
    let ready = dal.task_execution().mark_ready_many(roots).await;
    let ready = ready.expect("the tasks have not started");
    assert_eq!(ready.moved.len(), roots.len());
    while left > 0 {
        let claims = dal.task_execution().claim(worker, limit).await;
        let claims = claims.expect("the lease lasts");
        let claims: Vec<_> = claims.into_iter().map(|claim| (claim, None)).collect();
        let ended = dal.task_execution().complete_many(&claims).await;
        let ended = ended.expect("the lease lasts").moved.len();
        assert!(ended > 0, "{left} tasks are stranded");
        left -= ended;
    }
    started.elapsed()
}

async fn check(dal: &DAL, pipeline: Uuid) {
    let pipeline = dal.pipeline_execution().get(pipeline).await;
    let status = pipeline.expect("it was made").status;
    assert_eq!(status, PipelineStatus::Completed);
}
