//! The operations on tasks, pipelines, the outbox and the history.

use crate::{
    broken_off::{drop_everywhere, drop_where_broken},
    support::operation::Operation,
};

droppable! {
    both, drop_everywhere;
    create_pipeline_can_be_dropped: Operation::CreatePipeline;
    create_many_can_be_dropped: Operation::CreateTasks;
    mark_ready_can_be_dropped: Operation::MarkReady;
    mark_ready_many_can_be_dropped: Operation::MarkReadyMany;
    schedule_can_be_dropped: Operation::Schedule;
    skip_can_be_dropped: Operation::Skip;
    cancel_of_what_is_ready_can_be_dropped: Operation::Cancel;
    cancel_of_what_is_scheduled_can_be_dropped: Operation::CancelScheduled;
    pause_can_be_dropped: Operation::PausePipeline;
    resume_can_be_dropped: Operation::ResumePipeline;
    cancel_pipeline_can_be_dropped: Operation::CancelPipeline;
    cancel_of_an_empty_pipeline_can_be_dropped: Operation::CancelEmptyPipeline;
    prune_can_be_dropped: Operation::Prune;
}

mod of_what_is_broken {
    use super::*;

    droppable! {
        both, drop_where_broken;
        mark_ready_of_what_is_in_the_outbox_can_be_dropped: Operation::MarkReadyAgain;
        create_row_can_be_dropped: Operation::CreateRow;
        delete_row_can_be_dropped: Operation::DeleteRow;
        delete_row_by_task_can_be_dropped: Operation::DeleteRowByTask;
        delete_old_rows_can_be_dropped: Operation::DeleteOldRows;
        delete_old_events_can_be_dropped: Operation::DeleteOldEvents;
        mend_can_be_dropped: Operation::Mend;
    }
}

mod of_another_server {
    use super::*;

    droppable! {
        postgres, drop_where_broken;
        adopt_events_can_be_dropped: Operation::AdoptEvents;
    }
}
