//! Tells the tests whether the shared data stands beside the repository.

use std::{env, path::Path};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CI");
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let is_there = shared.is_dir();
    if is_there {
        // Said only of a folder that exists: a missing one would count as changed in every build.
        println!("cargo:rerun-if-changed={}", shared.display());
    }
    // In CI the tests run even where the data is missing, and fail: there it must not go unnoticed.
    if is_there || env::var_os("CI").is_some_and(|ci| ci == "true") {
        println!("cargo:rustc-cfg=shared_data");
    }
}
