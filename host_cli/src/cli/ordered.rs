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
        let files = in_order(matches, "plugin", Named::File);
        let dirs = in_order(matches, "plugin-dir", Named::Dir);
        Ok(Self(merged(files, dirs)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Where SQL comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// `-c`
    Text(String),
    /// `-f`
    File(PathBuf),
}

/// `-c` and `-f`, in the order given; at least one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Statements(pub(crate) Vec<Source>);

impl Args for Statements {
    fn augment_args(command: Command) -> Command {
        let text = Arg::new("command")
            .short('c')
            .long("command")
            .value_name("SQL")
            .help("Run these statements")
            .action(ArgAction::Append)
            .required_unless_present("script");
        let file = Arg::new("script")
            .short('f')
            .long("file")
            .value_name("FILE")
            .help("Run the statements of this file")
            .action(ArgAction::Append)
            .value_parser(value_parser!(PathBuf));
        command.arg(text).arg(file)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Statements {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let texts = in_order(matches, "command", Source::Text);
        let files = in_order(matches, "script", Source::File);
        Ok(Self(merged(texts, files)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The values of an option with their places on the command line.
fn in_order<V, T>(matches: &ArgMatches, option: &str, wrap: fn(V) -> T) -> Vec<(usize, T)>
where
    V: Clone + Send + Sync + 'static,
{
    let places = matches.indices_of(option).into_iter().flatten();
    let values = matches.get_many::<V>(option).into_iter().flatten();
    places.zip(values.cloned().map(wrap)).collect()
}

/// The values of two options by place.
fn merged<T>(mut one: Vec<(usize, T)>, other: Vec<(usize, T)>) -> Vec<T> {
    one.extend(other);
    one.sort_by_key(|(place, _)| *place);
    one.into_iter().map(|(_, value)| value).collect()
}
