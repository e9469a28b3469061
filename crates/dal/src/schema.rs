use std::{fmt, sync::Arc};

use crate::{Error, Result};

/// The longest name that Postgres keeps, in bytes. It cuts a longer one off, so that two would be one.
const MAX_LENGTH: usize = 63;

/// How many characters of a name an error shows.
const SHOWN: usize = 100;

/// A schema of a Postgres database: by a name that means itself, and nothing else, wherever SQL has names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schema(Arc<str>);

impl Schema {
    pub(crate) fn parse(name: &str) -> Result<Self> {
        let Some(problem) = problem(name) else {
            return Ok(Self(name.into()));
        };
        let shown: String = name.chars().take(SHOWN).collect();
        Err(Error::invalid("schema", format!("{shown:?} {problem}")))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn problem(name: &str) -> Option<&'static str> {
    let begins_as_a_name = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !begins_as_a_name || !name.chars().all(is_plain) {
        Some(
            "is no plain name; use lower-case letters from a to z, digits and _, and no digit in the first place",
        )
    } else if name.len() > MAX_LENGTH {
        Some("is too long; use 63 bytes at the most")
    } else if name.starts_with("pg_") || name == "information_schema" {
        Some("is Postgres' own; use another")
    } else if name == "public" {
        Some("is everyone's, and no tenant's; leave the schema out, or use another")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Schema;

    fn refusal(name: &str) -> String {
        Schema::parse(name).unwrap_err().to_string()
    }

    #[test]
    fn a_plain_name_is_taken_as_it_is() {
        let longest = "x".repeat(63);
        for name in ["a", "tenant_a", "_1", "select", "public2", "pga", &longest] {
            assert_eq!(Schema::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_needs_quotes_or_means_more_is_refused() {
        let names = [
            "", "A", "Tenant", "1a", "a-b", "a b", "a,public", "a.b", "a\"", "a'b", "$user", "a$b",
            "é", "a\\", "a;b", "a\0", "a\n", " a", "a=b", "\"a\"",
        ];
        for name in names {
            let refusal = refusal(name);
            assert!(refusal.contains("plain name"), "{name:?}: {refusal}");
            assert!(refusal.contains(&format!("{name:?}")), "{refusal}");
        }
    }

    #[test]
    fn what_is_not_a_tenants_is_refused() {
        assert!(refusal("pg_catalog").contains("Postgres' own"));
        assert!(refusal("pg_temp").contains("Postgres' own"));
        assert!(refusal("information_schema").contains("Postgres' own"));
        assert!(refusal("public").contains("everyone's"));
        assert!(refusal(&"x".repeat(64)).contains("63 bytes"));
    }

    #[test]
    fn a_refusal_is_short() {
        assert!(refusal(&"É".repeat(100_000)).len() < 500);
    }
}
