//! What the environment says about where plugins are.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use super::Origin;

/// The environment variable that lists files and directories, as `PATH` lists directories.
pub const PATH_VARIABLE: &str = "DATAFUSION_PLUGIN_PATH";

/// The parts of the environment that a search depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The value of [`PATH_VARIABLE`].
    pub plugin_path: Option<OsString>,
    /// The user's directory of plugins.
    pub user: Option<PathBuf>,
    /// The system's directories of plugins.
    pub system: Vec<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    pub fn current() -> Self {
        let data_home = if cfg!(target_os = "macos") {
            env::home_dir().map(|home| home.join("Library/Application Support"))
        } else if cfg!(windows) {
            env::var_os("APPDATA").map(PathBuf::from)
        } else {
            data_home(env::var_os("XDG_DATA_HOME").as_deref(), env::home_dir())
        };
        let system: &[&str] = if cfg!(unix) {
            &["/usr/local/lib", "/usr/lib"]
        } else {
            &[]
        };
        let plugins = |base: &Path| base.join("datafusion").join("plugins");
        Self {
            plugin_path: env::var_os(PATH_VARIABLE),
            user: data_home.as_deref().map(plugins),
            system: system.iter().map(|base| plugins(Path::new(base))).collect(),
        }
    }

    pub(super) fn paths(&self) -> Vec<(Origin, PathBuf)> {
        let listed = self.plugin_path.as_deref().map(env::split_paths);
        let listed = listed.into_iter().flatten();
        let user = self.user.iter().cloned();
        let system = self.system.iter().cloned();
        // An empty part of the list is not the working directory.
        listed
            .filter(|path| !path.as_os_str().is_empty())
            .map(|path| (Origin::Environment, path))
            .chain(user.map(|path| (Origin::UserData, path)))
            .chain(system.map(|path| (Origin::System, path)))
            .collect()
    }
}

/// As the XDG base directory specification has it: a relative path counts as unset.
pub(super) fn data_home(variable: Option<&OsStr>, home: Option<PathBuf>) -> Option<PathBuf> {
    variable
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| home.map(|home| home.join(".local/share")))
}
