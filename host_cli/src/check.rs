//! `plugin-host check`

mod arguments;
mod calls;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use datafusion_plugin_host::{PluginHost, artifact::Artifact};
use serde::{Deserialize, Serialize};

use crate::{
    child,
    cli::CheckArgs,
    exit::{CliError, Exit},
    output::{self, clean},
};

/// What a check yields.
#[derive(Debug, Serialize)]
struct Report {
    path: PathBuf,
    plugin: String,
    version: String,
    /// Whether nothing is wrong.
    ok: bool,
    /// What is wrong.
    findings: Vec<String>,
    /// Every function and how its calls went.
    functions: Vec<Checked>,
}

/// What the child found.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Answer {
    findings: Vec<String>,
    functions: Vec<Checked>,
}

/// A function as called.
#[derive(Debug, Serialize, Deserialize)]
struct Checked {
    kind: String,
    name: String,
    /// None when no arguments were found that it accepts.
    calls: Vec<Call>,
}

/// Calls with arguments of the same types. An error is an answer like any other.
#[derive(Debug, Serialize, Deserialize)]
struct Call {
    /// The types of the arguments.
    arguments: Vec<String>,
    /// How the call without rows went: `ok`, or the error.
    empty: String,
    /// How the call with one row of nulls went.
    null: String,
    /// How the call with one row of values went.
    one_row: String,
}

pub(crate) fn run(args: &CheckArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let artifact = Artifact::read(&args.file)?;
    let manifest = artifact.manifest();
    let answer: Result<Answer, _> = child::ask("child-check", &args.file);
    let answer = answer.unwrap_or_else(|failure| Answer {
        findings: vec![failure.to_string()],
        functions: Vec::new(),
    });
    let report = Report {
        path: args.file.clone(),
        plugin: manifest.name.clone(),
        version: manifest.version.clone(),
        ok: answer.findings.is_empty(),
        findings: answer.findings,
        functions: answer.functions,
    };
    if args.json {
        output::json(out, &report)?;
    } else {
        report.write(out)?;
    }
    Ok(if report.ok {
        Exit::Success
    } else {
        Exit::Failure
    })
}

impl Report {
    /// Writes it for people.
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let path = self.path.display().to_string();
        let (version, path) = (clean(&self.version), clean(&path));
        writeln!(out, "{} {version}  ({path})", self.plugin)?;
        let (called, uncalled): (Vec<_>, Vec<_>) = self
            .functions
            .iter()
            .partition(|function| !function.calls.is_empty());
        let calls: usize = called.iter().map(|function| 3 * function.calls.len()).sum();
        writeln!(out, "  {} functions called, {calls} calls", called.len())?;
        if !uncalled.is_empty() {
            let names: Vec<_> = uncalled.iter().map(|f| clean(&f.name)).collect();
            let names = names.join(", ");
            writeln!(
                out,
                "  not called, as no arguments were found for them: {names}"
            )?;
        }
        for finding in &self.findings {
            writeln!(out, "  - {}", clean(finding))?;
        }
        writeln!(
            out,
            "  {}",
            if self.ok {
                "nothing found"
            } else {
                "something is wrong"
            }
        )
    }
}

/// In the child: loads the plugin, calls its functions and answers with what was found.
pub(crate) fn child(file: &Path, out: &mut dyn Write) -> Result<Exit, CliError> {
    child::step(out, "loading and activating")?;
    let answer = match PluginHost::builder().plugin_file(file).load() {
        Ok(host) => calls::call_all(&host, out)?,
        Err(error) => Answer {
            findings: vec![error.to_string()],
            functions: Vec::new(),
        },
    };
    child::answer(out, answer)?;
    Ok(Exit::Success)
}
