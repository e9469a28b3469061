//! A test of this file as a process of its own.

use std::{env, process::Command};

use taskbox_test_support::TestDatabase;

const URL: &str = "TASKBOX_TEST_OUTAGE_URL";

/// What runs a test that is ignored otherwise, by its name.
pub(crate) fn command(db: &TestDatabase, test: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(arguments(test)).env(URL, db.url());
    command
}

/// The same, without room for a file of more than a megabyte, or two where the shell counts otherwise. What is written
/// beyond that is refused.
pub(crate) fn command_without_room(db: &TestDatabase, test: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ && ulimit -f 2048 && exec \"$0\" \"$@\""]);
    command.arg(env::current_exe().unwrap());
    command.args(arguments(test)).env(URL, db.url());
    command
}

fn arguments(test: &str) -> [&str; 4] {
    ["--ignored", "--exact", "--nocapture", test]
}

/// The database that it was started with; `None` for a test that nobody started so.
pub(crate) fn url() -> Option<String> {
    env::var(URL).ok()
}

/// What such a process does.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(work)
}
