//! The operations on tasks, pipelines, the outbox and the history.

use crate::support::operation::Operation;

honest! {
    create_pipeline_tells_the_truth: Operation::CreatePipeline, Fate::ASKED;
    create_many_tells_the_truth: Operation::CreateTasks, Fate::ASKED;
    mark_ready_tells_the_truth: Operation::MarkReady, Fate::ASKED;
    mark_ready_of_what_is_in_the_outbox_tells_the_truth: Operation::MarkReadyAgain, Fate::ASKED;
    mark_ready_many_tells_the_truth: Operation::MarkReadyMany, Fate::ASKED;
    schedule_tells_the_truth: Operation::Schedule, Fate::ASKED;
    skip_tells_the_truth: Operation::Skip, Fate::ASKED;
    cancel_of_what_is_ready_tells_the_truth: Operation::Cancel, Fate::ASKED;
    cancel_of_what_is_scheduled_tells_the_truth: Operation::CancelScheduled, Fate::ASKED;
    create_row_tells_the_truth: Operation::CreateRow, Fate::UNKNOWN;
    delete_row_tells_the_truth: Operation::DeleteRow, Fate::UNKNOWN;
    delete_row_by_task_tells_the_truth: Operation::DeleteRowByTask, Fate::UNKNOWN;
    delete_old_rows_tells_the_truth: Operation::DeleteOldRows, Fate::UNKNOWN;
    delete_old_events_tells_the_truth: Operation::DeleteOldEvents, Fate::UNKNOWN;
    pause_tells_the_truth: Operation::PausePipeline, Fate::ASKED;
    resume_tells_the_truth: Operation::ResumePipeline, Fate::ASKED;
    cancel_pipeline_tells_the_truth: Operation::CancelPipeline, Fate::ASKED;
    cancel_of_an_empty_pipeline_tells_the_truth: Operation::CancelEmptyPipeline, Fate::ASKED;
    prune_tells_the_truth: Operation::Prune, Fate::UNKNOWN.passing_over();
    mend_tells_the_truth: Operation::Mend, Fate::UNKNOWN;
    adopt_events_tells_the_truth: Operation::AdoptEvents, Fate::UNKNOWN;
}
