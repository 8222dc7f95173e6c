//! Tells the tests whether the shared fixtures stand beside the repository: `cfg(shared_data)`.

use std::{env, path::Path};

fn main() {
    let fixtures = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default())
        .join("../../../shared/fixtures");
    println!("cargo:rerun-if-changed={}", fixtures.display());
    println!("cargo:rerun-if-env-changed=CI");
    // Where CI runs, missing fixtures are a failure of the tests, not a reason to leave them out.
    if fixtures.is_dir() || env::var_os("CI").is_some_and(|ci| ci == "true") {
        println!("cargo:rustc-cfg=shared_data");
    }
}
