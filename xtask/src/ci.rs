//! Everything that a change must pass, the fast checks first.

use std::env;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::command::{cargo, on_path, output, program, run as run_command};
use crate::postgres::{Server, Settings};
use crate::{bench, book, dependencies, fuzz, lifecycle, peers, schema, test};

/// Both features, neither, and each by itself: features add, and any combination builds.
const BUILDS: [(&str, &str); 9] = [
    (
        "clippy",
        "clippy --workspace --all-targets --features postgres,sqlite -- -D warnings",
    ),
    (
        "no backend",
        "clippy -p taskbox-dal --no-default-features -- -D warnings",
    ),
    (
        "sqlite",
        "clippy -p taskbox-dal --no-default-features --features sqlite -- -D warnings",
    ),
    (
        "postgres",
        "clippy -p taskbox-dal --no-default-features --features postgres -- -D warnings",
    ),
    (
        "executor without a backend",
        "clippy -p taskbox-executor --no-default-features -- -D warnings",
    ),
    // Without the command line, which has both unless it is told otherwise.
    (
        "workspace on sqlite",
        "check --workspace --exclude taskbox-cli --features sqlite",
    ),
    (
        "workspace on postgres",
        "check --workspace --exclude taskbox-cli --features postgres",
    ),
    (
        "command line on sqlite",
        "clippy -p taskbox-cli --no-default-features --features sqlite -- -D warnings",
    ),
    (
        "command line on postgres",
        "clippy -p taskbox-cli --no-default-features --features postgres -- -D warnings",
    ),
];

pub(crate) fn run() -> Result<()> {
    cargo_step("format", "fmt --all --check")?;
    step("typos", "typos", typos)?;
    for (name, args) in BUILDS {
        cargo_step(name, args)?;
    }
    step(
        "doc",
        "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items",
        doc,
    )?;
    step("book", "cargo xtask book", book::build)?;
    step("deny", "cargo deny check bans licenses sources", deny)?;
    step(
        "dependencies",
        "cargo xtask dependencies",
        dependencies::check,
    )?;
    step(
        "peers",
        "cargo metadata --locked --manifest-path benches/peers/Cargo.toml",
        || without_compiling(peers::MANIFEST),
    )?;
    // What it tries is tried by the tests of the DAL, too, with its seeds.
    step(
        "fuzz",
        "cargo metadata --locked --manifest-path fuzz/Cargo.toml",
        || without_compiling(fuzz::MANIFEST),
    )?;
    step("lifecycle", "cargo xtask lifecycle --check", || {
        lifecycle::run(true)
    })?;
    let server = Server::start(Settings::Fast)?;
    on_database(&server)
}

/// The tests come last: what they print is what a reader looks for.
fn on_database(server: &Server) -> Result<()> {
    step("schema", "cargo xtask schema --check", || {
        schema::run_on(server, true)
    })?;
    cargo_step(
        "quickstart",
        "run --features postgres,sqlite --example quickstart -- docs",
    )?;
    cargo_step("demo", "run --features postgres,sqlite -- demo docs")?;
    step("bench", "cargo xtask bench -- --test", || {
        bench::run_on(server, &["--test"])
    })?;
    step("test", "cargo xtask test", || test::run_on(server, &[]))
}

fn cargo_step(name: &str, args: &str) -> Result<()> {
    step(name, &format!("cargo {args}"), || {
        run_command(cargo().args(args.split(' ')))
    })
}

/// Runs `body`, which a person can run with the command `alone`.
fn step(name: &str, alone: &str, body: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("ci: {name}: {alone}");
    let started = Instant::now();
    body().with_context(|| format!("step {name}, which `{alone}` runs by itself"))?;
    println!(
        "ci: {name}: passed in {:.1} s",
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

fn typos() -> Result<()> {
    on_path("typos")
        .context("typos not found: install it with `cargo install typos-cli --locked`")?;
    run_command(&mut program("typos"))
}

/// What can be said of a workspace of its own without minutes of compiling it: its format, and that its lock fits
/// Taskbox.
fn without_compiling(manifest: &str) -> Result<()> {
    run_command(cargo().args(["fmt", "--check", "--manifest-path", manifest]))?;
    let lock = ["metadata", "--locked", "--format-version", "1"];
    output(cargo().args(lock).args(["--manifest-path", manifest])).map(drop)
}

fn doc() -> Result<()> {
    let mut doc = cargo();
    doc.args([
        "doc",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ]);
    run_command(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

fn deny() -> Result<()> {
    on_path("cargo-deny")
        .context("cargo-deny not found: install it with `cargo install cargo-deny --locked`")?;
    let mut deny = cargo();
    deny.args(["deny", "check", "bans", "licenses", "sources"]);
    // The advisories are a download from outside the registry, which not every machine can make.
    if env::var_os("TASKBOX_ADVISORIES").is_some() {
        deny.arg("advisories");
    }
    run_command(&mut deny)
}
