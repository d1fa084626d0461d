//! `cargo demo`: from source to SQL over real data with the functions of dropped-in plugins.
//!
//! Builds the workspace, makes a TPC-H data set, fills a plugin directory, and then shows the commands that a
//! person would type, each before its output.

mod queries;
mod session;

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use queries::QUERIES;
use session::Session;

/// The plugin crates that go into the directory, as their library files are named.
const PLUGINS: &[&str] = &["datafusion_plugin_example", "datafusion_plugin_spark"];

/// TPC-H's scale factor: 60,000 line items.
const SCALE: &str = "0.01";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("demo: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let built = env::current_exe().map_err(|error| format!("where am I? {error}"))?;
    let built = built.parent().ok_or("the demo has no folder")?;
    // TARGET_DIR/PROFILE/plugin-demo: what the demo makes goes beside the profile's folder.
    let folder = built.parent().unwrap_or(built).join("demo");
    let plugins = folder.join("plugins");
    let empty = || {
        let _ = fs::remove_dir_all(&plugins);
        fs::create_dir_all(&plugins)
    };
    empty().map_err(|error| format!("{}: {error}", plugins.display()))?;

    let session = Session::new(built, &folder);
    session.cargo(&["build", "--workspace", "--quiet"])?;
    session.run("tpch-data", &["tpch", SCALE])?;
    for plugin in PLUGINS {
        let file = library(plugin);
        copy(&built.join(&file), &plugins.join(&file))?;
        let file = Path::new("plugins").join(&file);
        session.run("plugin-host", &["pack", &file.to_string_lossy()])?;
    }
    session.run("plugin-host", &["inspect", "plugins"])?;
    session.run("plugin-host", &["list", "--plugin-dir", "plugins"])?;
    for (title, sql) in QUERIES {
        session.say(title);
        session.run(
            "plugin-host",
            &["sql", "--plugin-dir", "plugins", "-c", sql],
        )?;
    }
    Ok(())
}

fn library(crate_name: &str) -> PathBuf {
    let (prefix, suffix) = (env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    format!("{prefix}{crate_name}{suffix}").into()
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let copied: io::Result<u64> = fs::copy(from, to);
    copied
        .map(drop)
        .map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}
