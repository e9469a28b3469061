//! What the databases plan to read for a statement.

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl as _;
use rusqlite::{Connection, types::ValueRef};
use serde_json::Value;
use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

use crate::{Result, Tx};

/// A statement that an operation sent, with the types of its parameters if Postgres keeps it prepared.
pub(super) struct Statement {
    pub(super) text: String,
    types: Option<String>,
}

/// What a plan reads, and the plan in the database's own words.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) reads: Vec<Read>,
    /// Conditions for which Postgres compares every row of one list with every row of another.
    pub(super) compared: Vec<String>,
    pub(super) words: String,
}

#[derive(Debug)]
pub(super) struct Read {
    pub(super) table: String,
    pub(super) index: Option<String>,
    /// Whether the table or the index is read from end to end.
    pub(super) is_whole: bool,
}

/// The statements that an operation sends in a transaction of its own, which must succeed.
macro_rules! sent {
    ($dal:expr, |$tx:ident| $operation:expr) => {
        $dal.transaction(async |$tx| {
            let recorder = $crate::queries::recorder::Recorder::on($tx);
            let _ = $operation.await?;
            $crate::queries::plans::explain::typed($tx, recorder.take()).await
        })
        .await
        .unwrap()
    };
}

pub(super) use sent;

/// The statements with the types under which this connection has prepared them.
pub(super) async fn typed(tx: &mut Tx<'_>, texts: Vec<String>) -> Result<Vec<Statement>> {
    #[derive(diesel::QueryableByName)]
    struct Prepared {
        #[diesel(sql_type = Text)]
        statement: String,
        #[diesel(sql_type = Text)]
        types: String,
    }
    let prepared: Vec<Prepared> = match tx.postgres() {
        Ok(connection) => {
            diesel::sql_query(
                "SELECT statement, array_to_string(parameter_types, ',') AS types FROM pg_prepared_statements",
            )
            .load(connection)
            .await?
        }
        Err(_) => Vec::new(),
    };
    let types = |text: &str| {
        let found = prepared.iter().find(|prepared| prepared.statement == text);
        found.map(|prepared| prepared.types.clone())
    };
    let statements = texts.into_iter().map(|text| Statement {
        types: types(&text),
        text,
    });
    Ok(statements.collect())
}

/// Every plan that the database may choose once it knows the values, or without knowing them.
pub(super) async fn plans(db: &TestDatabase, statement: &Statement) -> Vec<Plan> {
    match db.backend() {
        Backend::Postgres => vec![
            postgres_plan(db, statement, "force_custom_plan").await,
            postgres_plan(db, statement, "force_generic_plan").await,
        ],
        Backend::Sqlite => vec![sqlite_plan(db, &statement.text)],
    }
}

async fn postgres_plan(db: &TestDatabase, statement: &Statement, mode: &str) -> Plan {
    let text = &statement.text;
    let types = match &statement.types {
        Some(types) => types.clone(),
        None => inferred_types(db, text).await,
    };
    let arguments: Vec<_> = types
        .split(',')
        .filter(|it| !it.is_empty())
        .map(argument)
        .collect();
    let (types, arguments) = if arguments.is_empty() {
        (String::new(), String::new())
    } else {
        (format!("({types})"), format!("({})", arguments.join(", ")))
    };
    let sql = format!(
        "SET plan_cache_mode = {mode};
PREPARE prepared {types} AS {text};
EXPLAIN (FORMAT JSON) EXECUTE prepared {arguments};
EXPLAIN EXECUTE prepared {arguments}"
    );
    let answer = db.query_text(&sql).await;
    let mut lines = answer.into_iter().flatten().flatten();
    let json: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    let mut reads = Vec::new();
    let mut compared = Vec::new();
    collect(&json[0]["Plan"], "", &mut reads, &mut compared);
    let words = format!("{mode}\n{}", lines.collect::<Vec<_>>().join("\n"));
    Plan {
        reads,
        compared,
        words,
    }
}

async fn inferred_types(db: &TestDatabase, text: &str) -> String {
    let sql = format!(
        "PREPARE prepared AS {text};
SELECT array_to_string(parameter_types, ',') FROM pg_prepared_statements"
    );
    db.query_text(&sql)
        .await
        .pop()
        .unwrap()
        .pop()
        .unwrap()
        .unwrap()
}

/// A value that some row has, where rows differ by it.
fn argument(of_type: &str) -> String {
    let ids: Vec<_> = (1..=10).map(|n| Uuid::from_u128(n).to_string()).collect();
    let list = |value: &str| [value; 10].join(",");
    match of_type {
        "uuid" => format!("'{}'", ids[6]),
        "uuid[]" => format!("'{{{}}}'", ids.join(",")),
        "bigint" | "integer" => "10".to_owned(),
        "bigint[]" => format!("'{{{}}}'", list("1")),
        "text" => "'mail'".to_owned(),
        "text[]" => format!("'{{{}}}'", list("mail")),
        "jsonb" => "'{}'".to_owned(),
        "jsonb[]" => format!("'{{{}}}'", list("null")),
        other => panic!("no value is known of the type {other}"),
    }
}

/// The steps below one, each with the table that it is about.
fn collect(step: &Value, above: &str, reads: &mut Vec<Read>, compared: &mut Vec<String>) {
    let text = |key: &str| step[key].as_str().map(str::to_owned);
    let kind = text("Node Type").unwrap();
    let table = text("Relation Name").unwrap_or_else(|| above.to_owned());
    let is_by_index = matches!(
        &*kind,
        "Index Scan" | "Index Only Scan" | "Bitmap Index Scan"
    );
    if kind == "Seq Scan" || is_by_index {
        reads.push(Read {
            table: table.clone(),
            index: text("Index Name"),
            is_whole: text("Index Cond").is_none(),
        });
    }
    if kind == "Nested Loop" {
        compared.extend(text("Join Filter"));
    }
    for below in step["Plans"].as_array().into_iter().flatten() {
        collect(below, &table, reads, compared);
    }
}

/// From the program of `SQLite`'s machine, since its words for a plan name aliases instead of tables.
fn sqlite_plan(db: &TestDatabase, text: &str) -> Plan {
    let url = db.url();
    let connection = &Connection::open(url.trim_start_matches("sqlite://")).unwrap();
    let trees = rows(
        connection,
        "SELECT rootpage, name, tbl_name, type FROM sqlite_schema",
    );
    let program = rows(connection, &format!("EXPLAIN {text}"));
    let words = rows(connection, &format!("EXPLAIN QUERY PLAN {text}"));
    let words: Vec<_> = words.into_iter().filter_map(|mut row| row.pop()).collect();
    Plan {
        reads: program_reads(&program, &trees),
        compared: Vec::new(),
        words: words.join("\n"),
    }
}

/// Every column as text. The statement gets no values, which its plan does not depend on.
fn rows(connection: &Connection, sql: &str) -> Vec<Vec<String>> {
    let mut prepared = connection.prepare(sql).unwrap();
    let columns = prepared.column_count();
    let mut found = prepared.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = found.next().unwrap() {
        let text = |column| match row.get_ref(column).unwrap() {
            ValueRef::Integer(integer) => integer.to_string(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        };
        rows.push((0..columns).map(text).collect());
    }
    rows
}

/// The instructions have a place, a name, a cursor and, where one is opened, the root of a table or an index.
///
/// Programs of triggers follow, with cursors of the same numbers, and so do tables that are not kept: what a cursor is
/// at was said by the last instruction that opened it.
fn program_reads(program: &[Vec<String>], trees: &[Vec<String>]) -> Vec<Read> {
    let tree_of = |cursor: &str, before: usize| {
        let opens = |line: &&Vec<String>| {
            let (name, opened) = (&*line[1], &*line[2]);
            (name.starts_with("Open") || matches!(name, "ReopenIdx" | "VOpen")) && opened == cursor
        };
        let open = program[..before].iter().rfind(opens)?;
        let is_kept = matches!(&*open[1], "OpenRead" | "OpenWrite" | "ReopenIdx");
        let tree = trees.iter().find(|tree| tree[0] == open[3]);
        tree.filter(|_| is_kept)
    };
    // A range without a beginning is read from the beginning, to where an instruction says.
    let has_end = |cursor: &str| {
        let ends = |line: &Vec<String>| matches!(&*line[1], "IdxGT" | "IdxGE" | "IdxLT" | "IdxLE");
        program.iter().any(|line| ends(line) && line[2] == cursor)
    };
    let read = |(place, line): (usize, &Vec<String>)| {
        let (name, cursor) = (&*line[1], &*line[2]);
        let is_whole = matches!(name, "Rewind" | "Last" | "Count") && !has_end(cursor);
        let seeks = name.starts_with("Seek") && name != "SeekEnd";
        let finds = matches!(name, "NotExists" | "Found" | "NotFound");
        let reads = matches!(name, "Rewind" | "Last" | "Count") || seeks || finds;
        if !reads {
            return None;
        }
        let tree = tree_of(cursor, place)?;
        Some(Read {
            table: tree[2].clone(),
            index: (tree[3] == "index").then(|| tree[1].clone()),
            is_whole,
        })
    };
    program.iter().enumerate().filter_map(read).collect()
}
