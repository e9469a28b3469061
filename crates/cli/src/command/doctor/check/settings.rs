//! The migrations, the settings and the clock.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use taskbox_dal::DAL;

use super::Found;
use crate::{arguments::Database, command::doctor::finding::Finding, text};

pub(in crate::command::doctor) async fn migrations(dal: &DAL, database: &Database) -> Found {
    let pending = dal.pending_migrations().await?;
    if pending.is_empty() {
        return Ok(Vec::new());
    }
    let number = text::count(pending.len() as i128, "migration");
    let seen = format!(
        "{number} pending, the first {}; the tables are not looked at",
        pending[0]
    );
    let remedy = format!("run `{}`", database.migrate_command());
    Ok(vec![Finding::broken(seen, remedy)])
}

pub(in crate::command::doctor) async fn durability(dal: &DAL) -> Found {
    let risks = dal.durability().await?.risks();
    let risks = risks.into_iter().map(|risk| {
        let (seen, remedy) = risk.split_once("; ").unwrap_or((risk, "turn it on"));
        Finding::warning(seen, remedy)
    });
    Ok(risks.collect())
}

pub(in crate::command::doctor) async fn clock(dal: &DAL) -> Found {
    let before = host();
    let database = dal.now().await?;
    Ok(skew(before, database, host()).into_iter().collect())
}

/// What the clock of this machine shows.
fn host() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// Whether the clock of the database is off what this machine's showed before and after it was asked.
fn skew(before: DateTime<Utc>, database: DateTime<Utc>, after: DateTime<Utc>) -> Option<Finding> {
    const TOLERATED: Duration = Duration::from_secs(1);
    let (off, how) = if database < before {
        (before - database, "behind")
    } else {
        (database - after, "ahead of")
    };
    let off = off.max(TimeDelta::zero()).to_std().unwrap_or_default();
    (off > TOLERATED).then(|| {
        Finding::note(
            format!(
                "the database's clock is {} {how} this machine's",
                text::duration(off)
            ),
            "keep both right by NTP; nothing depends on it but the order of the ids that programs make",
        )
    })
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::skew;

    #[test]
    fn a_clock_is_off_by_what_the_wait_for_its_answer_does_not_explain() {
        let at = |milliseconds| DateTime::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds);
        for well in [-1_000, 0, 3_000, 6_000, 7_000] {
            assert!(skew(at(0), at(well), at(6_000)).is_none(), "{well}");
        }
        let seen = |database| skew(at(0), at(database), at(6_000)).unwrap().seen;
        assert_eq!(
            seen(-1_500),
            "the database's clock is 1.5 s behind this machine's"
        );
        assert_eq!(
            seen(67_000),
            "the database's clock is 1 min 1 s ahead of this machine's"
        );
    }
}
