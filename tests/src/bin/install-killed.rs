//! Changes a directory of plugins, and is killed in the middle: `install-killed DIR [--lock FILE] (install FILE NAME
//! VERSION | remove NAME) [STEPS]`. Killed behind so many steps; not at all without a number.

use std::{env, path::Path, process::Command, thread, time::Duration};

use datafusion_plugin_host::trust::{LockEntry, Signature, Snapshot, Store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<_> = env::args().skip(1).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let (directory, rest) = args.split_first().ok_or("expected a directory")?;
    let directory = Path::new(directory);
    let (store, rest) = match rest {
        ["--lock", lock, rest @ ..] => (Store::open_with_lock(directory, Path::new(lock))?, rest),
        rest => (Store::open(directory)?, rest),
    };
    match rest {
        ["install", file, name, version, steps @ ..] => {
            let snapshot = Snapshot::of(Path::new(file))?;
            let mut entry = LockEntry::new(*name, *version);
            let signature = Signature::beside(Path::new(file))?;
            entry.signature = signature.map(|signature| signature.text().to_owned());
            store.install(&snapshot, entry, &mut killing(steps)?)?;
        }
        ["remove", name, steps @ ..] => {
            store.remove(name, &mut killing(steps)?)?;
        }
        _ => return Err("expected what to do".into()),
    }
    Ok(())
}

/// Ends the process as `kill -9` does, when as many steps are done.
fn killing<S>(steps: &[&str]) -> Result<impl FnMut(S) + use<S>, std::num::ParseIntError> {
    let last: Option<usize> = steps.first().map(|steps| steps.parse()).transpose()?;
    let mut done = 0;
    Ok(move |_| {
        done += 1;
        if Some(done) == last {
            let id = std::process::id().to_string();
            let _ = Command::new("kill").args(["-9", &id]).status();
            thread::sleep(Duration::from_secs(60));
        }
    })
}
