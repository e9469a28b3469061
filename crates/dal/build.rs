//! Compiles the fault points in where a test can arm them: in debug builds of Taskbox's own checkout,
//! whose `.cargo/config.toml` asks for them. No release build and no user of the crate has them. And knows of
//! `cfg(fuzzing)`, which fuzzers set.

use std::env;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(fuzzing)");
    println!("cargo::rustc-check-cfg=cfg(taskbox_faults)");
    println!("cargo::rerun-if-env-changed=TASKBOX_FAULTS");
    let asked = env::var_os("TASKBOX_FAULTS").is_some();
    let debug = env::var("PROFILE").is_ok_and(|profile| profile == "debug");
    if asked && debug {
        println!("cargo::rustc-cfg=taskbox_faults");
    }
}
