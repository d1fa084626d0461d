//! The Python on the PATH.

use std::{process::Command, time::Duration};

/// Prints the seconds that parsing and walking takes, without reading and without starting Python.
const PARSE_AND_WALK: &str = "
import ast, pathlib, sys, time, warnings
warnings.simplefilter('ignore')
paths = [path for path in pathlib.Path(sys.argv[1]).rglob('*.py') if 'site-packages' not in path.parts]
sources = [path.read_bytes() for path in paths]
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

/// The folder of the standard library.
pub fn standard_library() -> String {
    python3(&[
        "-c",
        "import sysconfig; print(sysconfig.get_path('stdlib'))",
    ])
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
