//! Tells the tests whether the shared data stands beside the repository: `cfg(shared_data)`.

use std::{env, path::Path};

fn main() {
    let data = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default())
        .join("../../../shared/data");
    println!("cargo:rerun-if-changed={}", data.display());
    println!("cargo:rerun-if-env-changed=CI");
    // Where CI runs, missing data is a failure of the tests, not a reason to leave them out.
    if data.is_dir() || env::var_os("CI").is_some_and(|ci| ci == "true") {
        println!("cargo:rustc-cfg=shared_data");
    }
}
