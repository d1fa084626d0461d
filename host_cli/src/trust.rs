//! Telling plainly what vouches for plugins.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::{Path, PathBuf},
};

use datafusion_plugin_host::{
    InstallReport,
    config::Config,
    discover::SearchPath,
    judge::Refusal,
    trust::{LOCK_FILE, Store, StoreError, Trust, TrustMode},
};

use crate::output::clean;

/// The lock of a directory: its own, unless the configuration names another.
pub(crate) fn lock_path(directory: &Path, config: &Config) -> PathBuf {
    let named = config.trust.lock.clone();
    named.unwrap_or_else(|| directory.join(LOCK_FILE))
}

/// Makes ready to change a directory and its lock.
pub(crate) fn store(directory: &Path, config: &Config) -> Result<Store, StoreError> {
    match &config.trust.lock {
        Some(lock) => Store::open_with_lock(directory, lock),
        None => Store::open(directory),
    }
}

/// What vouches for the plugins of each place that is looked at, a line each.
pub(crate) fn modes(search: &SearchPath, config: &Config) -> Vec<String> {
    let mut trust = Trust::new(config);
    let mut told = BTreeSet::new();
    let mut lines = Vec::new();
    for (_, path) in search.paths().filter(|(_, path)| path.exists()) {
        let directory = directory(path);
        if told.insert(directory.clone()) {
            lines.push(mode(&mut trust, &directory, config));
        }
    }
    if lines.is_empty() {
        lines.push("there is no plugin to be trusted".to_owned());
    }
    lines
}

fn directory(path: &Path) -> PathBuf {
    match path.is_dir() {
        true => path.to_owned(),
        false => path.parent().unwrap_or(path).to_owned(),
    }
}

fn mode(trust: &mut Trust<'_>, directory: &Path, config: &Config) -> String {
    let (place, keys) = (directory.display(), config.trust.keys.len());
    match trust.mode(directory) {
        Ok((TrustMode::Locked, Some(lock))) => {
            format!("locked: {place} by {}", lock.path().display())
        }
        Ok((TrustMode::Locked, None)) => format!("locked: {place}, but there is no lock"),
        Ok((TrustMode::Signed, _)) => match keys {
            0 => format!("signed: {place}, but no key is listed"),
            1 => format!("signed: {place} by 1 listed key"),
            _ => format!("signed: {place} by {keys} listed keys"),
        },
        Ok((mode, Some(lock))) => {
            let lock = lock.path().display();
            format!("{mode}: nothing vouches for the files in {place}; {lock} is not asked")
        }
        Ok((mode, None)) => format!("{mode}: nothing vouches for the files in {place}"),
        Err(error) => format!("none: {error}"),
    }
}

/// Tells people on stderr, as stdout is for data.
pub(crate) fn tell(lines: &[String]) -> io::Result<()> {
    for line in lines {
        writeln!(io::stderr(), "plugin-host: trust: {}", clean(line))?;
    }
    Ok(())
}

/// Tells on stderr what is exported and not installed, a line for what a plugin is not granted.
pub(crate) fn tell_refused(report: &InstallReport) -> io::Result<()> {
    for plugin in &report.plugins {
        let (mut ungranted, mut reasons) = (Vec::new(), Vec::new());
        for refused in &plugin.refused {
            match &refused.reason {
                Refusal::NotGranted { capability, .. } => ungranted.push(capability.as_str()),
                reason => reasons.push(reason.to_string()),
            }
        }
        if !ungranted.is_empty() {
            reasons.push(format!("not granted: {}", ungranted.join(", ")));
        }
        for reason in reasons {
            let (name, reason) = (&plugin.plugin, clean(&reason));
            writeln!(
                io::stderr(),
                "plugin-host: not installed: plugin '{name}': {reason}"
            )?;
        }
    }
    Ok(())
}
