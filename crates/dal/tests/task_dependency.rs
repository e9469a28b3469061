//! Tasks that wait for others of their pipeline.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod connect;
    pub(crate) mod pipeline;
}

use serde_json::json;
use support::{connect::connect, pipeline::pipeline};
use taskbox_dal::{DAL, Error};
use taskbox_models::{
    Claim, DependencyOutput, EventType, NewTaskExecution, PipelineStatus, RunWhen, TaskStatus,
    Worker,
};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    a_task_is_ready_when_the_last_of_its_dependencies_completes,
    a_task_is_skipped_when_one_of_its_dependencies_fails,
    a_task_that_runs_after_any_end_is_ready_when_all_have_ended,
    a_skip_passes_on_through_a_chain_of_a_thousand,
    a_task_that_waits_cannot_be_made_ready_by_hand,
    a_task_made_after_its_dependencies_ended_begins_where_they_lead,
    those_that_wait_for_a_redriven_task_wait_again,
    what_was_skipped_because_of_a_task_comes_back_with_it,
    what_was_skipped_because_of_another_task_as_well_stays_so,
    what_was_skipped_by_hand_stays_so,
    a_task_gets_the_outputs_of_its_dependencies,
    a_circle_is_refused,
    dependencies_that_are_not_of_the_pipeline_are_refused,
    a_fan_of_tasks_goes_out_and_in,
}

struct Scene {
    dal: DAL,
    pipeline: Uuid,
    worker: Worker,
}

impl Scene {
    async fn new(db: &TestDatabase) -> Self {
        let dal = connect(db).await;
        let pipeline = pipeline(&dal).await;
        let worker = dal.worker().register("w").await.unwrap();
        Self {
            dal,
            pipeline,
            worker,
        }
    }

    fn task(&self, after: &[Uuid]) -> NewTaskExecution {
        NewTaskExecution::new(self.pipeline, "t")
            .id(Uuid::now_v7())
            .after(after)
    }

    async fn make(&self, new: NewTaskExecution) -> Uuid {
        self.dal.task_execution().create(new).await.unwrap().id
    }

    async fn status(&self, task: Uuid) -> TaskStatus {
        self.dal.task_execution().get(task).await.unwrap().status
    }

    async fn run(&self, task: Uuid) -> Claim {
        let found = self.status(task).await;
        if found == TaskStatus::NotStarted {
            self.dal.task_execution().mark_ready(task).await.unwrap();
        }
        let mut claims = self
            .dal
            .task_execution()
            .claim(&self.worker, 1)
            .await
            .unwrap();
        let claim = claims.pop().unwrap();
        assert_eq!(claim.task_execution_id(), task);
        claim
    }

    async fn complete(&self, task: Uuid) {
        let claim = self.run(task).await;
        self.dal
            .task_execution()
            .complete(&claim, None)
            .await
            .unwrap();
    }

    async fn fail(&self, task: Uuid) {
        let claim = self.run(task).await;
        self.dal.task_execution().fail(&claim, "no").await.unwrap();
    }

    async fn pipeline_status(&self) -> PipelineStatus {
        self.dal
            .pipeline_execution()
            .get(self.pipeline)
            .await
            .unwrap()
            .status
    }
}

async fn a_task_is_ready_when_the_last_of_its_dependencies_completes(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let a = scene.make(scene.task(&[])).await;
    let b = scene.make(scene.task(&[])).await;
    let last = scene.make(scene.task(&[a, b, a])).await;
    scene.complete(a).await;
    assert_eq!(scene.status(last).await, TaskStatus::NotStarted);
    scene.complete(b).await;
    assert_eq!(scene.status(last).await, TaskStatus::Ready);
    assert_eq!(scene.pipeline_status().await, PipelineStatus::Running);
    scene.complete(last).await;
    assert_eq!(scene.pipeline_status().await, PipelineStatus::Completed);
}

async fn a_task_is_skipped_when_one_of_its_dependencies_fails(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let a = scene.make(scene.task(&[])).await;
    let b = scene.make(scene.task(&[])).await;
    let last = scene.make(scene.task(&[a, b])).await;
    scene.fail(a).await;
    assert_eq!(scene.status(last).await, TaskStatus::Skipped);
    scene.complete(b).await;
    assert_eq!(scene.pipeline_status().await, PipelineStatus::Failed);
}

async fn a_task_that_runs_after_any_end_is_ready_when_all_have_ended(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let a = scene.make(scene.task(&[])).await;
    let b = scene.make(scene.task(&[])).await;
    let skipped = scene.make(scene.task(&[a])).await;
    let last = scene.task(&[a, b, skipped]).run_when(RunWhen::AllDone);
    let last = scene.make(last).await;
    scene.fail(a).await;
    assert_eq!(scene.status(skipped).await, TaskStatus::Skipped);
    assert_eq!(scene.status(last).await, TaskStatus::NotStarted);
    scene.dal.task_execution().cancel(b).await.unwrap();
    assert_eq!(scene.status(last).await, TaskStatus::Ready);
}

async fn a_skip_passes_on_through_a_chain_of_a_thousand(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let mut chain = vec![scene.task(&[])];
    for link in 0..1_000 {
        let before = chain[link].id.unwrap();
        chain.push(scene.task(&[before]));
    }
    let made = scene.dal.task_execution().create_many(chain).await.unwrap();
    scene
        .dal
        .task_execution()
        .skip(made[0].id, "not needed")
        .await
        .unwrap();
    assert_eq!(scene.status(made[1_000].id).await, TaskStatus::Skipped);
    assert_eq!(scene.pipeline_status().await, PipelineStatus::Completed);
}

async fn a_task_that_waits_cannot_be_made_ready_by_hand(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let a = scene.make(scene.task(&[])).await;
    let last = scene.make(scene.task(&[a])).await;
    let tasks = || scene.dal.task_execution();
    let by_hand = [
        tasks().mark_ready(last).await,
        tasks().schedule(last, std::time::Duration::ZERO).await,
    ];
    for result in by_hand {
        let message = result.unwrap_err().to_string();
        assert!(message.ends_with("waits for its dependencies"), "{message}");
    }
    assert_eq!(scene.status(last).await, TaskStatus::NotStarted);
}

async fn a_task_made_after_its_dependencies_ended_begins_where_they_lead(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let good = scene.make(scene.task(&[])).await;
    let bad = scene.make(scene.task(&[])).await;
    scene.complete(good).await;
    scene.fail(bad).await;
    let ready = scene.task(&[good]);
    let skipped = scene.task(&[good, bad]);
    let after_skipped = scene.task(&[skipped.id.unwrap()]);
    let after_all = scene.task(&[bad]).run_when(RunWhen::AllDone);
    let new = vec![ready, skipped, after_skipped, after_all];
    let made = scene.dal.task_execution().create_many(new).await.unwrap();
    let statuses: Vec<_> = made.iter().map(|task| task.status).collect();
    assert_eq!(
        statuses,
        [
            TaskStatus::Ready,
            TaskStatus::Skipped,
            TaskStatus::Skipped,
            TaskStatus::Ready
        ]
    );
}

async fn those_that_wait_for_a_redriven_task_wait_again(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let a = scene.make(scene.task(&[])).await;
    let b = scene.make(scene.task(&[])).await;
    let last = scene.task(&[a, b]).run_when(RunWhen::AllDone);
    let last = scene.make(last).await;
    scene.fail(a).await;
    scene.dal.task_execution().redrive(a).await.unwrap();
    scene.dal.task_execution().cancel(b).await.unwrap();
    assert_eq!(scene.status(last).await, TaskStatus::NotStarted);
    scene.complete(a).await;
    assert_eq!(scene.status(last).await, TaskStatus::Ready);
}

async fn what_was_skipped_because_of_a_task_comes_back_with_it(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let a = scene.make(scene.task(&[])).await;
    let b = scene.make(scene.task(&[])).await;
    let both = scene.make(scene.task(&[a, b])).await;
    let last = scene.make(scene.task(&[both])).await;
    let after_any_end = scene.task(&[last, b]).run_when(RunWhen::AllDone);
    let after_any_end = scene.make(after_any_end).await;
    scene.fail(a).await;
    assert_eq!(scene.status(last).await, TaskStatus::Skipped);

    scene.dal.task_execution().redrive(a).await.unwrap();
    for task in [both, last] {
        assert_eq!(scene.status(task).await, TaskStatus::NotStarted);
        let events = scene.dal.execution_event().list_by_task(task).await;
        let types: Vec<_> = events.unwrap().iter().map(|it| it.event_type).collect();
        let expected = [
            EventType::TaskCreated,
            EventType::TaskSkipped,
            EventType::TaskReset,
        ];
        assert_eq!(types, expected);
    }
    for task in [a, b, both, last, after_any_end] {
        scene.complete(task).await;
    }
    assert_eq!(scene.pipeline_status().await, PipelineStatus::Completed);
}

async fn what_was_skipped_because_of_another_task_as_well_stays_so(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let a = scene.make(scene.task(&[])).await;
    let b = scene.make(scene.task(&[])).await;
    let of_both = scene.make(scene.task(&[a, b])).await;
    let after_it = scene.make(scene.task(&[of_both])).await;
    let of_one = scene.make(scene.task(&[a])).await;
    scene.fail(a).await;
    scene.fail(b).await;
    scene.dal.task_execution().redrive(a).await.unwrap();
    assert_eq!(scene.status(of_both).await, TaskStatus::Skipped);
    assert_eq!(scene.status(after_it).await, TaskStatus::Skipped);
    assert_eq!(scene.status(of_one).await, TaskStatus::NotStarted);
    scene.dal.task_execution().redrive(b).await.unwrap();
    assert_eq!(scene.status(of_both).await, TaskStatus::NotStarted);
    assert_eq!(scene.status(after_it).await, TaskStatus::NotStarted);
}

async fn what_was_skipped_by_hand_stays_so(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let a = scene.make(scene.task(&[])).await;
    let by_hand = scene.make(scene.task(&[a])).await;
    let after_it = scene.make(scene.task(&[a, by_hand])).await;
    let tasks = || scene.dal.task_execution();
    tasks().skip(by_hand, "not needed").await.unwrap();
    scene.fail(a).await;
    tasks().redrive(a).await.unwrap();
    assert_eq!(scene.status(by_hand).await, TaskStatus::Skipped);
    assert_eq!(scene.status(after_it).await, TaskStatus::Skipped);
}

async fn a_task_gets_the_outputs_of_its_dependencies(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let tasks = || scene.dal.task_execution();
    let a = scene.make(scene.task(&[])).await;
    let b = scene.make(scene.task(&[])).await;
    let last = scene.task(&[b, a]).run_when(RunWhen::AllDone);
    let last = scene.make(last).await;
    let claim = scene.run(a).await;
    let rows = json!({ "rows": 3 });
    tasks().complete(&claim, Some(rows.clone())).await.unwrap();
    scene.fail(b).await;
    let output = |task_execution_id, status, output| DependencyOutput {
        task_execution_id,
        task_name: "t".to_owned(),
        status,
        output,
    };
    assert_eq!(
        tasks().dependency_outputs(last).await.unwrap(),
        [
            output(a, TaskStatus::Completed, Some(rows)),
            output(b, TaskStatus::Failed, None)
        ]
    );
    assert_eq!(tasks().dependency_outputs(a).await.unwrap(), []);
    let id = Uuid::now_v7();
    let unknown = tasks().dependency_outputs(id).await.unwrap_err();
    assert!(
        matches!(unknown, Error::NotFound { what: "task", .. }),
        "{unknown}"
    );
}

async fn a_circle_is_refused(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let ids: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
    let new = (0..3).map(|index| {
        NewTaskExecution::new(scene.pipeline, "t")
            .id(ids[index])
            .after(&[ids[(index + 1) % 3]])
    });
    let before = db.dump().await;
    let refused = scene.dal.task_execution().create_many(new.collect()).await;
    assert!(matches!(
        refused,
        Err(Error::InvalidInput { what: "after", .. })
    ));
    let own = scene.task(&[]);
    let own = own.clone().after(&[own.id.unwrap()]);
    let refused = scene.dal.task_execution().create(own).await;
    assert!(matches!(
        refused,
        Err(Error::InvalidInput { what: "after", .. })
    ));
    assert_eq!(db.dump().await, before);
}

async fn dependencies_that_are_not_of_the_pipeline_are_refused(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let foreign = pipeline(&scene.dal).await;
    let foreign = scene.make(NewTaskExecution::new(foreign, "t")).await;
    let own = scene.make(NewTaskExecution::standalone("t")).await;
    let before = db.dump().await;
    for new in [
        scene.task(&[foreign]),
        scene.task(&[own]),
        NewTaskExecution::standalone("t").after(&[own]),
    ] {
        let refused = scene.dal.task_execution().create(new).await;
        assert!(matches!(
            refused,
            Err(Error::InvalidInput { what: "after", .. })
        ));
    }
    let unknown = Uuid::now_v7();
    let refused = scene
        .dal
        .task_execution()
        .create(scene.task(&[unknown]))
        .await;
    assert!(matches!(refused, Err(Error::NotFound { what: "dependency", id }) if id == unknown));
    assert_eq!(db.dump().await, before);
}

async fn a_fan_of_tasks_goes_out_and_in(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let first = scene.task(&[]);
    let middle: Vec<_> = (0..50).map(|_| scene.task(&[first.id.unwrap()])).collect();
    let ids: Vec<Uuid> = middle.iter().map(|new| new.id.unwrap()).collect();
    let last = scene.task(&ids);
    let last_id = last.id.unwrap();
    let first_id = first.id.unwrap();
    let new = [vec![first], middle, vec![last]].concat();
    let _ = scene.dal.task_execution().create_many(new).await.unwrap();
    scene.complete(first_id).await;
    let tasks = || scene.dal.task_execution();
    let claims = tasks().claim(&scene.worker, 100).await.unwrap();
    assert_eq!(claims.len(), 50);
    let batch: Vec<_> = claims.into_iter().map(|claim| (claim, None)).collect();
    let _ = tasks().complete_many(&batch).await.unwrap();
    assert_eq!(scene.status(last_id).await, TaskStatus::Ready);
    scene.complete(last_id).await;
    assert_eq!(scene.pipeline_status().await, PipelineStatus::Completed);
}
