//! What a check finds.

use serde::Serialize;
use taskbox_dal::Error;
use uuid::Uuid;

use crate::{
    table::{CYAN, Cell, RED, YELLOW},
    text,
};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    /// Good to know.
    Note,
    /// The check could not be made, which is not to say that all is well.
    NotChecked,
    /// It will do harm if nobody does anything.
    Warning,
    /// It does harm now.
    Broken,
}

/// Something to know, and what to do about it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) seen: String,
    pub(super) remedy: String,
    /// The tasks, pipelines or workers that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ids: Vec<Uuid>,
}

/// A check, and what it found; nothing if all is well.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    pub(super) check: &'static str,
    pub(super) findings: Vec<Finding>,
}

impl Severity {
    pub(super) fn cell(self) -> Cell {
        match self {
            Self::Note => Cell::new("note").style(CYAN),
            Self::NotChecked => Cell::new("not checked").style(YELLOW),
            Self::Warning => Cell::new("warning").style(YELLOW),
            Self::Broken => Cell::new("broken").style(RED),
        }
    }
}

impl Finding {
    pub(super) fn new(
        severity: Severity,
        seen: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            seen: seen.into(),
            remedy: remedy.into(),
            ids: Vec::new(),
        }
    }

    pub(super) fn note(seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Note, seen, remedy)
    }

    pub(super) fn warning(seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Warning, seen, remedy)
    }

    pub(super) fn broken(seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Broken, seen, remedy)
    }

    /// That the check of something could not be made.
    pub(super) fn not_checked(what: Option<&str>, error: &Error) -> Self {
        let (why, remedy) = match error {
            Error::DeadlineExceeded { .. } => (
                "it takes too long".to_owned(),
                "give it more time by --within, at a quiet hour",
            ),
            _ => (
                error.to_string(),
                "connect as the owner of the tables, or see to what the database says",
            ),
        };
        let seen = what.map_or_else(|| why.clone(), |what| format!("{what}: {why}"));
        Self::new(Severity::NotChecked, seen, remedy)
    }

    /// With the things that it is about, of which the first are named.
    pub(super) fn about(self, ids: Vec<Uuid>) -> Self {
        const SHOWN: usize = 3;
        let shown: Vec<String> = ids.iter().take(SHOWN).map(Uuid::to_string).collect();
        let more = match ids.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {} more", text::number(more as i128)),
        };
        let seen = format!("{}: {}{more}", self.seen, shown.join(", "));
        Self { seen, ids, ..self }
    }
}
