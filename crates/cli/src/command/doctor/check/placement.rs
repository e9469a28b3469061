//! Whether every task is where its status says, and all that follows from it.

use taskbox_dal::{DAL, Invariant};
use taskbox_models::LiveTable;
use uuid::Uuid;

use crate::{command::doctor::finding::Finding, text};

/// How many that break an invariant are looked for, and mended at once.
const LOOK: i64 = 1_000;

/// What there is to say, and who breaks which invariant.
pub(in crate::command::doctor) async fn invariants(
    dal: &DAL,
) -> (Vec<Finding>, Vec<(Invariant, Vec<Uuid>)>) {
    let (mut findings, mut breaches) = (Vec::new(), Vec::new());
    for invariant in Invariant::ALL {
        match dal.doctor().broken(invariant, LOOK).await {
            Ok(ids) if ids.is_empty() => {}
            Ok(ids) => {
                findings.push(finding(invariant, &ids));
                breaches.push((invariant, ids));
            }
            Err(error) => findings.push(Finding::not_checked(Some(invariant.as_str()), &error)),
        }
    }
    (findings, breaches)
}

fn finding(invariant: Invariant, ids: &[Uuid]) -> Finding {
    let number = text::count(ids.len() as i128, invariant.subject());
    let at_least = match i64::try_from(ids.len()) {
        Ok(LOOK..) => "at least ",
        _ => "",
    };
    let seen = format!("{at_least}{number} {}", invariant.breach());
    Finding::broken(seen, remedy(invariant)).about(ids.to_vec())
}

fn remedy(invariant: Invariant) -> String {
    let Some(mend) = invariant.mend() else {
        return "if it has open tasks, the next end of one puts it right; else `taskbox cancel` ends it".to_owned();
    };
    let by_hand = match invariant {
        Invariant::RowOfEachTask(LiveTable::Claims | LiveTable::Schedule) => {
            "; what is left then, `taskbox cancel` and `taskbox retry` make ready"
        }
        _ => "",
    };
    format!("`taskbox doctor --repair` {mend}{by_hand}")
}
