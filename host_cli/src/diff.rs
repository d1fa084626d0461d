//! `plugin-host diff`

use std::{
    io::{self, Write},
    path::Path,
};

use datafusion_plugin_host::artifact::{
    Artifact,
    description::{Description, Difference},
};
use serde::Serialize;

use crate::{
    cli::DiffArgs,
    exit::{CliError, Exit},
    output::{self, clean},
};

#[derive(Serialize)]
struct Report {
    /// Whether something is gone that a query could have relied on.
    breaks: bool,
    #[serde(flatten)]
    difference: Difference,
}

pub(crate) fn run(args: &DiffArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let (old, new) = (Artifact::read(&args.old)?, Artifact::read(&args.new)?);
    let difference = Difference::of(
        (old.manifest(), description(&old, &args.old)?),
        (new.manifest(), description(&new, &args.new)?),
    );
    let report = Report {
        breaks: difference.breaks(),
        difference,
    };
    if args.json {
        output::json(out, &report)?;
    } else {
        report.write(out)?;
    }
    Ok(match report.breaks {
        true => Exit::Failure,
        false => Exit::Success,
    })
}

fn description<'a>(artifact: &'a Artifact, path: &Path) -> Result<&'a Description, CliError> {
    artifact.description().ok_or_else(|| CliError::Unpacked {
        path: path.to_owned(),
    })
}

impl Report {
    /// Writes it for people: `+` for what came in, `-` for what is gone, `~` for what changed.
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let difference = &self.difference;
        if let Some((old, new)) = &difference.plugin {
            writeln!(out, "{} to {}", clean(old), clean(new))?;
        }
        if let Some((old, new)) = &difference.renamed {
            let (old, new) = (clean(old), clean(new));
            writeln!(out, "- names as {old}.NAME: the plugin is {new} now")?;
        }
        for (mark, kind, names) in [
            ('+', "capability ", &difference.capabilities_added),
            ('-', "capability ", &difference.capabilities_removed),
            ('+', "", &difference.added),
            ('-', "", &difference.removed),
        ] {
            for name in names {
                writeln!(out, "{mark} {kind}{}", clean(name))?;
            }
        }
        for item in &difference.changed {
            writeln!(out, "~ {}", clean(&item.item))?;
            for gone in &item.gone {
                writeln!(out, "    - {}", clean(gone))?;
            }
            for change in &item.changes {
                writeln!(out, "    + {}", clean(change))?;
            }
        }
        let verdict = match self.breaks {
            true => "something that a query could rely on is gone",
            false => "nothing that a query could rely on is gone",
        };
        writeln!(out, "{verdict}")
    }
}
