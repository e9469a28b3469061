// @generated automatically by Diesel CLI.

diesel::table! {
    use crate::sql_types::*;

    /// History, append-only: one row for every transition of a task, and of a pipeline (which has no task id).
    execution_events (id) {
        /// Ascends within a task. Across tasks it is the order of writing, not of commits.
        id -> Int8,
        /// The pipeline; NULL for a task of its own.
        pipeline_execution_id -> Nullable<Uuid>,
        /// The task; NULL for an event of the pipeline itself.
        task_execution_id -> Nullable<Uuid>,
        /// What happened, in snake_case.
        event_type -> Text,
        /// What there is to say of it, by event type; NULL if nothing.
        event_data -> Nullable<Jsonb>,
        /// When it happened, by the clock of the database.
        created_at -> Timestamptz,
        /// The transaction that wrote it: what a reader that follows the log needs to miss nothing. 0 on SQLite, whose ids are in commit order.
        transaction_id -> Int8,
    }
}

diesel::table! {
    use crate::sql_types::*;

    /// Pipelines: named groups of tasks that start, pause and end together.
    pipeline_executions (id) {
        /// UUIDv7, so that the order of ids is the order of creation.
        id -> Uuid,
        /// What the pipeline is for, in the words of who made it.
        name -> Text,
        /// A pipeline status, in PascalCase.
        status -> Text,
        /// How many of its tasks have not ended.
        open_tasks -> Int4,
        /// How many of its tasks are Failed.
        failed_tasks -> Int4,
        /// How many of its tasks are Cancelled.
        cancelled_tasks -> Int4,
        /// Why it is Paused; NULL when it is not.
        pause_reason -> Nullable<Text>,
        /// When the pipeline was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::sql_types::*;

    /// Running tasks, one row each: inserted by the claim, deleted when the attempt ends.
    task_claims (task_execution_id) {
        /// The task that runs.
        task_execution_id -> Uuid,
        /// The worker that runs it.
        worker_id -> Uuid,
        /// The epoch of this claim; a worker that holds another has lost the task.
        epoch -> Int8,
        /// When it was claimed.
        claimed_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::sql_types::*;

    /// Which task waits for the end of which other.
    task_dependencies (task_execution_id, dependency_id) {
        /// The task that waits.
        task_execution_id -> Uuid,
        /// The task that it waits for.
        dependency_id -> Uuid,
    }
}

diesel::table! {
    use crate::sql_types::*;

    /// Tasks: the record. Where a live task waits or runs is said by the row it has in task_outbox, task_schedule or task_claims.
    task_executions (id) {
        /// UUIDv7 unless its maker chose another, so that the order of ids is the order of creation.
        id -> Uuid,
        /// The pipeline it belongs to; NULL for a task of its own.
        pipeline_execution_id -> Nullable<Uuid>,
        /// Which code runs it: the name under which workers register a handler.
        task_name -> Text,
        /// The queue that workers claim it from.
        queue -> Text,
        /// Higher is claimed first.
        priority -> Int4,
        /// A task status, in PascalCase.
        status -> Text,
        /// Which ends of its dependencies make it ready.
        run_when -> Text,
        /// How many of its dependencies have not ended.
        open_dependencies -> Int4,
        /// How often it was claimed, without the attempts given back; 1 at the first claim.
        attempt -> Int4,
        /// How many attempts it has before it fails for good.
        max_attempts -> Int4,
        /// How often it was taken back from a worker that had died.
        recoveries -> Int4,
        /// Grows with every claim and never goes back: the fence against workers that lost theirs.
        epoch -> Int8,
        /// What its maker gave it.
        input -> Nullable<Jsonb>,
        /// What completing it returned.
        output -> Nullable<Jsonb>,
        /// When the task was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
        /// Which trace it was made in, as a propagator writes it: {"traceparent": "00-…"}; NULL if none was given.
        trace_context -> Nullable<Jsonb>,
    }
}

diesel::table! {
    use crate::sql_types::*;

    /// Ready tasks, one row each: inserted when a task becomes Ready, deleted when it is claimed. Nothing else selects ready work.
    task_outbox (id) {
        /// Ascends in the order in which tasks became ready.
        id -> Int8,
        /// The task that is ready.
        task_execution_id -> Uuid,
        /// When it became ready.
        created_at -> Timestamptz,
        /// Its queue, copied so that a claim looks nowhere else.
        queue -> Text,
        /// Its priority, copied likewise.
        priority -> Int4,
        /// Whether its pipeline is paused; claims leave such rows.
        held -> Bool,
    }
}

diesel::table! {
    use crate::sql_types::*;

    /// Scheduled tasks, one row each: they become ready once they are due.
    task_schedule (task_execution_id) {
        /// The task that waits.
        task_execution_id -> Uuid,
        /// When it becomes ready.
        due_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::sql_types::*;

    /// Running executors, one row each: a lease that one heartbeat statement renews, whatever the worker runs.
    task_workers (id) {
        /// UUIDv7, a new one at each registration.
        id -> Uuid,
        /// What the worker calls itself, such as its host.
        name -> Text,
        /// When it registered.
        registered_at -> Timestamptz,
        /// When it last renewed its lease.
        heartbeat_at -> Timestamptz,
        /// When others may take back what it runs.
        lease_expires_at -> Timestamptz,
        /// Tasks that were taken back from it since its last heartbeat, which tells it so.
        lost_tasks -> Jsonb,
        /// Tasks that it ran and that were cancelled since its last heartbeat.
        cancelled_tasks -> Jsonb,
    }
}

diesel::joinable!(task_claims -> task_executions (task_execution_id));
diesel::joinable!(task_claims -> task_workers (worker_id));
diesel::joinable!(task_executions -> pipeline_executions (pipeline_execution_id));
diesel::joinable!(task_outbox -> task_executions (task_execution_id));
diesel::joinable!(task_schedule -> task_executions (task_execution_id));

diesel::allow_tables_to_appear_in_same_query!(
    execution_events,
    pipeline_executions,
    task_claims,
    task_dependencies,
    task_executions,
    task_outbox,
    task_schedule,
    task_workers,
);
