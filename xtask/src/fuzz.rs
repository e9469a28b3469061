//! The fuzzer: every decoder and validator, by a package that is a workspace of its own.
//!
//! Cargo builds it with the coverage that libFuzzer goes by, as `cargo fuzz --sanitizer none` does, which the stable
//! compiler can.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::command::{cargo, output, program, root, run};

pub(crate) const MANIFEST: &str = "fuzz/Cargo.toml";

/// What was built, what was found to be new, and what failed.
const FOLDER: &str = "target/fuzz";

/// Edges counted in place, with their addresses, and what numbers and texts were compared with.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Runs these targets, or all of them, for so many seconds each.
pub(crate) fn run_targets(targets: &[String], seconds: u32, args: &[OsString]) -> Result<()> {
    let all = targets_there_are()?;
    if let Some(unknown) = targets.iter().find(|target| !all.contains(target)) {
        bail!("there is no target {unknown}; there are {}", all.join(", "));
    }
    let targets = if targets.is_empty() { &all } else { targets };
    let programs = build(targets)?;
    println!("{seconds} s each, from fuzz/seeds and {FOLDER}/corpus\n");
    println!("target            executions     per s   edges  features  inputs");
    for target in targets {
        let ledger = run_target(target, &programs, seconds, args)?;
        println!("{target:16}{ledger}");
    }
    Ok(())
}

fn targets_there_are() -> Result<Vec<String>> {
    let folder = fs::read_dir(root().join("fuzz/fuzz_targets"))?;
    let mut targets = Vec::new();
    for entry in folder {
        let name = entry?.path().file_stem().map(OsString::from);
        targets.extend(name.and_then(|name| name.into_string().ok()));
    }
    targets.sort_unstable();
    Ok(targets)
}

/// Builds them, and answers with the folder that they are in.
fn build(targets: &[String]) -> Result<PathBuf> {
    let host = host()?;
    let mut build = cargo();
    // With `--target`, build scripts and macros have no coverage, which nobody would read.
    build
        .args([
            "build",
            "--release",
            "--locked",
            "--manifest-path",
            MANIFEST,
        ])
        .args(["--target", &host, "--target-dir", FOLDER])
        .args(targets.iter().flat_map(|target| ["--bin", target]))
        .env("RUSTFLAGS", COVERAGE);
    run(&mut build)?;
    Ok(root().join(FOLDER).join(host).join("release"))
}

fn host() -> Result<String> {
    let about = output(program("rustc").arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

/// Runs one, and answers with what it did.
fn run_target(target: &str, programs: &Path, seconds: u32, args: &[OsString]) -> Result<String> {
    let corpus = root().join(FOLDER).join("corpus").join(target);
    let failures = root().join(FOLDER).join("failures").join(target);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&failures)?;
    let output = Command::new(programs.join(target))
        .current_dir(root())
        .args([&corpus, &root().join("fuzz/seeds").join(target)])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", failures.display()))
        .args(["-timeout=10"])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run the target {target}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{target} does not hold:\n{said}");
    }
    ledger(&said).with_context(|| format!("{target} says nothing of what it did:\n{said}"))
}

/// What libFuzzer says last: `#8192 DONE cov: 71 ft: 90 corp: 9/40b lim: 80 exec/s: 4096 rss: 36Mb`.
fn ledger(said: &str) -> Option<String> {
    let last = said.lines().rfind(|line| line.contains(" cov: "))?;
    let mut words = last.split_whitespace();
    let executions = words.next()?.strip_prefix('#')?;
    let after = |name: &str| {
        let mut words = last.split_whitespace().skip_while(|word| *word != name);
        words.nth(1)
    };
    let inputs = after("corp:")?.split('/').next()?;
    let (rate, edges, features) = (after("exec/s:")?, after("cov:")?, after("ft:")?);
    Some(format!(
        "{executions:>12}{rate:>10}{edges:>8}{features:>10}{inputs:>8}"
    ))
}

#[cfg(test)]
mod tests {
    use super::ledger;

    #[test]
    fn the_last_that_is_said_of_coverage_counts() {
        let said = "#2\tINITED cov: 5 ft: 5 corp: 1/1b exec/s: 0 rss: 34Mb\n\
            #8192\tDONE   cov: 71 ft: 90 corp: 9/40b lim: 80 exec/s: 4096 rss: 36Mb\nDone 8192 runs in 2 second(s)\n";
        let words: Vec<_> = ledger(said)
            .unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        assert_eq!(words, ["8192", "4096", "71", "90", "9"]);
        assert_eq!(ledger("Done 0 runs in 0 second(s)"), None);
    }
}
