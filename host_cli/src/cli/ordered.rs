//! Options of two names whose common order counts.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

/// A path given by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// `--plugin`
    File(PathBuf),
    /// `--plugin-dir`
    Dir(PathBuf),
}

/// `--plugin` and `--plugin-dir`, in the order given.
#[derive(Debug, Clone, Default)]
pub(crate) struct NamedPaths(pub(crate) Vec<Named>);

impl Args for NamedPaths {
    fn augment_args(command: Command) -> Command {
        let path = |name, value, help| {
            Arg::new(name)
                .long(name)
                .value_name(value)
                .help(help)
                .action(ArgAction::Append)
                .value_parser(value_parser!(PathBuf))
        };
        command
            .arg(path("plugin", "FILE", "Take this plugin library"))
            .arg(path(
                "plugin-dir",
                "DIR",
                "Take the plugins of this directory",
            ))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for NamedPaths {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(in_order(
            matches,
            [
                ("plugin", Named::File as fn(PathBuf) -> Named),
                ("plugin-dir", Named::Dir),
            ],
        )))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The values of two options in the order of the command line.
pub(super) fn in_order<V, T>(matches: &ArgMatches, options: [(&str, fn(V) -> T); 2]) -> Vec<T>
where
    V: Clone + Send + Sync + 'static,
{
    let mut values: Vec<(usize, T)> = Vec::new();
    for (name, wrap) in options {
        let positions = matches.indices_of(name).into_iter().flatten();
        let found = matches.get_many::<V>(name).into_iter().flatten();
        values.extend(positions.zip(found.cloned().map(wrap)));
    }
    values.sort_by_key(|(position, _)| *position);
    values.into_iter().map(|(_, value)| value).collect()
}
