//! What must hold of every decoder and validator, whatever bytes they are given: one function for each target of the
//! fuzzer in `fuzz/`. Each panics if it does not hold.
//!
//! They are here, since most of what they try is private, and in no build but the fuzzer's and the tests' of this crate.
//! Those call them with the seeds of the fuzzer, and with seeds that are a little changed.

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "what does not hold panics"
)]

mod event_cursor;
mod json;
mod names;
mod rows;
mod schema;
mod stored_postgres;
mod stored_sqlite;
mod text_enum;
mod url;
mod wakeup;

pub use self::{
    event_cursor::event_cursor, json::json, names::names, rows::rows, schema::schema,
    stored_postgres::stored_postgres, stored_sqlite::stored_sqlite, text_enum::text_enum, url::url,
    wakeup::wakeup,
};

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use proptest::{collection::vec, prelude::*, sample::Index};

    type Target = (&'static str, fn(&[u8]));

    const TARGETS: [Target; 10] = [
        ("event_cursor", super::event_cursor),
        ("json", super::json),
        ("names", super::names),
        ("rows", super::rows),
        ("schema", super::schema),
        ("stored_postgres", super::stored_postgres),
        ("stored_sqlite", super::stored_sqlite),
        ("text_enum", super::text_enum),
        ("url", super::url),
        ("wakeup", super::wakeup),
    ];

    fn fuzz() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort_unstable();
        files
    }

    fn seeds(target: &str) -> Vec<Vec<u8>> {
        let files = files(&fuzz().join("seeds").join(target));
        files.iter().map(|file| fs::read(file).unwrap()).collect()
    }

    #[test]
    fn each_program_of_the_fuzzer_is_tried_here() {
        let programs = files(&fuzz().join("fuzz_targets"));
        let is_ours = |file: &&PathBuf| {
            let program = fs::read_to_string(file).unwrap();
            program.contains("taskbox_dal::fuzzing")
        };
        let programs: Vec<_> = programs
            .iter()
            .filter(is_ours)
            .map(|file| file.file_stem().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(programs, TARGETS.map(|(name, _)| name));
    }

    #[test]
    fn every_seed_holds() {
        for (name, holds) in TARGETS {
            let seeds = seeds(name);
            assert!(!seeds.is_empty(), "{name} has no seeds");
            for seed in seeds {
                holds(&seed);
            }
        }
    }

    /// A place, how many bytes to take away there, and what to put instead.
    type Change = (Index, usize, Vec<u8>);

    fn changed(mut seed: Vec<u8>, changes: Vec<Change>) -> Vec<u8> {
        for (place, less, more) in changes {
            let start = place.index(seed.len() + 1);
            let end = seed.len().min(start + less);
            seed.splice(start..end, more);
        }
        seed
    }

    #[test]
    fn a_seed_that_is_a_little_changed_holds() {
        for (name, holds) in TARGETS {
            let changes = vec((any::<Index>(), 0..4_usize, vec(any::<u8>(), 0..4)), 0..6);
            let input = (proptest::sample::select(seeds(name)), changes);
            let config = ProptestConfig {
                failure_persistence: None,
                ..ProptestConfig::default()
            };
            proptest!(config, |((seed, changes) in input)| holds(&changed(seed, changes)));
        }
    }
}
