//! All checks, one after the other.

use serde::Serialize;
use taskbox_dal::{DAL, Invariant};
use uuid::Uuid;

use super::{
    check::{placement, schema, settings, space, work},
    finding::{Checked, Finding, Severity},
};
use crate::{
    Error, Result,
    arguments::Database,
    output::{Output, json},
    table::{Cell, DIM, GREEN, Table},
    text,
};

/// What was found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Examination {
    checks: Vec<Checked>,
    /// Who breaks which invariant.
    #[serde(skip)]
    pub(super) breaches: Vec<(Invariant, Vec<Uuid>)>,
    /// How many of the newest events came from another server.
    #[serde(skip)]
    pub(super) foreign_events: i64,
}

impl Examination {
    /// Makes every check, also if others fail.
    pub(super) async fn of(dal: &DAL, database: &Database) -> Self {
        let mut all = Self::default();
        let pending = settings::migrations(dal, database).await;
        let has_tables = matches!(&pending, Ok(pending) if pending.is_empty());
        all.add("migrations", pending);
        all.add("durability", settings::durability(dal).await);
        all.add("clock", settings::clock(dal).await);
        all.add("open transactions", space::open_transactions(dal).await);
        all.add("file", schema::damage(dal).await);
        all.add("write-ahead log", space::wal(dal).await);
        // Without the tables as this program knows them, all else would only say that they are not there.
        if has_tables {
            all.look_at_tables(dal, database).await;
        }
        all
    }

    async fn look_at_tables(&mut self, dal: &DAL, database: &Database) {
        self.add("indexes", schema::indexes(dal, database).await);
        self.add("dead rows", space::rows(dal, database).await);
        self.add("workers", work::workers(dal).await);
        self.add("queues", work::queues(dal).await);
        self.add("due tasks", work::due(dal).await);
        self.add("handlers", work::handlers(dal).await);
        let events = schema::foreign_events(dal).await;
        self.foreign_events = *events.as_ref().unwrap_or(&0);
        self.add("history", events.map(schema::history));
        let (findings, breaches) = placement::invariants(dal).await;
        self.breaches = breaches;
        self.add("placement", Ok(findings));
    }

    fn add(&mut self, check: &'static str, found: taskbox_dal::Result<Vec<Finding>>) {
        let findings = found.unwrap_or_else(|error| vec![Finding::not_checked(None, &error)]);
        self.checks.push(Checked { check, findings });
    }

    pub(super) fn write_json(&self, out: &mut Output) -> Result<()> {
        json(out, self)
    }

    /// A line for each check in which all is well, and two for each finding.
    pub(super) fn write(&self, out: &mut Output) -> Result<()> {
        let mut table = Table::new(["", "check", "what was seen, and what to do"]);
        for Checked { check, findings } in &self.checks {
            if findings.is_empty() {
                let ok = Cell::new("ok").style(GREEN);
                table.row([ok, Cell::new(check), Cell::default()]);
            }
            for finding in findings {
                let seen = Cell::new(&finding.seen);
                table.row([finding.severity.cell(), Cell::new(check), seen]);
                let remedy = Cell::new(format!("→ {}", finding.remedy)).style(DIM);
                table.row([Cell::default(), Cell::default(), remedy]);
            }
        }
        table.write(out)
    }

    /// An error if something is broken, to be warned of, or could not be checked.
    pub(super) fn judge(&self) -> Result<()> {
        let words: Vec<String> = [
            (Severity::Broken, "fault"),
            (Severity::Warning, "warning"),
            (Severity::NotChecked, "failed check"),
        ]
        .into_iter()
        .map(|(severity, word)| (self.count(severity), word))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| text::count(number, word))
        .collect();
        if words.is_empty() {
            return Ok(());
        }
        Err(Error::Refused(words.join(", ")))
    }

    fn count(&self, severity: Severity) -> i128 {
        let findings = self.checks.iter().flat_map(|checked| &checked.findings);
        findings.filter(|it| it.severity == severity).count() as i128
    }
}
