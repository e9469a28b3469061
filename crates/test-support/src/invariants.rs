//! What holds over the whole database at the end of every test, in one SQL statement.
//!
//! What statuses, transitions and live tables there are comes from `taskbox-models`; what follows from them
//! is said here a second time, in plain SQL, so that the code under test is not its own judge.

use std::collections::BTreeSet;

use taskbox_models::{TaskStatus, Transition};

use crate::TestDatabase;

/// Fails the test if anything is broken, and says what and for whom.
pub async fn assert(db: &TestDatabase) {
    let broken = broken(db).await;
    assert!(broken.is_empty(), "the database is broken: {broken:#?}");
}

/// What is broken, as "rule: id", in no order; empty if the database is whole.
pub async fn broken(db: &TestDatabase) -> Vec<String> {
    let rows = db.query_text(&statement()).await;
    rows.into_iter()
        .map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(": "))
        .collect()
}

fn statement() -> String {
    let rules = [
        placed(),
        RECORDED.to_owned(),
        PIPELINES.to_owned(),
        HISTORY.to_owned(),
        SAID.to_owned(),
    ];
    format!(
        "WITH arrow (event, source, target) AS (VALUES {}),
pipeline_arrow (event, source, target) AS (VALUES {PIPELINE_ARROWS}),
said (event, field) AS (VALUES {}),
terminal (status) AS (VALUES {}),
step AS (
    SELECT id, task_execution_id AS task, pipeline_execution_id AS pipeline, event_type AS event,
        lag(event_type) OVER (PARTITION BY task_execution_id ORDER BY id) AS before,
        lead(event_type) OVER (PARTITION BY task_execution_id ORDER BY id) AS after
    FROM execution_events WHERE task_execution_id IS NOT NULL
),
pipeline_step AS (
    SELECT pipeline_execution_id AS pipeline, event_type AS event,
        lag(event_type) OVER (PARTITION BY pipeline_execution_id ORDER BY id) AS before,
        lead(event_type) OVER (PARTITION BY pipeline_execution_id ORDER BY id) AS after
    FROM execution_events WHERE task_execution_id IS NULL
),
counted AS (
    SELECT pipeline_execution_id AS pipeline, count(*) AS tasks,
        count(CASE WHEN status NOT IN (SELECT status FROM terminal) THEN 1 END) AS open,
        count(CASE WHEN status = 'Failed' THEN 1 END) AS failed,
        count(CASE WHEN status = 'Cancelled' THEN 1 END) AS cancelled,
        count(CASE WHEN status <> 'NotStarted' THEN 1 END) AS started
    FROM task_executions WHERE pipeline_execution_id IS NOT NULL GROUP BY pipeline_execution_id
)
{}",
        arrows(),
        said(),
        terminal(),
        rules.join("\nUNION ALL\n")
    )
}

/// `(event, from, to)` for every arrow; the one that makes a task comes from ''.
fn arrows() -> String {
    let mut rows = Vec::new();
    for rule in Transition::ALL.iter().map(|transition| transition.rule()) {
        let mut sources: Vec<_> = rule.from.iter().map(|status| status.as_str()).collect();
        if sources.is_empty() {
            sources.push("");
        }
        for (source, outcome) in sources
            .iter()
            .flat_map(|source| rule.outcomes.iter().map(move |outcome| (source, outcome)))
        {
            rows.push(format!(
                "('{}', '{source}', '{}')",
                outcome.event, outcome.to
            ));
        }
    }
    rows.join(", ")
}

/// `(event, key)` for everything that an event's data has to say.
fn said() -> String {
    let outcomes = Transition::ALL
        .iter()
        .flat_map(|transition| transition.rule().outcomes);
    let pairs: BTreeSet<_> = outcomes
        .flat_map(|outcome| outcome.data.iter().map(|field| (outcome.event, *field)))
        .map(|(event, field)| format!("('{event}', '{}')", field.as_str()))
        .collect();
    pairs.into_iter().collect::<Vec<_>>().join(", ")
}

fn terminal() -> String {
    let ended = TaskStatus::ALL.iter().filter(|status| status.is_terminal());
    ended
        .map(|status| format!("('{status}')"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A task has exactly one row in the live table of its status, and none in the others.
fn placed() -> String {
    let mut sql = Vec::new();
    for status in TaskStatus::ALL {
        if let Some(table) = status.live_table() {
            let table = table.as_str();
            sql.push(format!(
                "SELECT '{status} without its row in {table}' AS rule, t.id AS id
FROM task_executions t LEFT JOIN {table} l ON l.task_execution_id = t.id
WHERE t.status = '{status}' AND l.task_execution_id IS NULL
UNION ALL
SELECT 'a row in {table} of a task that is not {status}', l.task_execution_id
FROM {table} l LEFT JOIN task_executions t ON t.id = l.task_execution_id
WHERE t.status IS NULL OR t.status <> '{status}'
UNION ALL
SELECT 'two rows in {table} of one task', task_execution_id FROM {table}
GROUP BY task_execution_id HAVING count(*) > 1"
            ));
        }
    }
    sql.join("\nUNION ALL\n")
}

/// What a live row repeats of its task is as the task has it, and counters count.
const RECORDED: &str = "SELECT 'an outbox row with another queue or priority than its task', t.id
FROM task_outbox o JOIN task_executions t ON t.id = o.task_execution_id
WHERE o.queue <> t.queue OR o.priority <> t.priority
UNION ALL
SELECT 'an outbox row whose held is not whether its pipeline is paused', t.id
FROM task_outbox o JOIN task_executions t ON t.id = o.task_execution_id
LEFT JOIN pipeline_executions p ON p.id = t.pipeline_execution_id
WHERE o.held <> (coalesce(p.status, '') = 'Paused')
UNION ALL
SELECT 'a claim of another epoch than its task', t.id
FROM task_claims c JOIN task_executions t ON t.id = c.task_execution_id
WHERE c.epoch <> t.epoch
UNION ALL
SELECT 'an epoch that does not count the claims', t.id
FROM task_executions t LEFT JOIN (
    SELECT task, count(*) AS claims FROM step WHERE event = 'task_claimed' GROUP BY task
) n ON n.task = t.id
WHERE t.epoch <> coalesce(n.claims, 0)
UNION ALL
SELECT 'open_dependencies that does not count', t.id
FROM task_executions t
WHERE t.status NOT IN (SELECT status FROM terminal) AND t.open_dependencies <> (
    SELECT count(*) FROM task_dependencies d JOIN task_executions x ON x.id = d.dependency_id
    WHERE d.task_execution_id = t.id AND x.status NOT IN (SELECT status FROM terminal)
)
UNION ALL
SELECT 'NotStarted although all its dependencies have ended', t.id
FROM task_executions t
WHERE t.status = 'NotStarted' AND t.open_dependencies = 0
    AND EXISTS (SELECT 1 FROM task_dependencies d WHERE d.task_execution_id = t.id)";

/// A pipeline's counters count, and its status follows from its tasks.
const PIPELINES: &str = "SELECT 'a pipeline whose counters do not count', p.id
FROM pipeline_executions p LEFT JOIN counted n ON n.pipeline = p.id
WHERE p.open_tasks <> coalesce(n.open, 0) OR p.failed_tasks <> coalesce(n.failed, 0)
    OR p.cancelled_tasks <> coalesce(n.cancelled, 0)
UNION ALL
SELECT 'a pipeline whose status does not follow from its tasks', p.id
FROM pipeline_executions p LEFT JOIN counted n ON n.pipeline = p.id
WHERE NOT CASE
    WHEN n.tasks IS NULL THEN p.status IN ('Pending', 'Paused', 'Cancelled')
    WHEN n.open > 0 AND n.started = 0 THEN p.status IN ('Pending', 'Paused')
    WHEN n.open > 0 THEN p.status IN ('Running', 'Paused')
    WHEN n.failed > 0 THEN p.status = 'Failed'
    WHEN n.cancelled > 0 THEN p.status = 'Cancelled'
    ELSE p.status = 'Completed'
END
UNION ALL
SELECT 'a pipeline that is not Paused and has a reason for it', id FROM pipeline_executions
WHERE status <> 'Paused' AND pause_reason IS NOT NULL";

/// As `arrows`, for pipelines, whose transitions are no data of `taskbox-models`.
const PIPELINE_ARROWS: &str = "('pipeline_created', '', 'Pending'),
    ('pipeline_started', 'Pending', 'Running'),
    ('pipeline_paused', 'Pending', 'Paused'), ('pipeline_paused', 'Running', 'Paused'),
    ('pipeline_resumed', 'Paused', 'Pending'), ('pipeline_resumed', 'Paused', 'Running'),
    ('pipeline_completed', 'Running', 'Completed'), ('pipeline_completed', 'Paused', 'Completed'),
    ('pipeline_failed', 'Running', 'Failed'), ('pipeline_failed', 'Paused', 'Failed'),
    ('pipeline_cancelled', 'Pending', 'Cancelled'), ('pipeline_cancelled', 'Running', 'Cancelled'),
    ('pipeline_cancelled', 'Paused', 'Cancelled'),
    ('pipeline_reopened', 'Completed', 'Running'), ('pipeline_reopened', 'Failed', 'Running'),
    ('pipeline_reopened', 'Cancelled', 'Running')";

/// The events of each task and of each pipeline are a walk along the arrows, from its making to its status.
const HISTORY: &str = "SELECT 'a history that does not begin with task_created', t.id
FROM task_executions t LEFT JOIN step s ON s.task = t.id AND s.before IS NULL
WHERE s.event IS NULL OR s.event <> 'task_created'
UNION ALL
SELECT 'a status that is not where the last event leads', t.id
FROM task_executions t JOIN step s ON s.task = t.id AND s.after IS NULL
WHERE t.status NOT IN (SELECT target FROM arrow WHERE event = s.event)
UNION ALL
SELECT 'an event that cannot follow the one before it', s.task
FROM step s
WHERE s.before IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM arrow a JOIN arrow b ON a.target = b.source
    WHERE a.event = s.before AND b.event = s.event
)
UNION ALL
SELECT 'an event of a task that does not exist, or of another pipeline than its task', s.task
FROM step s LEFT JOIN task_executions t ON t.id = s.task
WHERE t.id IS NULL
    OR coalesce(t.pipeline_execution_id, t.id) <> coalesce(s.pipeline, t.id)
UNION ALL
SELECT 'a history that does not begin with pipeline_created', p.id
FROM pipeline_executions p LEFT JOIN pipeline_step s ON s.pipeline = p.id AND s.before IS NULL
WHERE s.event IS NULL OR s.event <> 'pipeline_created'
UNION ALL
SELECT 'a pipeline whose status is not where its last event leads', p.id
FROM pipeline_executions p JOIN pipeline_step s ON s.pipeline = p.id AND s.after IS NULL
WHERE p.status NOT IN (SELECT target FROM pipeline_arrow WHERE event = s.event)
UNION ALL
SELECT 'a pipeline event that cannot follow the one before it', s.pipeline
FROM pipeline_step s
WHERE s.before IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM pipeline_arrow a JOIN pipeline_arrow b ON a.target = b.source
    WHERE a.event = s.before AND b.event = s.event
)
UNION ALL
SELECT 'an event of a pipeline that does not exist', s.pipeline
FROM pipeline_step s LEFT JOIN pipeline_executions p ON p.id = s.pipeline
WHERE p.id IS NULL";

/// What events say is there, and is so.
const SAID: &str = "SELECT 'an event that does not say its ' || said.field, e.task_execution_id
FROM execution_events e JOIN said ON said.event = e.event_type
WHERE e.event_data ->> said.field IS NULL
UNION ALL
SELECT 'a claim that says another epoch than its number', c.task
FROM (
    SELECT task_execution_id AS task, event_data ->> 'epoch' AS epoch,
        row_number() OVER (PARTITION BY task_execution_id ORDER BY id) AS number
    FROM execution_events WHERE event_type = 'task_claimed'
) c
WHERE CAST(c.epoch AS bigint) <> c.number
UNION ALL
SELECT 'an attempt or recoveries that do not count since the last redrive', t.id
FROM task_executions t LEFT JOIN (
    SELECT s.task,
        sum(CASE s.event
            WHEN 'task_claimed' THEN 1
            WHEN 'task_deferred' THEN -1
            WHEN 'task_released' THEN -1
            ELSE 0
        END) AS attempts,
        count(CASE WHEN s.event = 'task_recovered' THEN 1 END) AS recoveries
    FROM step s LEFT JOIN (
        SELECT task, max(id) AS id FROM step WHERE event = 'task_redriven' GROUP BY task
    ) redrive ON redrive.task = s.task
    WHERE s.id > coalesce(redrive.id, 0)
    GROUP BY s.task
) n ON n.task = t.id
WHERE t.attempt <> coalesce(n.attempts, 0) OR t.recoveries <> coalesce(n.recoveries, 0)";
