//! `tpch-data FOLDER SCALE` writes the TPC-H tables as Parquet files: what `cargo demo` queries.

use std::env;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let parsed = match arguments.as_slice() {
        [folder, scale] => scale.parse().ok().map(|scale| (folder, scale)),
        _ => None,
    };
    let Some((folder, scale)) = parsed else {
        eprintln!("usage: tpch-data FOLDER SCALE");
        return ExitCode::from(2);
    };
    match plugin_tests::tpch::write_parquet(Path::new(folder), scale) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tpch-data: {folder}: {error}");
            ExitCode::FAILURE
        }
    }
}
