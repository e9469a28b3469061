//! Where the answers go.

use std::io::Write;

use serde::Serialize;

use crate::Result;

/// The standard output, without colours where it is no terminal.
pub(crate) type Output = anstream::Stdout;

/// Writes a value as JSON.
pub(crate) fn json(out: &mut Output, value: &impl Serialize) -> Result<()> {
    // Whole, since the output fails otherwise than serde does.
    let text = serde_json::to_string_pretty(value)?;
    writeln!(out, "{text}")?;
    Ok(())
}

/// Writes a value as one line of JSON.
pub(crate) fn json_line(out: &mut Output, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value)?;
    writeln!(out, "{text}")?;
    Ok(())
}

/// Writes names and values below each other. Those without a value are left out.
pub(crate) fn facts(out: &mut Output, facts: &[(&str, Option<String>)]) -> Result<()> {
    let width = facts.iter().map(|(name, _)| name.len()).max();
    let width = width.unwrap_or_default();
    for (name, value) in facts {
        if let Some(value) = value {
            writeln!(out, "{name:width$}  {value}")?;
        }
    }
    Ok(())
}
