//! The calls of workers, and what follows from them.

use crate::{broken_off::drop_everywhere, support::attempt::Attempt};

droppable! {
    both, drop_everywhere;
    register_can_be_dropped: Attempt::Register;
    heartbeat_can_be_dropped: Attempt::Heartbeat;
    deregister_can_be_dropped: Attempt::Deregister;
    claim_can_be_dropped: Attempt::Claim;
    complete_can_be_dropped: Attempt::Complete;
    complete_of_a_dependency_can_be_dropped: Attempt::CompleteOneOfAGraph;
    complete_many_can_be_dropped: Attempt::CompleteMany;
    fail_of_a_dependency_can_be_dropped: Attempt::FailOneOfAGraph;
    fail_many_can_be_dropped: Attempt::FailMany;
    schedule_retry_can_be_dropped: Attempt::RetryLater;
    schedule_retry_at_once_can_be_dropped: Attempt::RetryAtOnce;
    the_last_retry_can_be_dropped: Attempt::RetryNoMore;
    schedule_retry_many_can_be_dropped: Attempt::RetryMany;
    defer_can_be_dropped: Attempt::Defer;
    defer_many_can_be_dropped: Attempt::DeferMany;
    release_can_be_dropped: Attempt::Release;
    release_many_can_be_dropped: Attempt::ReleaseMany;
    cancel_of_what_runs_can_be_dropped: Attempt::Cancel;
    recover_expired_can_be_dropped: Attempt::Recover;
    redrive_can_be_dropped: Attempt::Redrive;
    create_of_a_graph_can_be_dropped: Attempt::CreateGraph;
}
