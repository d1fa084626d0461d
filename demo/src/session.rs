//! Runs commands the way a shell session shows them.

use std::env;
use std::ffi::OsString;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where commands come from and where they run.
pub struct Session {
    built: PathBuf,
    folder: PathBuf,
}

impl Session {
    /// Commands are the executables in `built` and run in `folder`.
    pub fn new(built: &Path, folder: &Path) -> Self {
        Self {
            built: built.to_owned(),
            folder: folder.to_owned(),
        }
    }

    /// Prints a line between commands.
    pub fn say(&self, text: &str) {
        println!("\n# {text}");
    }

    /// Runs `cargo` in the workspace, with the Cargo that runs the demo.
    pub fn cargo(&self, arguments: &[&str]) -> Result<(), String> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // Not what the compiler was told: checkouts may share a target directory.
        let workspace = env::var_os("CARGO_MANIFEST_DIR").ok_or("the demo is run by Cargo")?;
        shown(cargo, "cargo", arguments, Path::new(&workspace))
    }

    /// Runs an executable of the workspace.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let file = format!("{program}{}", env::consts::EXE_SUFFIX);
        let file = self.built.join(file).into_os_string();
        shown(file, program, arguments, &self.folder)
    }
}

/// Shows the command, runs it to its end and says what went wrong if anything did.
fn shown(program: OsString, name: &str, arguments: &[&str], folder: &Path) -> Result<(), String> {
    let words = arguments.iter().map(|argument| quoted(argument));
    let line = words.fold(name.to_owned(), |line, word| line + " " + &word);
    println!("$ {line}");
    stdout().flush().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null());
    // What Cargo says of the demo's own package. Build scripts that look at it would run again, and
    // with them all that depends on their crates be compiled again.
    for (key, _) in env::vars_os() {
        let of_this_package =
            |key: &str| key.starts_with("CARGO_PKG_") || key.starts_with("CARGO_MANIFEST_");
        if key.to_str().is_some_and(of_this_package) {
            command.env_remove(key);
        }
    }
    let status = command
        .status()
        .map_err(|error| format!("`{line}` does not start: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{line}` failed: {status}"))
    }
}

/// The argument as a shell would need it.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("\"{argument}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn only_what_needs_quotes_gets_them() {
        assert_eq!(quoted("--plugin-dir"), "--plugin-dir");
        assert_eq!(quoted("SELECT 'a'"), "\"SELECT 'a'\"");
        assert_eq!(quoted(""), "\"\"");
    }
}
