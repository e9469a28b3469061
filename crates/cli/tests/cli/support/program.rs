//! Runs the program.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio},
};

use taskbox_test_support::canary;

/// What the program printed and how it ended.
pub(crate) struct Run {
    arguments: String,
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program with these arguments, and nothing of the environment that it would look at.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taskbox"));
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.contains("COLOR")
            || name == "DATABASE_URL"
            || name == "TASKBOX_SCHEMA"
            || name == "TERM"
        {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

pub(crate) fn run_without_database(arguments: &[&str]) -> Run {
    finish(command(arguments), arguments)
}

pub(crate) fn run(url: impl AsRef<OsStr>, arguments: &[&str]) -> Run {
    let mut command = command(arguments);
    command.env("DATABASE_URL", url.as_ref());
    finish(command, arguments)
}

pub(crate) fn finish(mut command: Command, arguments: &[&str]) -> Run {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let run = Run {
        arguments: arguments.join(" "),
        code: status.code().unwrap(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    };
    run.hear();
    run
}

/// The program while it runs, to be stopped by Ctrl-C. It prints little.
pub(crate) struct Stopped {
    child: Child,
    run: Run,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
}

impl Stopped {
    pub(crate) fn start(mut command: Command, arguments: &[&str]) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let run = Run {
            arguments: arguments.join(" "),
            code: 0,
            stdout: String::new(),
            stderr: String::new(),
        };
        Self {
            run,
            stdout: BufReader::new(child.stdout.take().unwrap()),
            stderr: BufReader::new(child.stderr.take().unwrap()),
            child,
        }
    }

    /// Waits until it has printed this.
    pub(crate) fn prints(&mut self, text: &str) {
        while !self.run.stdout.contains(text) {
            let read = self.stdout.read_line(&mut self.run.stdout).unwrap();
            assert_ne!(read, 0, "it ended: {}", self.run.stdout);
        }
    }

    /// The same of its standard error.
    pub(crate) fn complains(&mut self, text: &str) {
        while !self.run.stderr.contains(text) {
            let read = self.stderr.read_line(&mut self.run.stderr).unwrap();
            assert_ne!(read, 0, "it ended: {}", self.run.stderr);
        }
    }

    pub(crate) fn interrupt(&self) {
        let mut kill = Command::new("kill");
        kill.args(["-INT", &self.child.id().to_string()]);
        assert!(kill.status().unwrap().success());
    }

    pub(crate) fn finish(mut self) -> Run {
        self.stdout.read_to_string(&mut self.run.stdout).unwrap();
        self.stderr.read_to_string(&mut self.run.stderr).unwrap();
        self.run.code = self.child.wait().unwrap().code().unwrap();
        self.run.hear();
        self.run
    }
}

impl Run {
    /// That it shows no password.
    fn hear(&self) {
        canary::hear(&self.stdout);
        canary::hear(&self.stderr);
    }

    /// As on a terminal, with the exit code if it is not 0.
    pub(crate) fn transcript(&self) -> String {
        let mut text = format!("$ taskbox {}\n{}", self.arguments, self.stdout);
        if !self.stderr.is_empty() {
            text += "stderr: ";
            text += &self.stderr;
        }
        if self.code != 0 {
            let code = self.code;
            return format!("{text}exit code {code}\n");
        }
        text
    }
}

/// What differs from run to run, and by what it is replaced.
pub(crate) const FILTERS: [(&str, &str); 14] = [
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[id]"),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "[time]"),
    (
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}",
        "[time to the millisecond]",
    ),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[time]"),
    (r"\d{4}-\d\d-\d\d UTC", "[day] UTC"),
    (r"UTC +after", "UTC  after"),
    (r"\d\d:\d\d:\d\d\.\d{3}", "[moment]"),
    (r"\[moment\] +task_created", "[moment]  task_created"),
    (
        r" +\d+(\.\d)? (ms|s|min|h|d)\b( \d+ (s|min|h)\b)?",
        " [duration]",
    ),
    (r#"("[a-z_]*(seconds|per_minute)": )[0-9.]+"#, "$1[number]"),
    (r#"("transaction_id": )\d+"#, "$1[number]"),
    (r#"("id": )\d+"#, "$1[number]"),
    (r"(?m) +[·░█─][·░█─ ]*$", "  [timeline]"),
    (r"(?m)^[·░█─][·░█─ ]*$", "[timeline]"),
];

/// Compares what the program printed with the snapshot of this name.
pub(crate) fn assert_transcript(name: &str, runs: &[Run]) {
    let transcripts: Vec<String> = runs.iter().map(Run::transcript).collect();
    assert_text(name, &transcripts.join("\n"), &[]);
}

/// The same with further filters, which are applied first.
pub(crate) fn assert_text(name: &str, text: &str, filters: &[(&str, &str)]) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (pattern, replacement) in filters.iter().chain(&FILTERS) {
        settings.add_filter(pattern, *replacement);
    }
    settings.bind(|| insta::assert_snapshot!(name, text));
}
