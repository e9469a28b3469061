//! How the databases look for the rows of the hot statements: by index, however many rows there are.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rusqlite::{Connection, params_from_iter, types::Value};
use taskbox_models::EventType;
use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

use super::{json_of, recorder::record};
use crate::DAL;

taskbox_test_support::suite! {
    hot_statements_find_their_rows_by_index,
}

/// What no plan may read from end to end.
const LARGE: [&str; 4] = [
    "execution_events",
    "pipeline_executions",
    "task_executions",
    "task_outbox",
];

/// The statements of an operation, and how they must be run.
struct Case {
    statements: Vec<String>,
    /// The types of the parameters and their values, as Postgres reads them.
    types: &'static str,
    arguments: String,
    /// The same values for `SQLite`.
    values: Vec<Value>,
    index: Option<&'static str>,
}

async fn hot_statements_find_their_rows_by_index(db: &TestDatabase) {
    fill(db).await;
    let dal = DAL::connect(db.url()).await.unwrap();
    let mut cases = cases(&dal).await;
    cases.extend(claims(&dal).await);
    for case in cases {
        for statement in &case.statements {
            for plan in plans(db, &case, statement).await {
                let explained = format!("{}\nis the plan of\n{statement}", plan.join("\n"));
                assert!(!plan.iter().any(|step| is_scan(step)), "{explained}");
                let uses = |index| plan.iter().any(|step| step.contains(index));
                assert!(case.index.is_none_or(uses), "{explained}");
            }
        }
    }
}

/// Whether a step reads a table from end to end, in whatever order.
fn is_scan(step: &str) -> bool {
    if let Some((_, table)) = step.split_once("Seq Scan on ") {
        return LARGE.contains(&table.split(' ').next().unwrap_or_default());
    }
    // SQLite names the aliases, of which these are lists of the call.
    let small = ["c", "input", "json_each", "n"];
    step.strip_prefix("SCAN ").is_some_and(|scanned| {
        let table = scanned.split(' ').next().unwrap_or_default();
        !small.contains(&table) && !scanned.contains("task_outbox_claim_idx")
    })
}

/// 20,000 tasks in 10,000 pipelines, all but the last 100 of them Ready.
async fn fill(db: &TestDatabase) {
    db.is_broken_on_purpose();
    let numbers = "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20000)
SELECT n FROM s";
    let id = |n: &str| match db.backend() {
        Backend::Postgres => format!("lpad(to_hex({n}), 32, '0')::uuid"),
        Backend::Sqlite => format!("unhex(printf('%032x', {n}))"),
    };
    let (task, pipeline) = (id("n"), id("n % 10000 + 1"));
    let insert_event =
        "INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type)";
    db.execute(&format!(
        "CREATE TABLE numbers (n INTEGER);
INSERT INTO numbers {numbers};
INSERT INTO pipeline_executions (id, name) SELECT {task}, 'p' FROM numbers WHERE n <= 10000;
INSERT INTO task_executions (id, pipeline_execution_id, task_name, status)
SELECT {task}, {pipeline}, 't', CASE WHEN n <= 19900 THEN 'Ready' ELSE 'NotStarted' END FROM numbers;
INSERT INTO task_outbox (task_execution_id) SELECT {task} FROM numbers WHERE n <= 19900;
{insert_event} SELECT {task}, NULL, 'pipeline_created' FROM numbers WHERE n <= 10000;
{insert_event} SELECT {pipeline}, {task}, 'task_created' FROM numbers;
{insert_event} SELECT {pipeline}, {task}, 'task_marked_ready' FROM numbers WHERE n <= 19900;
{insert_event} SELECT {pipeline}, {task}, 'task_failed' FROM numbers WHERE n <= 5;
DROP TABLE numbers;
ANALYZE"
    ))
    .await;
}

async fn cases(dal: &DAL) -> Vec<Case> {
    let id = Uuid::from_u128(7);
    let ids: Vec<Uuid> = (19_991..=20_000).map(Uuid::from_u128).collect();
    let event = EventType::TaskFailed;
    let array: Vec<_> = ids.iter().map(Uuid::to_string).collect();
    let json = json_of(&ids);
    let blob = Value::Blob(id.as_bytes().to_vec());
    vec![
        Case {
            statements: record!(dal, |tx| tx.task_execution().mark_ready_many(&ids)),
            types: "uuid[]",
            arguments: format!("'{{{}}}'", array.join(",")),
            values: vec![Value::Text(json)],
            index: None,
        },
        Case {
            statements: record!(dal, |tx| tx.task_outbox().list_pending(10)),
            types: "bigint",
            arguments: "10".to_owned(),
            values: vec![Value::Integer(10)],
            index: Some("task_outbox_claim_idx"),
        },
        Case {
            statements: record!(dal, |tx| tx.execution_event().list_by_task(id)),
            types: "uuid",
            arguments: format!("'{id}'"),
            values: vec![blob.clone()],
            index: Some("execution_events_task_execution_id_idx"),
        },
        Case {
            statements: record!(dal, |tx| tx.execution_event().list_by_pipeline(id)),
            types: "uuid, uuid",
            arguments: format!("'{id}', '{id}'"),
            values: vec![blob.clone(), blob.clone()],
            index: Some("execution_events_pipeline_execution_id_idx"),
        },
        Case {
            statements: record!(dal, |tx| tx.execution_event().list_by_type(event, 10)),
            types: "text, bigint",
            arguments: format!("'{event}', 10"),
            values: vec![Value::Text(event.to_string()), Value::Integer(10)],
            index: Some("execution_events_rare_event_type_idx"),
        },
        Case {
            statements: record!(dal, |tx| tx.task_execution().list_by_pipeline(id)),
            types: "uuid",
            arguments: format!("'{id}'"),
            values: vec![blob],
            index: Some("task_executions_pipeline_execution_id_idx"),
        },
    ]
}

/// The statement that finds what to claim, from all queues, from one and from several. On Postgres it is the whole claim.
async fn claims(dal: &DAL) -> Vec<Case> {
    let worker = dal.worker().register("w").await.unwrap();
    let blob = Value::Blob(worker.id.as_bytes().to_vec());
    let id = worker.id;
    let case = |statements: Vec<String>, queues: &[&str], types, index| {
        let names = queues.iter().map(|queue| format!("'{queue}', "));
        let mut values: Vec<_> = queues
            .iter()
            .map(|queue| Value::from((*queue).to_owned()))
            .collect();
        // SQLite is told a single queue after the worker.
        let place = if queues.len() == 1 { 0 } else { values.len() };
        values.insert(place, blob.clone());
        values.push(Value::Integer(10));
        Case {
            statements: statements.into_iter().take(1).collect(),
            types,
            arguments: names.collect::<String>() + &format!("10, '{id}'"),
            values,
            index,
        }
    };
    let (one, two) = (["default"], ["default", "mail"]);
    let from_all = record!(dal, |tx| tx.task_execution().claim(&worker, 10));
    let from_one = record!(dal, |tx| tx.task_execution().claim_from(&worker, &one, 10));
    let from_two = record!(dal, |tx| tx.task_execution().claim_from(&worker, &two, 10));
    let (of_all, of_queues) = ("task_outbox_claim_idx", "task_outbox_queue_idx");
    vec![
        case(from_all, &[], "bigint, uuid", Some(of_all)),
        case(from_one, &one, "text, bigint, uuid", Some(of_queues)),
        case(from_two, &two, "text, text, bigint, uuid", Some(of_queues)),
    ]
}

/// Every plan that the database may choose once it knows the values, or without knowing them.
async fn plans(db: &TestDatabase, case: &Case, statement: &str) -> Vec<Vec<String>> {
    match db.backend() {
        Backend::Postgres => vec![
            postgres_plan(db, case, statement, "force_custom_plan").await,
            postgres_plan(db, case, statement, "force_generic_plan").await,
        ],
        Backend::Sqlite => vec![sqlite_plan(db, case, statement)],
    }
}

async fn postgres_plan(db: &TestDatabase, case: &Case, statement: &str, mode: &str) -> Vec<String> {
    let (types, arguments) = (case.types, &case.arguments);
    let sql = format!(
        "SET plan_cache_mode = {mode};
PREPARE prepared ({types}) AS {statement};
EXPLAIN EXECUTE prepared ({arguments})"
    );
    db.query_text(&sql)
        .await
        .into_iter()
        .flatten()
        .flatten()
        .collect()
}

fn sqlite_plan(db: &TestDatabase, case: &Case, statement: &str) -> Vec<String> {
    let url = db.url();
    let connection = Connection::open(url.trim_start_matches("sqlite://")).unwrap();
    let sql = format!("EXPLAIN QUERY PLAN {statement}");
    let mut prepared = connection.prepare(&sql).unwrap();
    prepared
        .query_map(params_from_iter(&case.values), |step| step.get(3))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}
