//! Dependencies point one way: what each package must do without.

use anyhow::{Result, bail};

use crate::command::{cargo, output};

/// The arguments of `cargo tree` that say what is looked at, and what must not be in it.
const RULES: [(&str, &[&str]); 5] = [
    (
        "-p taskbox-schema --edges normal",
        &["diesel-async", "taskbox-dal", "taskbox-models", "tokio"],
    ),
    (
        "-p taskbox-models --edges normal",
        &["diesel-async", "taskbox-dal", "tokio"],
    ),
    (
        "-p taskbox-executor --edges normal --depth 1",
        &["diesel", "diesel-async", "taskbox-schema", "tokio-postgres"],
    ),
    (
        "-p taskbox-cli --edges normal --depth 1",
        &["diesel", "diesel-async", "taskbox-schema", "tokio-postgres"],
    ),
    (
        "--workspace --features postgres,sqlite --target all",
        &["native-tls", "openssl-sys", "pq-sys"],
    ),
];

pub(crate) fn check() -> Result<()> {
    for (scope, unwanted) in RULES {
        let tree = output(
            cargo()
                .args(["tree", "--prefix", "none", "--format", "{p}"])
                .args(scope.split(' ')),
        )?;
        if let Some(found) = first_of(unwanted, &tree) {
            bail!(
                "{found} must not be there: `cargo tree {scope} --invert {found}` says who brings it"
            );
        }
    }
    Ok(())
}

/// The first package of a `tree` (lines of name and version) that is unwanted.
fn first_of<'a>(unwanted: &[&'a str], tree: &str) -> Option<&'a str> {
    let is_there = |name: &str| {
        tree.lines()
            .any(|line| line.split(' ').next() == Some(name))
    };
    unwanted.iter().copied().find(|name| is_there(name))
}

#[cfg(test)]
mod tests {
    use super::first_of;

    #[test]
    fn names_are_compared_whole() {
        let tree = "taskbox-models v0.1.0\ntokio-postgres v0.7.18\n";
        assert_eq!(first_of(&["tokio"], tree), None);
        assert_eq!(
            first_of(&["tokio", "tokio-postgres"], tree),
            Some("tokio-postgres")
        );
    }
}
