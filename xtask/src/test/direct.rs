//! What is not run behind a pooler in transaction mode, and why it cannot be. All the rest of Postgres is.

/// Files of tests, and why. Those of a program's own roles, in `role`, are run.
pub(super) const FILES: [(&str, &str); 3] = [
    ("tenant", OPTIONS),
    ("tls", "it has no TLS as it is built here"),
    ("wakeups", LISTEN),
];

/// Files that can be run behind a pooler and take long there: only `cargo xtask pooler` does.
pub(super) const LONG: [&str; 5] = ["cancellation", "cli", "executor", "race", "wire"];

/// Tests by their whole names, and why.
pub(super) const TESTS: [(&str, &[&str]); 5] = [
    (
        OPTIONS,
        &[
            "bench::postgres::a_schema_is_measured_beside_what_is_in_public",
            "database::postgres::what_a_role_may_not_see_is_said",
            "doctor::postgres::what_may_not_be_looked_at_is_said",
            "postgres::a_risk_of_the_server_is_said_once_for_a_handle",
            "schema::postgres::a_doctor_names_what_is_wrong_by_its_schema",
            "schema::postgres::a_schema_is_looked_at_alone",
            "schema::postgres::a_schema_is_named_by_the_environment_too",
            "tenant::postgres::each_runs_the_tasks_of_its_tenant_and_no_others",
            "tenant::postgres::heartbeats_are_made_in_the_tenants_schema",
            "tenant::postgres::what_becomes_ready_in_one_tenant_wakes_nobody_in_another",
        ],
    ),
    (
        LISTEN,
        &[
            "looking::tests::postgres::the_next_look_is_when_the_next_task_is_due",
            "looking::tests::postgres::what_is_due_next_is_not_forgotten_for_what_is_found",
            "looking::tests::postgres::who_cannot_look_rests_whatever_it_hears",
            "looking::tests::postgres::who_hears_nobody_looks_more_and_more_seldom",
            "looking::tests::postgres::who_looks_in_vain_rests_before_it_hears_of_more",
            "trouble::postgres::tasks_are_found_if_every_notification_is_lost",
            "wakeups::listener::tests::postgres::a_server_that_passes_it_on_is_heard",
            "wakeups::postgres::a_place_that_becomes_free_in_a_full_queue_is_used",
            "wakeups::postgres::a_place_that_becomes_free_is_used_by_what_was_ready_before",
            "wakeups::postgres::a_task_of_which_nobody_was_told_is_found_within_the_poll_interval",
            "wakeups::postgres::an_idle_executor_asks_the_database_nothing",
            "wakeups::postgres::what_is_scheduled_starts_when_it_is_due",
            "wakeups::postgres::what_was_missed_is_found_once_the_listening_connection_is_made_anew",
        ],
    ),
    (
        "it asks for no password here, and has connections where the server has none to spare",
        &[
            "crowd::postgres::a_server_without_a_free_connection_says_so_and_is_used_again",
            "postgres::no_connection_shows_its_password",
        ],
    ),
    (
        "sessions that may only read are its own, and closing a connection to it ends none",
        &[
            "read_only::postgres::a_database_that_only_reads_says_so_and_is_written_to_again",
            "read_only::postgres::what_a_program_writes_itself_finds_a_session_that_takes_it",
        ],
    ),
    (
        "a session cannot be put back that is another's after the COMMIT",
        &["commit::postgres::what_was_committed_stands_although_the_session_could_not_be_put_back"],
    ),
];

const OPTIONS: &str = "it refuses `options`, or keeps them to itself";
const LISTEN: &str = "it passes no notifications on";

/// The names among [`TESTS`] that no test has.
pub(super) fn unknown(list: &str) -> Vec<&'static str> {
    let names = TESTS.iter().flat_map(|(_, names)| *names).copied();
    let is_unknown = |name: &&str| !list.lines().any(|line| line == format!("{name}: test"));
    names.filter(is_unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::{TESTS, unknown};

    #[test]
    fn a_name_that_no_test_has_is_told() {
        let (_, names) = TESTS[0];
        let list = format!("{}: test\n{}_too: test\n", names[0], names[1]);
        let unknown = unknown(&list);
        assert!(!unknown.contains(&names[0]));
        assert!(unknown.contains(&names[1]));
    }
}
