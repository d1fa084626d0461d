//! `plugin-host inspect`

use std::{io::Write, path::Path};

use datafusion_plugin_host::{
    artifact::Artifact,
    discover::{Outcome, SearchPath},
    judge::JudgeOptions,
};

use crate::{
    cli::InspectArgs,
    exit::{CliError, Exit},
    output,
    report::Report,
};

pub(crate) fn run(args: &InspectArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let reports: Vec<_> = args.paths.iter().flat_map(|path| reports(path)).collect();
    if args.json {
        output::json(out, &reports)?;
    } else {
        for (position, report) in reports.iter().enumerate() {
            if position > 0 {
                writeln!(out)?;
            }
            report.write(out, args.full)?;
        }
    }
    let worst = reports.iter().map(Report::exit).max();
    Ok(worst.unwrap_or(Exit::Unusable))
}

/// One report for a file; one for every library in a directory, be it for this platform or not.
fn reports(path: &Path) -> Vec<Report> {
    if !path.is_dir() {
        return vec![report(path)];
    }
    let found = SearchPath::new().with_dir(path).find();
    if let Some(attempt) = found.tried.first()
        && let Outcome::Failed(reason) = &attempt.outcome
    {
        return vec![Report::unreadable(
            path,
            format!("cannot be read: {reason}"),
        )];
    }
    let here = found.candidates.iter().map(|candidate| &candidate.path);
    let elsewhere = found.passed_over.iter().map(|passed| &passed.path);
    let mut files: Vec<_> = here.chain(elsewhere).collect();
    files.sort();
    if files.is_empty() {
        return vec![Report::unreadable(
            path,
            "a directory without libraries".to_owned(),
        )];
    }
    files.into_iter().map(|file| report(file)).collect()
}

fn report(file: &Path) -> Report {
    Report::of(file, Artifact::read(file), |_| JudgeOptions::default())
}
