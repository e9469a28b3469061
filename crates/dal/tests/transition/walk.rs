//! One step of a task along an arrow, looked at from all sides.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use taskbox_dal::DAL;
use taskbox_models::{
    Change, ExecutionEvent, Field, LiveTable, Outcome, TaskExecution, TaskStatus,
};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{
    due_at::due_at,
    ending::{DELAY, ERROR, output},
};

pub(crate) const REASON: &str = "not needed";

/// A task before it moves.
pub(crate) struct Start {
    task: TaskExecution,
    history: Vec<ExecutionEvent>,
}

impl Start {
    pub(crate) async fn of(dal: &DAL, task: Uuid) -> Self {
        Self {
            task: dal.task_execution().get(task).await.unwrap(),
            history: dal.execution_event().list_by_task(task).await.unwrap(),
        }
    }

    /// Fails unless the task went this way since, and no further. The worker is who the event is to name.
    pub(crate) async fn assert_led(
        self,
        db: &TestDatabase,
        dal: &DAL,
        outcome: &Outcome,
        worker: Uuid,
    ) {
        let id = self.task.id;
        let after = dal.task_execution().get(id).await.unwrap();
        assert!(after.updated_at >= self.task.updated_at, "{outcome:?}");
        let expected = TaskExecution {
            status: outcome.to,
            updated_at: after.updated_at,
            ..changed(self.task.clone(), outcome)
        };
        assert_eq!(after, expected);
        assert_live_rows(db, id, outcome.to).await;
        if outcome.to == TaskStatus::Running {
            assert_claimed(db, &after, worker).await;
        }

        let events = dal.execution_event().list_by_task(id).await.unwrap();
        let (event, older) = events.split_last().unwrap();
        assert_eq!(older, self.history, "{outcome:?} writes one event");
        assert_eq!(event.event_type, outcome.event);
        assert_eq!(event.pipeline_execution_id, after.pipeline_execution_id);
        self.assert_said(db, event.event_data.as_ref(), &after, outcome, worker)
            .await;
    }

    /// Exactly what the event must say.
    async fn assert_said(
        &self,
        db: &TestDatabase,
        said: Option<&Value>,
        after: &TaskExecution,
        outcome: &Outcome,
        worker: Uuid,
    ) {
        let mut data = Map::new();
        for field in outcome.data {
            let value = match field {
                Field::Attempt if outcome.changes.contains(&Change::TakeAttempt) => {
                    json!(after.attempt)
                }
                Field::Attempt => json!(self.task.attempt),
                Field::DueAt => {
                    let text = said.unwrap()[field.as_str()].as_str().unwrap();
                    self.assert_due(db, text, after).await;
                    json!(text)
                }
                Field::Epoch => json!(after.epoch),
                Field::Error => json!(ERROR),
                Field::Reason => json!(REASON),
                Field::Worker => json!(worker.to_string()),
            };
            data.insert(field.as_str().to_owned(), value);
        }
        let data = (!data.is_empty()).then_some(Value::Object(data));
        assert_eq!(said, data.as_ref());
    }

    /// It is to be ready a delay after the call, or at once.
    async fn assert_due(&self, db: &TestDatabase, said: &str, after: &TaskExecution) {
        let due: DateTime<Utc> = said.parse().unwrap();
        assert_eq!(due.to_rfc3339_opts(SecondsFormat::Micros, true), said);
        let mut called_at = due;
        if after.status == TaskStatus::Scheduled {
            assert_eq!(due, due_at(db, after.id).await);
            called_at -= DELAY;
        }
        let during = self.task.updated_at..=after.updated_at;
        assert!(during.contains(&called_at), "{called_at} in {during:?}");
    }
}

/// What else changes in the row of a task that goes this way.
fn changed(mut task: TaskExecution, outcome: &Outcome) -> TaskExecution {
    for change in outcome.changes {
        match change {
            Change::TakeAttempt => {
                task.attempt += 1;
                task.epoch += 1;
            }
            Change::GiveAttemptBack => task.attempt -= 1,
            Change::CountRecovery => task.recoveries += 1,
            Change::FreshAttempts => (task.attempt, task.recoveries) = (0, 0),
            Change::SetOutput => task.output = Some(output()),
        }
    }
    task
}

/// One row in the table of the status, and none in the others.
pub(crate) async fn assert_live_rows(db: &TestDatabase, task: Uuid, status: TaskStatus) {
    let id = db.uuid_literal(task);
    for table in [LiveTable::Claims, LiveTable::Outbox, LiveTable::Schedule] {
        let name = table.as_str();
        let rows = format!("SELECT count(*) FROM {name} WHERE task_execution_id = {id}");
        let expected = i64::from(status.live_table() == Some(table));
        assert_eq!(db.query_i64(&rows).await, expected, "{status}, {name}");
    }
}

/// The claim is this worker's, of the task's epoch.
async fn assert_claimed(db: &TestDatabase, task: &TaskExecution, worker: Uuid) {
    let id = db.uuid_literal(task.id);
    let claim = format!("SELECT worker_id, epoch FROM task_claims WHERE task_execution_id = {id}");
    let expected = vec![Some(worker.to_string()), Some(task.epoch.to_string())];
    assert_eq!(db.query_text(&claim).await, [expected]);
}
