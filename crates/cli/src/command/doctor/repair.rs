//! Mends what was found.

use std::io::{self, IsTerminal, Write};

use taskbox_dal::{DAL, Invariant, Tx};
use uuid::Uuid;

use super::examination::Examination;
use crate::{Error, Result, output::Output, text};

/// How many events are written anew at once.
const EVENTS: i64 = 100_000;

/// What there is to mend.
pub(super) struct Repair {
    breaches: Vec<(Invariant, &'static str, Vec<Uuid>)>,
    events: bool,
}

impl Repair {
    pub(super) fn of(found: &Examination) -> Self {
        let breaches = found.breaches.iter();
        Self {
            breaches: breaches
                .filter_map(|(invariant, ids)| Some((*invariant, invariant.mend()?, ids.clone())))
                .collect(),
            events: found.foreign_events > 0,
        }
    }

    /// Says what it will do, asks, and does it in one transaction. Answers whether it did anything.
    pub(super) async fn run(&self, dal: &DAL, yes: bool, out: &mut Output) -> Result<bool> {
        if self.breaches.is_empty() && !self.events {
            writeln!(out, "\nnothing to repair")?;
            return Ok(false);
        }
        self.write(out)?;
        if !yes && !ask(out)? {
            writeln!(out, "nothing was changed")?;
            return Ok(false);
        }
        let (mended, events) = dal
            .transaction(async |tx: &mut Tx<'_>| self.mend(tx).await)
            .await?;
        let found: usize = self.breaches.iter().map(|(_, _, ids)| ids.len()).sum();
        let (mended, found) = (text::number(mended as i128), text::number(found as i128));
        writeln!(out, "\nrepaired {mended} of {found}{}\n", and(events))?;
        Ok(true)
    }

    fn write(&self, out: &mut Output) -> Result<()> {
        writeln!(out, "\nwill repair, in one transaction:")?;
        for (invariant, mend, ids) in &self.breaches {
            let number = text::count(ids.len() as i128, invariant.subject());
            writeln!(out, "- {number} {}: {mend}", invariant.breach())?;
        }
        if self.events {
            writeln!(
                out,
                "- numbers of transactions of another server: sets them to 0"
            )?;
        }
        Ok(())
    }

    /// Answers for how many it did it, and for how many events.
    async fn mend(&self, tx: &mut Tx<'_>) -> Result<(usize, usize)> {
        let mut mended = 0;
        for (invariant, _, ids) in &self.breaches {
            mended += tx.doctor().mend(*invariant, ids).await?;
        }
        let events = if self.events {
            tx.doctor().adopt_events(EVENTS).await?
        } else {
            0
        };
        Ok((mended, events))
    }
}

/// What was done besides.
fn and(events: usize) -> String {
    match events {
        0 => String::new(),
        _ => format!(
            ", and the numbers of {}",
            text::count(events as i128, "event")
        ),
    }
}

/// Whether whoever sits there says yes.
fn ask(out: &mut Output) -> Result<bool> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Err(Error::Refused(
            "nothing was changed: there is nobody to ask; give --yes to repair all the same"
                .to_owned(),
        ));
    }
    write!(out, "repair? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
