//! Processes that open a database at once, and make it.

use std::{
    io::{self, Write},
    process::{Child, Stdio},
};

use taskbox_dal::{DAL, Result};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::{TestDatabase, invariants};

use crate::process;

taskbox_test_support::suite! {
    empty: [processes_that_meet_on_a_new_database_do_everything_once],
}

const PROCESSES: usize = 8;
const TASKS_EACH: usize = 6;

async fn processes_that_meet_on_a_new_database_do_everything_once(db: &TestDatabase) {
    let mut processes: Vec<_> = (0..PROCESSES).map(|_| start(db)).collect();
    for process in &mut processes {
        process.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    for process in processes {
        let output = process.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
    }
    let all = i64::try_from(PROCESSES * TASKS_EACH).unwrap();
    for event in [
        "task_created",
        "task_marked_ready",
        "task_claimed",
        "task_completed",
    ] {
        let count = format!("SELECT count(*) FROM execution_events WHERE event_type = '{event}'");
        assert_eq!(db.query_i64(&count).await, all, "{event}");
        let tasks = count.replace("count(*)", "count(DISTINCT task_execution_id)");
        assert_eq!(db.query_i64(&tasks).await, all, "{event}");
    }
    assert_eq!(
        db.query_i64("SELECT count(*) FROM task_executions").await,
        all
    );
    invariants::assert(db).await;
}

/// Waits for a line before it begins.
fn start(db: &TestDatabase) -> Child {
    let mut command = process::command(db, "processes::is_run_as_a_process");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
#[ignore = "is run by the test of this file, as a process of its own"]
fn is_run_as_a_process() {
    let Some(url) = process::url() else { return };
    io::stdin().read_line(&mut String::new()).unwrap();
    process::block_on(work(url)).unwrap();
}

async fn work(url: String) -> Result<()> {
    let dal = DAL::connect(url).await?;
    dal.migrate().await?;
    let worker = dal.worker().register("w").await?;
    let new = vec![NewTaskExecution::standalone("t"); TASKS_EACH];
    for task in dal.task_execution().create_many(new).await? {
        dal.task_execution().mark_ready(task.id).await?;
    }
    loop {
        let claims = dal.task_execution().claim(&worker, 2).await?;
        if claims.is_empty() {
            return dal.worker().deregister(worker).await;
        }
        for claim in claims {
            dal.task_execution().complete(&claim, None).await?;
        }
    }
}
