use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::Write;

use crate::{Result, arguments::Arguments, output::Output};

/// Print the completions for a shell
///
/// For bash, in the current shell: source <(taskbox completions bash)
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, out: &mut Output) -> Result<()> {
        // To a buffer first: the generator panics if its output fails.
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Arguments::command(),
            "taskbox",
            &mut script,
        );
        out.write_all(&script)?;
        Ok(())
    }
}
