//! The Python on the PATH.

use std::{process::Command, time::Duration};

use tempfile::TempDir;

/// Prints the seconds that parsing and walking takes, without reading and without starting Python.
const PARSE_AND_WALK: &str = "
import ast, pathlib, sys, time, warnings
warnings.simplefilter('ignore')
sources = [path.read_bytes() for path in pathlib.Path(sys.argv[1]).rglob('*.py')]
start = time.perf_counter()
for source in sources:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        continue
    for node in ast.walk(tree):
        pass
print(time.perf_counter() - start)
";

/// Copies the standard library without what has been installed beside it.
const COPY: &str = "
import shutil, sys, sysconfig
other = shutil.ignore_patterns('site-packages', '__pycache__')
shutil.copytree(sysconfig.get_path('stdlib'), sys.argv[1], ignore=other, dirs_exist_ok=True)
";

/// A folder with the standard library.
pub fn standard_library() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    python3(&["-c", COPY, folder.path().to_str().unwrap()]);
    folder
}

/// What Python's own `ast` takes for all files of a folder.
pub fn parse_and_walk(folder: &str) -> Duration {
    let seconds = python3(&["-c", PARSE_AND_WALK, folder]);
    Duration::from_secs_f64(seconds.parse().unwrap())
}

fn python3(arguments: &[&str]) -> String {
    let output = Command::new("python3").args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
