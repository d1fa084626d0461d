//! `plugin-host remove`

use std::io::Write;

use crate::{
    cli::{self, RemoveArgs},
    exit::{CliError, Exit},
    output::clean,
    trust,
};

pub(crate) fn run(args: &RemoveArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let directory = cli::directory(args.from.as_ref())?;
    if !directory.is_dir() {
        let directory = directory.display();
        return Err(CliError::Refused(format!("{directory}: no such directory")));
    }
    let store = trust::store(&directory, &args.config()?)?;
    let name = &args.name;
    match store.remove(name, &mut |_| {})? {
        Some(entry) => {
            let (version, file) = (clean(&entry.version), clean(&entry.file));
            writeln!(out, "removed {name} {version}  ({file})")?;
            writeln!(out, "{}", crate::install::RUNNING)?;
            Ok(Exit::Success)
        }
        None => Err(CliError::Refused(format!(
            "plugin '{name}' is not in {}",
            store.lock()?.path().display()
        ))),
    }
}
