//! The operations of workers, and those on what they run.

use crate::support::attempt::Attempt;

honest! {
    register_tells_the_truth: Attempt::Register, Fate::UNKNOWN.making_anew();
    heartbeat_tells_the_truth: Attempt::Heartbeat, Fate::UNKNOWN;
    deregister_tells_the_truth: Attempt::Deregister, Fate::ASKED;
    claim_tells_the_truth: Attempt::Claim, Fate::ASKED.passing_over();
    complete_tells_the_truth: Attempt::Complete, Fate::ASKED;
    complete_of_one_of_a_graph_tells_the_truth: Attempt::CompleteOneOfAGraph, Fate::ASKED;
    complete_many_tells_the_truth: Attempt::CompleteMany, Fate::ASKED;
    fail_many_tells_the_truth: Attempt::FailMany, Fate::ASKED;
    schedule_retry_many_tells_the_truth: Attempt::RetryMany, Fate::ASKED;
    defer_many_tells_the_truth: Attempt::DeferMany, Fate::ASKED;
    release_many_tells_the_truth: Attempt::ReleaseMany, Fate::ASKED;
    fail_tells_the_truth: Attempt::FailOneOfAGraph, Fate::ASKED;
    schedule_retry_tells_the_truth: Attempt::RetryLater, Fate::ASKED;
    schedule_retry_at_once_tells_the_truth: Attempt::RetryAtOnce, Fate::ASKED;
    the_last_schedule_retry_tells_the_truth: Attempt::RetryNoMore, Fate::ASKED;
    defer_tells_the_truth: Attempt::Defer, Fate::ASKED;
    release_tells_the_truth: Attempt::Release, Fate::ASKED;
    cancel_of_what_runs_tells_the_truth: Attempt::Cancel, Fate::ASKED;
    recover_expired_tells_the_truth: Attempt::Recover, Fate::ASKED.passing_over();
    redrive_tells_the_truth: Attempt::Redrive, Fate::ASKED;
    create_of_a_graph_tells_the_truth: Attempt::CreateGraph, Fate::ASKED;
}
