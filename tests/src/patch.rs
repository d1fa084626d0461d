//! Copies of a plugin library whose manifest says something else.

use std::{
    fs,
    path::{Path, PathBuf},
};

use datafusion_plugin_api::abi::manifest::{HEADER_LEN, MAGIC};

/// The records of a manifest, in order.
pub type Records = Vec<(String, String)>;

/// Copies `library` to `copy` with the manifest's records changed by `edit`. The description is cut or
/// filled up so that the manifest keeps its length, and with it its place in the file.
///
/// # Panics
/// If the library has no manifest, or the description is too short to make room.
pub fn patched(library: &Path, copy: PathBuf, edit: impl FnOnce(&mut Records)) -> PathBuf {
    let mut bytes = fs::read(library).expect("the library can be read");
    let start = bytes
        .windows(MAGIC.len())
        .position(|window| window == MAGIC)
        .expect("the library has a manifest");
    let header = &bytes[start..start + HEADER_LEN];
    let len = u32::from_le_bytes(header[12..16].try_into().expect("four bytes")) as usize;
    let body = start + HEADER_LEN..start + HEADER_LEN + len;
    let mut records = read(&bytes[body.clone()]);
    edit(&mut records);
    fit(&mut records, len);
    bytes[body].copy_from_slice(&write(&records));
    fs::write(&copy, bytes).expect("the copy can be written");
    copy
}

/// Sets the value of a record.
///
/// # Panics
/// If there is no such record.
pub fn set(records: &mut Records, key: &str, value: &str) {
    let record = records.iter_mut().find(|(found, _)| found == key);
    value.clone_into(&mut record.expect("the manifest has the record").1);
}

fn read(mut body: &[u8]) -> Records {
    let mut records = Vec::new();
    while let Some((lengths, rest)) = body.split_first_chunk::<6>() {
        let key_len = u16::from_le_bytes([lengths[0], lengths[1]]) as usize;
        let value_len = u32::from_le_bytes([lengths[2], lengths[3], lengths[4], lengths[5]]);
        let (key, rest) = rest.split_at(key_len);
        let (value, rest) = rest.split_at(value_len as usize);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("records are UTF-8");
        records.push((text(key), text(value)));
        body = rest;
    }
    records
}

fn write(records: &Records) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, value) in records {
        body.extend((key.len() as u16).to_le_bytes());
        body.extend((value.len() as u32).to_le_bytes());
        body.extend(key.as_bytes());
        body.extend(value.as_bytes());
    }
    body
}

fn fit(records: &mut Records, len: usize) {
    let now = write(records).len();
    let description = records.iter_mut().find(|(key, _)| key == "description");
    let description = &mut description.expect("a manifest has a description").1;
    if now > len {
        let room = description.len().checked_sub(now - len);
        description.truncate(room.expect("the description makes room"));
    } else {
        description.extend(std::iter::repeat_n('.', len - now));
    }
}
