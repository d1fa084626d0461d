//! `plugin-host keygen` and `plugin-host sign`

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

use datafusion_plugin_host::{artifact::Artifact, trust::signature_path};
use minisign::{KeyPair, SecretKey, SecretKeyBox};
use tempfile::NamedTempFile;

use crate::{
    cli::{KeygenArgs, SignArgs},
    exit::{CliError, Exit},
    output::clean,
};

pub(crate) fn keygen(args: &KeygenArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let (secret, public) = (&args.secret_key, &args.public_key);
    for path in [secret, public] {
        if fs::symlink_metadata(path).is_ok() {
            return Err(failed(path, "exists, and is not replaced"));
        }
    }
    let pair = match args.no_password {
        true => KeyPair::generate_unencrypted_keypair(),
        false => KeyPair::generate_encrypted_keypair(None),
    };
    let KeyPair { pk, sk } = pair.map_err(|error| failed(secret, error))?;
    let secret_text = sk.to_box(None).map_err(|error| failed(secret, error))?;
    let public_text = pk.to_box().map_err(|error| failed(public, error))?;
    write_new(secret, &secret_text.into_string(), 0o600)?;
    write_new(public, &public_text.into_string(), 0o644)?;
    writeln!(out, "{}", pk.to_base64())?;
    Ok(Exit::Success)
}

pub(crate) fn run(args: &SignArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let artifact = Artifact::read(&args.file)?;
    let manifest = artifact.manifest();
    let key = secret_key(&args.secret_key)?;
    let file = fs::File::open(&args.file).map_err(|error| failed(&args.file, error))?;
    let comment = format!(
        "plugin:{}\tversion:{}",
        manifest.name,
        clean(&manifest.version)
    );
    let signature = minisign::sign(None, &key, file, Some(&comment), None)
        .map_err(|error| failed(&args.file, error))?;
    let path = signature_path(&args.file);
    replace(&path, &signature.into_string()).map_err(|error| failed(&path, error))?;
    writeln!(out, "{}", clean(&path.display().to_string()))?;
    Ok(Exit::Success)
}

/// Asks for the password of a key that has one.
fn secret_key(path: &Path) -> Result<SecretKey, CliError> {
    let text = fs::read_to_string(path).map_err(|error| failed(path, error))?;
    let plain =
        SecretKeyBox::from_string(&text).and_then(SecretKeyBox::into_unencrypted_secret_key);
    plain
        .or_else(|_| SecretKeyBox::from_string(&text)?.into_secret_key(None))
        .map_err(|error| failed(path, error))
}

fn failed(path: &Path, problem: impl ToString) -> CliError {
    CliError::Key {
        path: path.to_owned(),
        problem: problem.to_string(),
    }
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), CliError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let _ = mode;
    let mut file = options.open(path).map_err(|error| failed(path, error))?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    written.map_err(|error| failed(path, error))
}

/// In one step: whoever opens it sees the old or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut new = NamedTempFile::new_in(directory)?;
    new.write_all(text.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        new.as_file()
            .set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    Ok(())
}
