use crate::text_enum::text_enum;

text_enum! {
    /// Where a task stands. `docs/task-lifecycle.md` draws how it gets from one to another.
    pub enum TaskStatus ("task status" in "task_executions.status") {
        /// Made, and waiting for its dependencies or for its owner to release it.
        NotStarted = "NotStarted",
        /// Waiting for a time: it has a row in `task_schedule`.
        Scheduled = "Scheduled",
        /// Waiting for a worker: it has a row in `task_outbox`.
        Ready = "Ready",
        /// A worker has it: it has a row in `task_claims`.
        Running = "Running",
        /// Ended as it should.
        Completed = "Completed",
        /// Ended with an error and no attempts left.
        Failed = "Failed",
        /// Ended without ever having run.
        Skipped = "Skipped",
        /// Ended by hand.
        Cancelled = "Cancelled",
    }
}

/// The small tables that hold the live tasks, one for each status in which something is awaited.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum LiveTable {
    /// `task_claims`: the Running ones.
    Claims,
    /// `task_outbox`: the Ready ones.
    Outbox,
    /// `task_schedule`: the Scheduled ones.
    Schedule,
}

impl LiveTable {
    /// Its name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claims => "task_claims",
            Self::Outbox => "task_outbox",
            Self::Schedule => "task_schedule",
        }
    }
}

impl TaskStatus {
    /// The statuses that a task can still leave by itself, by a worker or by a call.
    pub const LIVE: &'static [Self] = &[
        Self::NotStarted,
        Self::Scheduled,
        Self::Ready,
        Self::Running,
    ];

    /// Whether the task has ended: only a redrive or a reset brings it back.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Failed | Self::Skipped | Self::Cancelled
        )
    }

    /// The table in which a task of this status has exactly one row; no other status has a row there.
    #[must_use]
    pub const fn live_table(self) -> Option<LiveTable> {
        match self {
            Self::Ready => Some(LiveTable::Outbox),
            Self::Running => Some(LiveTable::Claims),
            Self::Scheduled => Some(LiveTable::Schedule),
            Self::NotStarted | Self::Completed | Self::Failed | Self::Skipped | Self::Cancelled => {
                None
            }
        }
    }
}
