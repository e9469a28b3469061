//! What the program shows of the database.

use std::{collections::HashMap, io::Write};

use taskbox_models::{TaskExecution, TaskOutbox};

use crate::{
    Result,
    files::File,
    half_way::Failure,
    table::{table, thousands, time},
};

/// How many rows of a table are shown.
pub(crate) const ROWS: i64 = 10;

/// The outbox's rows, with the file that each task is for.
pub(crate) fn outbox(
    out: &mut impl Write,
    outbox: &[TaskOutbox],
    tasks: &[TaskExecution],
    files: &[File],
) -> Result<()> {
    let file_of: HashMap<_, _> = tasks.iter().map(|task| task.id).zip(files).collect();
    let rows = outbox.iter().filter_map(|row| {
        let file = file_of.get(&row.task_execution_id)?;
        Some([
            row.id.to_string(),
            row.task_execution_id.to_string(),
            time(row.created_at),
            thousands(file.bytes),
            file.name.clone(),
        ])
    });
    let columns = ["id >", "task_execution_id", "created_at", "bytes >", "file"];
    table(out, columns, rows.collect())?;
    if tasks.len() > outbox.len() {
        writeln!(out, "  … and {} more\n", tasks.len() - outbox.len())?;
    }
    Ok(())
}

/// What was counted around a transaction that failed.
pub(crate) fn counts(out: &mut impl Write, failure: &Failure) -> Result<()> {
    let moments = failure
        .before
        .iter()
        .zip(&failure.inside)
        .zip(&failure.after);
    let rows = moments.map(|((before, inside), after)| {
        [
            before.0.to_owned(),
            before.1.to_string(),
            inside.1.to_string(),
            after.1.to_string(),
        ]
    });
    table(
        out,
        ["rows in", "before >", "inside >", "after >"],
        rows.collect(),
    )?;
    writeln!(
        out,
        "  It said \"{}\", and left nothing behind.\n",
        failure.error
    )?;
    Ok(())
}
