//! What takes room, and who keeps it from being given back.

use std::time::Duration;

use taskbox_dal::{DAL, Holder, OpenTransaction, TableRows};

use super::Found;
use crate::{
    arguments::Database,
    command::doctor::finding::{Finding, Severity},
    text,
};

/// The tables whose rows come and go with every task.
const LIVE: [&str; 4] = [
    "task_claims",
    "task_outbox",
    "task_schedule",
    "task_workers",
];
const MIB: u64 = 1 << 20;

pub(in crate::command::doctor) async fn rows(dal: &DAL, database: &Database) -> Found {
    let tables = dal.doctor().rows().await?;
    let findings = tables
        .iter()
        .flat_map(|table| [dead(table, database), empty(table, database)]);
    Ok(findings.flatten().collect())
}

/// More dead rows than live ones, and more than a busy moment leaves: the tables are vacuumed each 2,000.
fn dead(table: &TableRows, database: &Database) -> Option<Finding> {
    const MANY: i64 = 50_000;
    let TableRows {
        table: name,
        live,
        dead,
        ..
    } = table;
    if *dead < MANY || dead <= live {
        return None;
    }
    let vacuumed = table.vacuumed.map_or_else(
        || "never vacuumed".to_owned(),
        |ago| format!("last vacuumed {} ago", text::duration(ago)),
    );
    let seen = format!(
        "{name} has {} dead rows and {} live ones, and was {vacuumed}",
        text::number(*dead),
        text::number(*live)
    );
    let remedy = format!(
        "end what holds them (see open transactions), see that autovacuum is on, and VACUUM {}",
        database.qualified(name)
    );
    Some(Finding::warning(seen, remedy))
}

/// A live table that takes much room for few rows.
fn empty(table: &TableRows, database: &Database) -> Option<Finding> {
    const LARGE: u64 = 64 * MIB;
    const PER_ROW: u64 = 8 * 1024;
    let name = &*table.table;
    let (bytes, live) = (table.bytes.unsigned_abs(), table.live.unsigned_abs());
    if !LIVE.contains(&name) || bytes < LARGE || bytes / PER_ROW <= live {
        return None;
    }
    let seen = format!(
        "{name} takes {} MiB for {}",
        text::number(bytes / MIB),
        text::count(live, "row")
    );
    let remedy = format!(
        "VACUUM FULL {} at a quiet moment: it locks the table while it runs",
        database.qualified(name)
    );
    Some(Finding::note(seen, remedy))
}

pub(in crate::command::doctor) async fn open_transactions(dal: &DAL) -> Found {
    const LOOK: i64 = 10;
    let open = dal.doctor().open_transactions(LOOK).await?;
    let mut findings: Vec<Finding> = open.oldest.iter().filter_map(old).collect();
    if open.hidden > 0 {
        let seen = format!(
            "hidden from this role: since when the transactions of {} are open",
            text::count(open.hidden, "session")
        );
        let remedy = "GRANT pg_read_all_stats to the role that runs `taskbox doctor`";
        findings.push(Finding::note(seen, remedy));
    }
    Ok(findings)
}

/// One that is open for long, or sees what is long gone.
fn old(open: &OpenTransaction) -> Option<Finding> {
    let severity = severity(open.open_for, open.behind)?;
    let since = match (open.open_for, open.behind) {
        (Some(time), _) => text::duration(time),
        (None, behind) => text::count(behind.unwrap_or_default(), "transaction"),
    };
    let (who, remedy) = words(&open.holder);
    let seen = format!("{who} keeps dead rows from being taken away, for {since}");
    Some(Finding::new(severity, seen, remedy))
}

/// How bad it is; nothing if it is young. What it sees counts only where nobody knows since when it is open.
fn severity(open_for: Option<Duration>, behind: Option<i64>) -> Option<Severity> {
    const NOTED: Duration = Duration::from_mins(5);
    const WARNED: Duration = Duration::from_hours(1);
    const FAR_BEHIND: i64 = 1_000_000;
    match (open_for, behind) {
        (Some(time), _) if time >= WARNED => Some(Severity::Warning),
        (Some(time), _) if time >= NOTED => Some(Severity::Note),
        (None, Some(FAR_BEHIND..)) => Some(Severity::Warning),
        _ => None,
    }
}

fn words(holder: &Holder) -> (String, String) {
    match holder {
        Holder::Prepared(name) => (
            format!("the prepared transaction {name:?}"),
            format!("COMMIT PREPARED or ROLLBACK PREPARED '{name}'"),
        ),
        Holder::Slot(name) => (
            format!("the replication slot {name:?}"),
            "let its reader catch up, or drop it by pg_drop_replication_slot".to_owned(),
        ),
        Holder::Standby(name) => (
            format!("a query on the standby {name:?}"),
            "end it there, or turn hot_standby_feedback off".to_owned(),
        ),
        Holder::Session {
            pid,
            application,
            state,
        } => (
            format!("the transaction of {application:?} (pid {pid}, {state})"),
            format!(
                "let it end, or SELECT pg_terminate_backend({pid}); idle_in_transaction_session_timeout guards against more"
            ),
        ),
        _ => (
            "somebody".to_owned(),
            "find it in pg_stat_activity".to_owned(),
        ),
    }
}

pub(in crate::command::doctor) async fn wal(dal: &DAL) -> Found {
    let bytes = dal.doctor().wal_bytes().await?;
    Ok(bytes.and_then(large_wal).into_iter().collect())
}

/// Four times of what `SQLite` cuts it down to.
fn large_wal(bytes: u64) -> Option<Finding> {
    const LARGE: u64 = 256 * MIB;
    (bytes >= LARGE).then(|| {
        Finding::warning(
            format!("it has {} MiB", text::number(bytes / MIB)),
            "end the program that reads for so long: the log cannot be taken into the file meanwhile",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use taskbox_dal::Holder;

    use super::{MIB, large_wal, severity, words};
    use crate::command::doctor::finding::Severity;

    #[test]
    fn a_transaction_is_noted_after_five_minutes_and_warned_of_after_an_hour() {
        let after = |seconds| severity(Some(Duration::from_secs(seconds)), Some(i64::MAX));
        assert_eq!(after(299), None);
        assert_eq!(after(300), Some(Severity::Note));
        assert_eq!(after(3_599), Some(Severity::Note));
        assert_eq!(after(3_600), Some(Severity::Warning));
    }

    #[test]
    fn what_has_no_age_is_warned_of_by_what_it_sees() {
        assert_eq!(severity(None, None), None);
        assert_eq!(severity(None, Some(999_999)), None);
        assert_eq!(severity(None, Some(1_000_000)), Some(Severity::Warning));
    }

    #[test]
    fn whoever_holds_old_rows_is_named_with_what_ends_it() {
        let session = Holder::Session {
            pid: 7,
            application: "import".to_owned(),
            state: "idle in transaction".to_owned(),
        };
        for (holder, who, remedy) in [
            (session, "\"import\" (pid 7", "pg_terminate_backend(7)"),
            (
                Holder::Prepared("x".to_owned()),
                "\"x\"",
                "ROLLBACK PREPARED 'x'",
            ),
            (
                Holder::Slot("s".to_owned()),
                "\"s\"",
                "pg_drop_replication_slot",
            ),
            (
                Holder::Standby("b".to_owned()),
                "\"b\"",
                "hot_standby_feedback",
            ),
        ] {
            let words = words(&holder);
            assert!(
                words.0.contains(who) && words.1.contains(remedy),
                "{words:?}"
            );
        }
    }

    #[test]
    fn a_log_is_large_from_256_mib_on() {
        assert!(large_wal(256 * MIB - 1).is_none());
        assert_eq!(large_wal(256 * MIB).unwrap().seen, "it has 256 MiB");
    }
}
