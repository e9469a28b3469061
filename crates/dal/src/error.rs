use std::{result, time::Duration};

use taskbox_models::{Conflict, PipelineStatus, UnknownText};
use uuid::Uuid;

use crate::{
    queries::{TABLES, stored_text::SHOWN},
    schema::Schema,
};

/// What a call of this crate answers with.
pub type Result<T, E = Error> = result::Result<T, E>;

/// Why a call did not do what it was asked to.
///
/// Unless it is [`CommitUnknown`](Self::CommitUnknown), nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument, a setting or a URL that cannot be meant so.
    #[error("{what} {problem}")]
    InvalidInput {
        /// Which one.
        what: &'static str,
        /// What is wrong with it, and what to give instead.
        problem: String,
    },
    /// There is no such task or pipeline.
    #[error("there is no {what} {id}; was it made in a transaction that has not committed yet?")]
    NotFound {
        /// "task" or "pipeline".
        what: &'static str,
        /// Its id.
        id: Uuid,
    },
    /// The task is not where the operation starts from. Read it again, and decide anew.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The task is no longer this claim's, or the worker may no longer claim or hold tasks: its lease has expired, or
    /// everything was taken back from it. Stop working on the task; a worker registers anew.
    #[error(
        "the lease is lost on {what} {id}: it expired, or the task was cancelled or given to another; stop working on it"
    )]
    LeaseLost {
        /// "task" or "worker".
        what: &'static str,
        /// Its id.
        id: Uuid,
    },
    /// The pipeline is not where the operation starts from. Read it again, and decide anew.
    #[error("pipeline {pipeline} is {found}, expected {}", any_of(expected))]
    PipelineConflict {
        /// The pipeline.
        pipeline: Uuid,
        /// Where the operation starts from.
        expected: &'static [PipelineStatus],
        /// Where the pipeline was.
        found: PipelineStatus,
    },
    /// The pipeline is in a status in which this cannot be done.
    #[error(
        "pipeline {pipeline} is {found}, and takes no new tasks; make them in another pipeline"
    )]
    PipelineClosed {
        /// The pipeline.
        pipeline: Uuid,
        /// Its status.
        found: PipelineStatus,
    },
    /// There is a pipeline of this id.
    #[error("pipeline {pipeline} is already there; if this was a repetition, read it with `get`")]
    PipelineExists {
        /// The pipeline.
        pipeline: Uuid,
    },
    /// All connections were in use for longer than the acquire timeout, or none could be made in it.
    #[error(
        "no connection within {waited:?}: the database is not answering, or the pool is too small"
    )]
    PoolTimeout {
        /// How long was waited.
        waited: Duration,
    },
    /// No connection could be made.
    #[error("cannot connect to the database: {0}")]
    Connection(String),
    /// The call took longer than the deadline of the `DAL`. If it wrote, that was rolled back.
    #[error(
        "not done within {deadline:?}, and what was written is rolled back; do less at once, or raise `deadline`"
    )]
    DeadlineExceeded {
        /// The deadline.
        deadline: Duration,
    },
    /// The connection was lost while the database was committing, and it could not be learned which it did.
    #[error(
        "the connection was lost during COMMIT: the changes may or may not be there; read before trying again"
    )]
    CommitUnknown {
        /// What was seen of the loss.
        #[source]
        source: diesel::result::Error,
    },
    /// An operation was dropped between its statements, so the transaction cannot be committed.
    #[error(
        "`{operation}` was dropped before it was done, so its transaction is rolled back; await it to the end, or let the error out of the closure"
    )]
    Unfinished {
        /// The operation.
        operation: &'static str,
    },
    /// A statement of this transaction failed and its error was not returned from the closure.
    #[error(
        "a statement of this transaction failed, so it is rolled back; return the error from the closure ({failure})"
    )]
    Poisoned {
        /// What failed.
        failure: String,
    },
    /// The connection is not of the backend that was asked for.
    #[error("this transaction is not on {asked}; the URL of the DAL picks the backend")]
    WrongBackend {
        /// The backend that was asked for.
        asked: &'static str,
    },
    /// The migrations could not be run.
    #[error("cannot migrate the database: {0}")]
    Migration(String),
    /// There are no tables of Taskbox, or not those of this version, or the role may not see them. Make them by
    /// [`DAL::migrate`](crate::DAL::migrate), or by `taskbox migrate`.
    #[error(
        "{} lacks tables of this version of Taskbox, or this role may not see them; make them by `DAL::migrate` or `taskbox migrate` ({failure})",
        place(schema.as_deref())
    )]
    Unmigrated {
        /// The schema, if the `DAL` was given one.
        schema: Option<String>,
        /// What the database says is missing.
        failure: String,
    },
    /// A text in the database that Taskbox cannot have written, such as a status that there is not. Nothing else of
    /// what was asked for is answered, and what was written is rolled back. Correct the rows that have it.
    #[error(
        "{column} has {found:?}{}, which is no {expected}; only other software can have written that: find the rows by it, and correct them",
        of_rows(rows)
    )]
    UnknownText {
        /// Where it is, as `table.column`.
        column: &'static str,
        /// What it should be, such as "task status".
        expected: &'static str,
        /// The text, or the beginning of a long one.
        found: String,
        /// The ids of the newest rows that have it, three at the most. Empty within a transaction of the program, where
        /// nothing can be asked after the failure, and if only older rows than the newest 10,000 have it.
        rows: Vec<String>,
    },
    /// The database refused a statement, or could not be reached.
    #[error("the database says: {0}")]
    Database(#[source] diesel::result::Error),
}

impl Error {
    /// Whether the same call may succeed if it is made again: nothing was written, and the cause may pass.
    ///
    /// Neither Diesel's error kinds nor `SQLite`'s tell a deadlock, a lock timeout or a busy file from other
    /// failures, so an error of unknown kind counts as transient; try a bounded number of times. A server that only
    /// reads is one that has failed over, or whose disk is almost full: that may pass, too.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        use diesel::result::{DatabaseErrorKind as Kind, Error as Diesel};

        match self {
            Self::Connection(_)
            | Self::PoolTimeout { .. }
            | Self::Database(Diesel::BrokenTransactionManager) => true,
            Self::Database(Diesel::DatabaseError(kind, _)) => matches!(
                kind,
                Kind::ClosedConnection
                    | Kind::ReadOnlyTransaction
                    | Kind::SerializationFailure
                    | Kind::UnableToSendCommand
                    | Kind::Unknown
            ),
            _ => false,
        }
    }

    /// Whether the database, or this session of it, takes no writes.
    pub(crate) fn is_read_only(&self) -> bool {
        use diesel::result::{DatabaseErrorKind::ReadOnlyTransaction, Error::DatabaseError};

        matches!(self, Self::Database(DatabaseError(ReadOnlyTransaction, _)))
    }

    pub(crate) fn invalid(what: &'static str, problem: impl Into<String>) -> Self {
        Self::InvalidInput {
            what,
            problem: problem.into(),
        }
    }

    /// Whether a statement failed, after which a transaction is of no use.
    pub(crate) fn is_database(&self) -> bool {
        matches!(
            self,
            Self::Database(_) | Self::UnknownText { .. } | Self::Unmigrated { .. }
        )
    }

    /// The same, where it happened.
    pub(crate) fn within(self, within: Option<&Schema>) -> Self {
        match self {
            Self::Unmigrated { failure, .. } => Self::Unmigrated {
                schema: within.map(ToString::to_string),
                failure,
            },
            other => other,
        }
    }
}

fn place(schema: Option<&str>) -> String {
    match schema {
        Some(schema) => format!("the schema {schema}"),
        None => "the database".to_owned(),
    }
}

fn of_rows(rows: &[String]) -> String {
    match rows {
        [] => String::new(),
        rows => format!(" (id {})", rows.join(", ")),
    }
}

fn any_of(statuses: &[PipelineStatus]) -> String {
    let statuses: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
    statuses.join(" or ")
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        if let Some(text) = unknown_text(&error) {
            return Self::UnknownText {
                column: text.column,
                expected: text.expected,
                found: text.found.chars().take(SHOWN).collect(),
                rows: Vec::new(),
            };
        }
        match missing(&error) {
            Some(failure) => Self::Unmigrated {
                schema: None,
                failure,
            },
            None => Self::Database(error),
        }
    }
}

/// The text that could not be read, if it is for that.
fn unknown_text(error: &diesel::result::Error) -> Option<&UnknownText> {
    let diesel::result::Error::DeserializationError(error) = error else {
        return None;
    };
    let mut cause: &(dyn std::error::Error + 'static) = &**error;
    loop {
        match cause.downcast_ref() {
            Some(text) => return Some(text),
            None => cause = cause.source()?,
        }
    }
}

/// What the database says of a table of Taskbox that is missing, if it is for that.
///
/// Diesel hands no code on. Postgres names a place in the statement where it cannot be understood, and nowhere else, and
/// the table in whatever language; `SQLite` has the one language.
fn missing(error: &diesel::result::Error) -> Option<String> {
    use diesel::result::{DatabaseErrorKind, Error::DatabaseError};

    let DatabaseError(DatabaseErrorKind::Unknown, information) = error else {
        return None;
    };
    let message = information.message();
    let is_misunderstood =
        information.statement_position().is_some() || message.starts_with("no such table: ");
    let names_ours = || {
        let mut words = message.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|word| TABLES.contains(&word))
    };
    (is_misunderstood && names_ours()).then(|| message.to_owned())
}
