//! What the database keeps: indexes, the history's numbers, the file.

use taskbox_dal::{DAL, IndexFault, IndexProblem};

use super::{EVENTS, Found};
use crate::{arguments::Database, command::doctor::finding::Finding, text};

pub(in crate::command::doctor) async fn indexes(dal: &DAL, database: &Database) -> Found {
    let faults = dal.doctor().indexes().await?;
    Ok(faults.iter().map(|fault| index(fault, database)).collect())
}

fn index(fault: &IndexFault, database: &Database) -> Finding {
    let (table, index) = (fault.table, fault.index);
    match fault.problem {
        IndexProblem::Invalid => Finding::broken(
            format!("{index} on {table} is not valid"),
            format!("REINDEX INDEX CONCURRENTLY {}", database.qualified(index)),
        ),
        _ => Finding::broken(
            format!("{index} on {table} is missing"),
            format!("make it again, as up.sql of the migration of {table} does"),
        ),
    }
}

pub(in crate::command::doctor) async fn damage(dal: &DAL) -> Found {
    const LINES: i64 = 20;
    let damage = dal.doctor().damage(LINES).await?;
    let broken = |line| {
        Finding::broken(
            line,
            "stop all programs, copy the file, and restore a backup; docs/operating.md says how",
        )
    };
    Ok(damage.into_iter().map(broken).collect())
}

/// How many of the newest events came from another server.
pub(in crate::command::doctor) async fn foreign_events(dal: &DAL) -> taskbox_dal::Result<i64> {
    dal.doctor().foreign_events(EVENTS).await
}

pub(in crate::command::doctor) fn history(foreign: i64) -> Vec<Finding> {
    if foreign == 0 {
        return Vec::new();
    }
    let seen = format!(
        "{} of the newest {} have numbers of transactions that this server has not had: they came by a dump, and \
         whoever follows the history waits for them",
        text::number(foreign),
        text::count(EVENTS, "event")
    );
    vec![Finding::warning(
        seen,
        "`taskbox doctor --repair` sets the numbers to 0",
    )]
}
