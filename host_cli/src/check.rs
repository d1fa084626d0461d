//! `plugin-host check`

mod arguments;
mod calls;

use std::{
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use datafusion_plugin_host::{
    PluginHost, artifact::Artifact, config::Config, discover::SearchPath,
};
use serde::{Deserialize, Serialize};

use crate::{
    child,
    cli::{CheckArgs, ChildCheckArgs, absolute},
    exit::{CliError, Exit},
    output::{self, clean},
    trust,
};

/// So many crashes are seen through; after one more the check ends.
const MAX_CRASHES: usize = 20;

/// What a check yields.
#[derive(Debug, Serialize)]
struct Report {
    path: PathBuf,
    plugin: String,
    version: String,
    /// What vouches for the file.
    trust: Vec<String>,
    /// Whether nothing is wrong.
    ok: bool,
    /// What is wrong.
    findings: Vec<String>,
    /// Every function and how its calls went.
    functions: Vec<Checked>,
    /// Every table, those of catalogs among them, and how reading it went.
    tables: Vec<Checked>,
}

/// A part of what the child finds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    /// The next calls are of this function.
    Function { kind: String, name: String },
    /// The table that is read next. Tables come behind all functions.
    Table { kind: String, name: String },
    /// Calls of that function, or readings of that table.
    Call(Call),
    /// Something is wrong.
    Finding(String),
}

/// A function as called.
#[derive(Debug, Serialize)]
struct Checked {
    kind: String,
    name: String,
    /// None when no arguments were found that it accepts.
    calls: Vec<Call>,
}

/// Calls with arguments of the same types. An error is an answer like any other.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Call {
    /// The types of the arguments.
    arguments: Vec<String>,
    /// How the call without rows went: `ok`, or the error. For a table function, without arguments; for
    /// a table, reading no row.
    #[serde(skip_serializing_if = "Option::is_none")]
    empty: Option<String>,
    /// How the call with one row of nulls went; for a table function, with nulls as arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    null: Option<String>,
    /// How the call with one row of values went; for a table function, with values; for a table,
    /// reading one row.
    #[serde(skip_serializing_if = "Option::is_none")]
    one_row: Option<String>,
}

impl Call {
    /// How many times the function was called.
    fn count(&self) -> usize {
        let calls = [&self.empty, &self.null, &self.one_row];
        calls.into_iter().flatten().count()
    }
}

pub(crate) fn run(args: &CheckArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let artifact = Artifact::read(&args.file)?;
    let manifest = artifact.manifest();
    let mut report = Report {
        path: args.file.clone(),
        plugin: manifest.name.clone(),
        version: manifest.version.clone(),
        trust: trust::modes(
            &SearchPath::new().with_file(absolute(&args.file)),
            &Config::default(),
        ),
        ok: false,
        findings: Vec::new(),
        functions: Vec::new(),
        tables: Vec::new(),
    };
    report.ask_children(args.time_limit.duration());
    report.ok = report.findings.is_empty();
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
    /// Has the functions called and the tables read; a child that crashes is followed by one that goes
    /// on behind what was its last.
    fn ask_children(&mut self, limit: Duration) {
        for _ in 0..=MAX_CRASHES {
            let begun = self.begun();
            let arguments = ["--skip".to_owned(), begun.to_string()];
            let told = child::ask("child-check", &self.path, &arguments, limit);
            told.answers.into_iter().for_each(|part| self.add(part));
            match told.end {
                Ok(()) => return,
                Err(failure) => self.findings.push(failure.to_string()),
            }
            if self.begun() == begun {
                return;
            }
        }
        let more = format!("crashed more than {MAX_CRASHES} times; not everything was called");
        self.findings.push(more);
    }

    fn begun(&self) -> usize {
        self.functions.len() + self.tables.len()
    }

    fn add(&mut self, part: Part) {
        let checked = |kind, name| Checked {
            kind,
            name,
            calls: Vec::new(),
        };
        match part {
            Part::Function { kind, name } => self.functions.push(checked(kind, name)),
            Part::Table { kind, name } => self.tables.push(checked(kind, name)),
            Part::Call(call) => {
                let last = self.tables.last_mut().or(self.functions.last_mut());
                if let Some(last) = last {
                    last.calls.push(call);
                }
            }
            // A later child loads the plugin again, and may find the same again.
            Part::Finding(finding) if self.findings.contains(&finding) => {}
            Part::Finding(finding) => self.findings.push(finding),
        }
    }

    /// Writes it for people.
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let path = self.path.display().to_string();
        let (version, path) = (clean(&self.version), clean(&path));
        writeln!(out, "{} {version}  ({path})", self.plugin)?;
        for line in &self.trust {
            writeln!(out, "  trust: {}", clean(line))?;
        }
        let (called, uncalled): (Vec<_>, Vec<_>) = self
            .functions
            .iter()
            .partition(|function| !function.calls.is_empty());
        let calls: usize = called.iter().flat_map(|f| &f.calls).map(Call::count).sum();
        writeln!(out, "  {} functions called, {calls} calls", called.len())?;
        match self.tables.len() {
            0 => {}
            1 => writeln!(out, "  1 table read")?,
            tables => writeln!(out, "  {tables} tables read")?,
        }
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

/// In the child: loads the plugin, calls its functions, reads its tables and answers with what was found.
pub(crate) fn child(args: &ChildCheckArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    child::begin()?;
    child::step(out, "loading and activating")?;
    // Everything is to be called and read, granted or not.
    let host = PluginHost::builder().grant_every_capability();
    match host.plugin_file(absolute(&args.file)).load() {
        Ok(host) => calls::call_all(&host, args.skip, out)?,
        Err(error) => child::answer(out, Part::Finding(error.to_string()))?,
    }
    child::step(out, "ending")?;
    child::done(out)?;
    Ok(Exit::Success)
}
