//! What the tasks of the demo do.

use std::{
    fmt::Write,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use taskbox_executor::{ExecutorBuilder, TaskContext, TaskError};
use taskbox_models::TaskStatus;

use super::{DELIVER, SUM};

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct CountFile {
    pub(crate) path: PathBuf,
}

/// What is counted of a file.
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Counted {
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
    pub(crate) sha256: String,
}

/// What all files have together.
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Sum {
    pub(crate) files: u64,
    /// Files that could not be read.
    pub(crate) failed: u64,
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
}

/// How often the last task fails.
const FAILURES: i32 = 2;
const PAUSE: Duration = Duration::from_millis(150);

/// Tells the executor what to run; each task that ends moves the bar on.
pub(crate) fn register(builder: ExecutorBuilder, bar: &ProgressBar) -> ExecutorBuilder {
    let (of_file, of_sum, of_delivery) = (bar.clone(), bar.clone(), bar.clone());
    builder
        .task(
            "count-file",
            async move |_ctx: TaskContext, file: CountFile| {
                let counted = count_file(file).await;
                of_file.inc(1);
                counted
            },
        )
        .task(SUM, async move |ctx: TaskContext, (): ()| {
            let sum = sum(&ctx).await?;
            of_sum.inc(1);
            Ok(sum)
        })
        .task(DELIVER, async move |ctx: TaskContext, (): ()| {
            of_delivery.set_message(format!("{DELIVER}: attempt {}", ctx.attempt()));
            let delivered = deliver(&ctx).await?;
            of_delivery.inc(1);
            Ok(delivered)
        })
}

async fn count_file(file: CountFile) -> Result<Counted, TaskError> {
    let counted = tokio::task::spawn_blocking(move || count(&file.path)).await?;
    counted.map_err(|error| TaskError::fail(format!("cannot read the file: {error}")))
}

fn count(path: &Path) -> io::Result<Counted> {
    let mut file = File::open(path)?;
    let (mut buffer, mut hash, mut counted) = (vec![0; 1 << 16], Sha256::new(), Counted::default());
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => &buffer[..read],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(read);
        counted.bytes += read.len() as u64;
        counted.lines += read.split(|byte| *byte == b'\n').skip(1).count() as u64;
    }
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(counted.sha256, "{byte:02x}");
    }
    Ok(counted)
}

/// Adds up what the tasks before this one completed with.
async fn sum(ctx: &TaskContext) -> Result<Sum, TaskError> {
    let mut sum = Sum::default();
    for dependency in ctx.dependency_outputs().await? {
        match dependency.output {
            Some(output) if dependency.status == TaskStatus::Completed => {
                let counted: Counted = serde_json::from_value(output)?;
                sum.files += 1;
                sum.bytes += counted.bytes;
                sum.lines += counted.lines;
            }
            _ => sum.failed += 1,
        }
    }
    Ok(sum)
}

/// Hands on what it waited for, at the third attempt.
async fn deliver(ctx: &TaskContext) -> Result<Option<serde_json::Value>, TaskError> {
    if ctx.attempt() <= FAILURES {
        let reason = "the server is busy (made up)";
        return Err(TaskError::retry_after(PAUSE, reason));
    }
    let mut outputs = ctx.dependency_outputs().await?;
    Ok(outputs.pop().and_then(|dependency| dependency.output))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Counted, count};

    #[test]
    fn a_file_is_counted_and_hashed_whole() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "abc\n".repeat(50_000)).unwrap();
        let expected = Counted {
            bytes: 200_000,
            lines: 50_000,
            sha256: "dc77b5b303347f6c9ee23a7acd7f618144e8d318df793b27017c9afff9a031f5".to_owned(),
        };
        assert_eq!(count(file.path()).unwrap(), expected);
    }
}
