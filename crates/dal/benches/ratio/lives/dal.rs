//! The DAL.

use std::time::Duration;

use serde_json::Value;
use taskbox_dal::DAL;
use taskbox_models::{Claim, NewTaskExecution, Worker};
use uuid::Uuid;

pub(crate) struct ByDal {
    dal: DAL,
    worker: Worker,
    tasks: Vec<Uuid>,
    claims: Vec<(Claim, Option<Value>)>,
}

impl ByDal {
    pub(crate) async fn new(url: &str) -> Self {
        let dal = connect(url).await;
        let worker = dal.worker().register("bench").await;
        Self {
            dal,
            worker: worker.expect("a worker can always register"),
            tasks: Vec::new(),
            claims: Vec::new(),
        }
    }

    pub(crate) async fn create(&mut self, tasks: usize) {
        let new = vec![NewTaskExecution::standalone("bench"); tasks];
        let made = self.dal.task_execution().create_many(new).await;
        let made = made.expect("nothing is wrong with the tasks");
        self.tasks = made.into_iter().map(|task| task.id).collect();
    }

    pub(crate) async fn mark_ready(&mut self) {
        match self.tasks.as_slice() {
            [task] => self.dal.task_execution().mark_ready(*task).await,
            tasks => self
                .dal
                .task_execution()
                .mark_ready_many(tasks)
                .await
                .map(drop),
        }
        .expect("the tasks have not started");
    }

    pub(crate) async fn claim(&mut self) {
        let limit = i64::try_from(self.tasks.len()).expect("it is small");
        let claims = self.dal.task_execution().claim(&self.worker, limit).await;
        let claims = claims.expect("the lease lasts");
        assert_eq!(claims.len(), self.tasks.len());
        self.claims = claims.into_iter().map(|claim| (claim, None)).collect();
    }

    pub(crate) async fn complete(&mut self) {
        match self.claims.as_slice() {
            [(claim, output)] => {
                let output = output.clone();
                self.dal.task_execution().complete(claim, output).await
            }
            claims => self
                .dal
                .task_execution()
                .complete_many(claims)
                .await
                .map(drop),
        }
        .expect("the lease lasts");
    }
}

/// Its workers' leases last longer than any run.
pub(crate) async fn connect(url: &str) -> DAL {
    let lease = Duration::from_hours(24);
    let dal = DAL::builder(url).lease(lease).connect().await;
    dal.expect("the database is there")
}
