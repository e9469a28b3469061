use std::fmt;

use taskbox_models::{LiveTable, TaskStatus};

/// What holds in every database that only Taskbox has written to.
///
/// Other software, a partial restore or a damaged file can break one: no trigger keeps them from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Invariant {
    /// The counters of a pipeline count its tasks. Reads all tasks and pipelines.
    PipelineCounters,
    /// `open_dependencies` of a task that has not ended counts those of its dependencies that have not. Reads all tasks.
    OpenDependencies,
    /// Each row of a live table is of a task in the status of that table. Reads the live table.
    RowOfItsStatus(LiveTable),
    /// Each task in the status of a live table has its row there; in `task_claims`, one of its epoch. Reads all tasks.
    RowOfEachTask(LiveTable),
    /// A row of the outbox has the queue and the priority of its task, and is held if its pipeline is paused. Reads the
    /// outbox.
    OutboxCopies,
    /// What has waited for others is not `NotStarted` once they have ended. Reads all tasks.
    NothingStranded,
    /// A pipeline has ended if all of its tasks have, and else has not. Reads all pipelines, and believes their counters.
    PipelineStatus,
}

impl Invariant {
    /// Each of them, in the order in which they are mended: counters first, since what moves tasks counts by them.
    pub const ALL: [Self; 11] = [
        Self::PipelineCounters,
        Self::OpenDependencies,
        Self::RowOfItsStatus(LiveTable::Outbox),
        Self::RowOfItsStatus(LiveTable::Schedule),
        Self::RowOfItsStatus(LiveTable::Claims),
        Self::RowOfEachTask(LiveTable::Outbox),
        Self::RowOfEachTask(LiveTable::Schedule),
        Self::RowOfEachTask(LiveTable::Claims),
        Self::OutboxCopies,
        Self::NothingStranded,
        Self::PipelineStatus,
    ];

    /// Its name, in `snake_case`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PipelineCounters => "pipeline_counters",
            Self::OpenDependencies => "open_dependencies",
            Self::RowOfItsStatus(LiveTable::Outbox) => "stray_outbox_row",
            Self::RowOfItsStatus(LiveTable::Schedule) => "stray_schedule_row",
            Self::RowOfItsStatus(LiveTable::Claims) => "stray_claim",
            Self::RowOfEachTask(LiveTable::Outbox) => "missing_outbox_row",
            Self::RowOfEachTask(LiveTable::Schedule) => "missing_schedule_row",
            Self::RowOfEachTask(LiveTable::Claims) => "missing_claim",
            Self::OutboxCopies => "outbox_copies",
            Self::NothingStranded => "stranded",
            Self::PipelineStatus => "pipeline_status",
        }
    }

    /// What breaks it: "task" or "pipeline".
    #[must_use]
    pub const fn subject(self) -> &'static str {
        match self {
            Self::PipelineCounters | Self::PipelineStatus => "pipeline",
            _ => "task",
        }
    }

    /// How a task or pipeline is that breaks it, such as "Ready, without a row in `task_outbox`".
    #[must_use]
    pub const fn breach(self) -> &'static str {
        match self {
            Self::PipelineCounters => "with counters that do not count its tasks",
            Self::OpenDependencies => "with a wrong count of open dependencies",
            Self::RowOfItsStatus(LiveTable::Outbox) => "with a row in task_outbox, and not Ready",
            Self::RowOfItsStatus(LiveTable::Schedule) => {
                "with a row in task_schedule, and not Scheduled"
            }
            Self::RowOfItsStatus(LiveTable::Claims) => "with a row in task_claims, and not Running",
            Self::RowOfEachTask(LiveTable::Outbox) => "Ready, without a row in task_outbox",
            Self::RowOfEachTask(LiveTable::Schedule) => "Scheduled, without a row in task_schedule",
            Self::RowOfEachTask(LiveTable::Claims) => {
                "Running, without a row of its epoch in task_claims"
            }
            Self::OutboxCopies => "with another queue, priority or hold in task_outbox",
            Self::NothingStranded => "NotStarted, after all that it waited for has ended",
            Self::PipelineStatus => "ended before its last task, or not ended with it",
        }
    }

    /// What [`mend`](crate::DoctorDAL::mend) does about it; `None` if nothing, since only its owner can decide.
    #[must_use]
    pub const fn mend(self) -> Option<&'static str> {
        Some(match self {
            Self::PipelineCounters | Self::OpenDependencies => "counts anew",
            Self::RowOfItsStatus(_) => "deletes the row",
            Self::RowOfEachTask(LiveTable::Outbox) => "publishes it",
            Self::RowOfEachTask(LiveTable::Schedule) => {
                "puts it back, by the time that its history says"
            }
            Self::RowOfEachTask(LiveTable::Claims) => {
                "releases it, since nobody can end this attempt"
            }
            Self::OutboxCopies => "copies them anew",
            Self::NothingStranded => {
                "makes it ready, or skips it if what it needs did not complete"
            }
            Self::PipelineStatus => return None,
        })
    }

    /// The status of the tasks that have their rows in this table.
    pub(crate) fn status_of(table: LiveTable) -> TaskStatus {
        match table {
            LiveTable::Claims => TaskStatus::Running,
            LiveTable::Outbox => TaskStatus::Ready,
            LiveTable::Schedule => TaskStatus::Scheduled,
        }
    }
}

/// Its name.
impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use taskbox_models::TaskStatus;

    use super::Invariant;

    #[test]
    fn each_invariant_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Invariant::ALL.iter().map(|it| it.as_str()).collect();
        assert_eq!(names.len(), Invariant::ALL.len());
    }

    #[test]
    fn each_live_table_has_its_status() {
        for status in TaskStatus::ALL {
            if let Some(table) = status.live_table() {
                assert_eq!(Invariant::status_of(table), *status);
            }
        }
    }
}
