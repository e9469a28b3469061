//! A test as a process of its own, which can be killed, frozen and told to stop.

use std::{
    env,
    process::{Child, Command, ExitStatus, Stdio},
};

use taskbox_test_support::TestDatabase;

/// Where the process finds its database.
const URL: &str = "TASKBOX_TEST_URL";

/// Killed when dropped, as a failed test drops it.
pub(crate) struct Process(Child);

impl Process {
    /// Runs a test that is ignored otherwise, by its name.
    pub(crate) fn start(db: &TestDatabase, test: &str) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--ignored", "--exact", test]);
        command.env(URL, db.url()).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// The database that it was started with; `None` for a test that nobody started so.
    pub(crate) fn url() -> Option<String> {
        env::var(URL).ok()
    }

    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    /// As who operates it does, and its supervisor.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }

    fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        let kill = kill.args(["-s", name, &self.0.id().to_string()]);
        assert!(kill.status().unwrap().success());
    }
}

impl Drop for Process {
    /// By SIGKILL, unless it has ended.
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
