//! Faults of the protocol, each in one place, for the checker to find.

/// Declares the faults, each with the name of its test and what finds it, and a macro that makes the tests.
macro_rules! mutations {
    ($($(#[$meta:meta])* $name:ident = $test:ident by $property:literal,)*) => {
        /// A fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutation {
            $($(#[$meta])* $name,)*
        }

        impl Mutation {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// A property that does not hold with it. Others may not hold either.
            #[must_use]
            pub const fn found_by(self) -> &'static str {
                match self {
                    $(Self::$name => $property,)*
                }
            }
        }

        /// Makes a test of each fault, which calls `assert_found` with it.
        #[macro_export]
        macro_rules! test_each_mutation {
            () => {
                $(
                    #[test]
                    fn $test() {
                        assert_found($crate::Mutation::$name);
                    }
                )*
            };
        }
    };
}

mutations! {
    // In the rules, as data.

    /// Complete may start from Ready.
    RuleCompletesReady = a_rule_that_completes_a_ready_task_is_found
        by "P4: a stale claim changes nothing",
    /// Complete may start from Completed, so that a call repeated after a lost reply counts twice.
    RuleCompletesTwice = a_rule_that_completes_twice_is_found
        by "P4: each claim ends once",
    /// Complete needs no claim.
    RuleCompletesWithoutClaim = a_rule_that_completes_without_a_claim_is_found
        by "P4: a stale claim changes nothing",
    /// Cancel may start from Completed.
    RuleCancelsCompleted = a_rule_that_cancels_a_completed_task_is_found
        by "P1: each move of a task writes its one event",
    /// Cancel may not start from Running.
    RuleCancelsNoRunning = a_rule_that_cancels_no_running_task_is_found
        by "a cancelled pipeline has ended",
    /// Claim changes neither attempt nor epoch.
    RuleClaimCountsNothing = a_rule_by_which_claims_do_not_count_is_found
        by "P4: the epoch counts the claims",
    /// Defer does not give the attempt back.
    RuleDeferKeepsAttempt = a_rule_by_which_defer_keeps_the_attempt_is_found
        by "attempts and recoveries count what happened",
    /// Fail writes the event of complete.
    RuleFailSaysCompleted = a_rule_by_which_fail_says_completed_is_found
        by "P1: each move of a task writes its one event",
    /// Mark ready may start from Running.
    RuleReadiesRunning = a_rule_that_readies_a_running_task_is_found
        by "P1: each move of a task writes its one event",
    /// Recover goes on where the cap is reached.
    RuleRecoversForEver = a_rule_that_recovers_for_ever_is_found
        by "attempts and recoveries stay below their caps",
    /// Recover does not count.
    RuleRecoveryDoesNotCount = a_rule_by_which_recoveries_do_not_count_is_found
        by "attempts and recoveries count what happened",
    /// Redrive may start from Completed.
    RuleRedrivesCompleted = a_rule_that_redrives_a_completed_task_is_found
        by "P1: each move of a task writes its one event",
    /// Redrive leaves attempt and recoveries as they are.
    RuleRedriveKeepsAttempts = a_rule_by_which_redrive_keeps_the_attempts_is_found
        by "attempts and recoveries count what happened",
    /// Release does not give the attempt back.
    RuleReleaseKeepsAttempt = a_rule_by_which_release_keeps_the_attempt_is_found
        by "attempts and recoveries count what happened",
    /// Reset leads to Ready.
    RuleResetsToReady = a_rule_that_resets_to_ready_is_found
        by "P1: each move of a task writes its one event",
    /// A retry goes on where the attempts are used up.
    RuleRetriesForEver = a_rule_that_retries_for_ever_is_found
        by "attempts and recoveries stay below their caps",
    /// A retry gives the attempt back.
    RuleRetryGivesAttemptBack = a_rule_by_which_a_retry_gives_the_attempt_back_is_found
        by "attempts and recoveries count what happened",
    /// Skip may start from Ready.
    RuleSkipsReady = a_rule_that_skips_a_ready_task_is_found
        by "P1: each move of a task writes its one event",

    // In what applies them.

    /// Cancel leaves the row in the live table.
    CancelLeavesItsRow = cancel_that_leaves_its_row_is_found
        by "P2: a task has the row of its status and no other",
    /// Cancel writes its event twice.
    CancelWritesTwoEvents = cancel_that_writes_two_events_is_found
        by "P1: each move of a task writes its one event",
    /// Cancel of a pipeline leaves the Running ones.
    CancelOfPipelineSparesRunning = cancel_of_a_pipeline_that_spares_the_running_is_found
        by "a cancelled pipeline has ended",
    /// Cancel of a pipeline without tasks does nothing.
    CancelOfPipelineNeedsTasks = cancel_of_an_empty_pipeline_that_does_nothing_is_found
        by "a cancelled pipeline has ended",
    /// Claim leaves the row in the outbox.
    ClaimLeavesOutboxRow = claim_that_leaves_the_outbox_row_is_found
        by "P2: a task has the row of its status and no other",
    /// Claim takes rows that are held.
    ClaimTakesHeldRows = claim_that_takes_held_rows_is_found
        by "P3: a task runs only by a claim of its free row",
    /// Claim does not look at the lease.
    ClaimWithoutLease = claim_without_a_lease_is_found
        by "P3: a task runs only by a claim of its free row",
    /// Claim writes no event.
    ClaimWritesNoEvent = claim_that_writes_no_event_is_found
        by "P1: each move of a task writes its one event",
    /// Complete leaves the row of the claim.
    CompleteLeavesClaim = complete_that_leaves_the_claim_is_found
        by "P2: a task has the row of its status and no other",
    /// Create counts dependencies that had ended.
    CreateCountsEndedDependencies = create_that_counts_ended_dependencies_is_found
        by "P5: what has not started waits for something",
    /// Create does not count in the pipeline.
    CreateDoesNotCount = create_that_does_not_count_is_found
        by "the counters of a pipeline count",
    /// Create leaves an ended pipeline ended.
    CreateDoesNotReopen = create_that_does_not_reopen_is_found
        by "P1: each move of a pipeline writes its one event",
    /// Deregister gives nothing back.
    DeregisterGivesNothingBack = deregister_that_gives_nothing_back_is_found
        by "P5: a claim's worker is known, so that it can be swept",
    /// The end of a task does not count in the pipeline.
    EndDoesNotCount = an_end_that_does_not_count_is_found
        by "the counters of a pipeline count",
    /// The end of a task changes nothing for those that wait for it.
    EndReleasesNothing = an_end_that_releases_nothing_is_found
        by "P5: what has not started waits for something",
    /// The fence compares the attempt, which goes back, with the epoch.
    FenceComparesAttempts = a_fence_that_compares_attempts_is_found
        by "P4: the holder of a claim is heard",
    /// The fence does not compare epochs.
    FenceIgnoresEpoch = a_fence_that_ignores_the_epoch_is_found
        by "P4: a task has one owner at the most",
    /// The fence does not look at the lease.
    FenceIgnoresLease = a_fence_that_ignores_the_lease_is_found
        by "P4: a stale claim changes nothing",
    /// A heartbeat names tasks that the worker lost and has claimed again.
    HeartbeatTellsOfTasksHadAgain = a_heartbeat_that_tells_of_tasks_had_again_is_found
        by "P5: a worker that lives knows what it has",
    /// Mark ready does not look at dependencies.
    MarkReadyIgnoresDependencies = mark_ready_that_ignores_dependencies_is_found
        by "a task waits for those that it needs",
    /// Pause leaves the rows in the outbox free.
    PauseHoldsNothing = pause_that_holds_nothing_is_found
        by "a row of the outbox is held while its pipeline is paused",
    /// The promotion of a due task leaves its row in the schedule.
    PromotionLeavesSchedule = a_promotion_that_leaves_the_schedule_is_found
        by "P2: a task has the row of its status and no other",
    /// What becomes ready in a Paused pipeline is not held.
    PublishNeverHolds = a_publication_that_never_holds_is_found
        by "a row of the outbox is held while its pipeline is paused",
    /// Recover does not look at the lease.
    RecoveryOfTheLiving = a_recovery_of_the_living_is_found
        by "P4: nobody takes a task while its lease lasts",
    /// Recover puts no row into the outbox.
    RecoveryWithoutOutboxRow = a_recovery_without_an_outbox_row_is_found
        by "P5: everything ends if it is cared for",
    /// Redrive does not count in the pipeline.
    RedriveDoesNotCount = redrive_that_does_not_count_is_found
        by "the counters of a pipeline count",
    /// Redrive does not count in those that wait for the task.
    RedriveDoesNotRecount = redrive_that_does_not_recount_is_found
        by "the open dependencies are counted",
    /// Redrive sets the epoch to 0.
    RedriveResetsEpoch = redrive_that_resets_the_epoch_is_found
        by "P4: the epoch counts the claims",
    /// Redrive resets no task that was skipped because of it.
    RedriveResetsNothing = redrive_that_resets_nothing_is_found
        by "P5: what was skipped for another cannot run",
    /// Redrive resets tasks that were skipped by hand.
    RedriveResetsSkipsByHand = redrive_that_resets_skips_by_hand_is_found
        by "a skip by hand is for good",
    /// A worker whose end was refused lets go of the task, and goes on as the same worker.
    RefusedWorkerGoesOn = a_refused_worker_that_goes_on_is_found
        by "P5: a worker that lives knows what it has",
    /// Redrive resets tasks in whose way others still stand.
    ResetIgnoresOthers = a_reset_that_ignores_others_is_found
        by "a task waits for those that it needs",
    /// Redrive does not reset what was skipped because of what it resets.
    ResetsDoNotPassOn = resets_that_do_not_pass_on_are_found
        by "P5: what was skipped for another cannot run",
    /// Resume leaves the rows in the outbox held.
    ResumeFreesNothing = resume_that_frees_nothing_is_found
        by "P5: everything ends if it is cared for",
    /// Resume makes a pipeline Running of which no task has started.
    ResumeNeverWaits = resume_that_never_waits_is_found
        by "a pipeline's status follows from its tasks",
    /// A skip because of another counts twice in those that wait.
    SkipsCountTwice = skips_that_count_twice_are_found
        by "the open dependencies are counted",
    /// A skip because of another does not count in those that wait.
    SkipsDoNotCount = skips_that_do_not_count_are_found
        by "P5: what has not started waits for something",
    /// A skip because of another does not skip those that wait for it.
    SkipsDoNotPassOn = skips_that_do_not_pass_on_are_found
        by "a task waits for those that it needs",
    /// A sweep forgets workers that have tasks.
    SweepForgetsWorkersWithTasks = a_sweep_that_forgets_workers_with_tasks_is_found
        by "P5: a claim's worker is known, so that it can be swept",
}
