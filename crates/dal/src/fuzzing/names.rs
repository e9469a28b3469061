use std::collections::BTreeSet;

use super::stored_sqlite::comes_back;
use crate::{
    Error, Result,
    limits::{MAX_NAME, MAX_QUEUES, MAX_TEXT},
    validate,
};

/// What is taken as a name or a text has the length that is promised, and comes back from `SQLite` as it was; what is
/// refused is named. The lines are names; the first byte says how often the whole is repeated to be a text.
pub fn names(input: &[u8]) {
    let Some((&often, rest)) = input.split_first() else {
        return;
    };
    let Ok(lines) = str::from_utf8(rest) else {
        return;
    };
    let names: Vec<&str> = lines.split('\n').collect();
    for name in &names {
        let is_good = (1..=MAX_NAME).contains(&name.len()) && !name.contains('\0');
        assert_eq!(
            is_taken("task_name", validate::name("task_name", name)),
            is_good
        );
        assert!(!is_good || comes_back(name), "{name:?}");
    }
    queues(&names);
    let enough = MAX_TEXT / lines.len().max(1) + 1;
    let text = lines.repeat(enough.min(1 << (often % 18)));
    let is_good = text.len() <= MAX_TEXT && !text.contains('\0');
    assert_eq!(is_taken("reason", validate::text("reason", &text)), is_good);
}

fn queues(names: &[&str]) {
    let different: BTreeSet<_> = names.iter().collect();
    let are_good = names.iter().all(|it| validate::name("queue", it).is_ok());
    match validate::queues(names) {
        Ok(taken) => {
            assert!(are_good && taken.len() <= MAX_QUEUES);
            assert_eq!(taken.len(), different.len());
            let first = |name: &String| names.iter().position(|it| it == name).unwrap();
            assert!(taken.is_sorted_by_key(first), "{taken:?}");
        }
        Err(error) => {
            let what = if are_good { "queues" } else { "queue" };
            assert!(!are_good || different.len() > MAX_QUEUES);
            assert!(!is_taken(what, Err(error)));
        }
    }
}

/// Whether it is; a refusal has to name what it refuses, and to say why.
pub(super) fn is_taken(name: &str, answer: Result<()>) -> bool {
    match answer {
        Ok(()) => true,
        Err(Error::InvalidInput { what, problem }) => {
            assert_eq!(what, name);
            assert!(!problem.is_empty());
            false
        }
        Err(error) => panic!("{error:?}"),
    }
}
