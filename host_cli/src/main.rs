//! `plugin-host`: inspects, packs, lists, checks, installs, signs and runs DataFusion plugins.

mod check;
mod child;
mod cli;
mod diff;
mod exit;
mod inspect;
mod install;
mod list;
mod output;
mod pack;
mod remove;
mod report;
mod sign;
mod sql;
mod trust;
mod verify;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

use crate::{
    cli::{Cli, Command, TrustCommand},
    exit::CliError,
    output::Output,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // A query may have no end, and a child works for its reader alone. Whatever else a command does is wanted all the
    // same, and so is its exit status.
    let stops = matches!(
        cli.command,
        Command::Sql(_) | Command::ChildDescribe(_) | Command::ChildCheck(_)
    );
    let mut out = Output::new(!stops);
    let result = match cli.command {
        Command::Inspect(args) => inspect::run(&args, &mut out),
        Command::List(args) => list::run(&args, &mut out),
        Command::Pack(args) => pack::run(&args),
        Command::Check(args) => check::run(&args, &mut out),
        Command::Sql(args) => sql::run(&args, &mut out),
        Command::Trust(command) => match command {
            TrustCommand::Install(args) => install::run(&args, &mut out),
            TrustCommand::Remove(args) => remove::run(&args, &mut out),
            TrustCommand::Verify(args) => verify::run(&args, &mut out),
            TrustCommand::Keygen(args) => sign::keygen(&args, &mut out),
            TrustCommand::Sign(args) => sign::run(&args, &mut out),
            TrustCommand::Diff(args) => diff::run(&args, &mut out),
        },
        Command::ChildDescribe(args) => pack::child(&args.file, &mut out),
        Command::ChildCheck(args) => check::child(&args, &mut out),
    };
    let result = result.and_then(|exit| {
        out.flush()?;
        Ok(exit)
    });
    match result {
        Ok(exit) => exit.into(),
        // Whoever read the output of a command that stops then has read enough.
        Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            let text = output::clean_lines(&error.to_string());
            // Without stderr there is nobody left to tell.
            let _ = writeln!(io::stderr(), "plugin-host: {text}");
            error.exit().into()
        }
    }
}
