//! Records what the crate is built with and for; manifests say so.

use std::{env, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let variable = |name| env::var(name).unwrap_or_default();
    println!("cargo:rustc-env=DFPLUGIN_TARGET={}", variable("TARGET"));
    println!("cargo:rustc-env=DFPLUGIN_PROFILE={}", variable("PROFILE"));
    println!("cargo:rustc-env=DFPLUGIN_RUSTC={}", rustc_version());
}

/// `1.95.0 (59807616e 2026-04-14)`, or `unknown`.
fn rustc_version() -> String {
    env::var_os("RUSTC")
        .and_then(|rustc| Command::new(rustc).arg("--version").output().ok())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map(|text| text.trim().trim_start_matches("rustc ").to_owned())
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}
