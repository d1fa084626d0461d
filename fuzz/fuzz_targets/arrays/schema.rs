//! Schemas, which may lie.
//!
//! Lists and texts are as long as they claim, unless the claim is one that no schema has: what a check cannot see is no lie here.

use std::{ffi::c_char, ptr};

use crate::{
    abi::ArrowSchema,
    bytes::Bytes,
    memory::{self, Memory, Schema, release_child},
};

/// Levels of types inside of types, but for chains of lists.
const DEPTH: usize = 4;

const PLAIN: &[&str] = &[
    "l",
    "u",
    "b",
    "i",
    "c",
    "C",
    "s",
    "S",
    "I",
    "L",
    "e",
    "f",
    "g",
    "n",
    "U",
    "z",
    "Z",
    "vu",
    "vz",
    "tdD",
    "tdm",
    "tts",
    "ttm",
    "ttu",
    "ttn",
    "tDs",
    "tDm",
    "tDu",
    "tDn",
    "tiM",
    "tiD",
    "tin",
    "w:1",
    "w:3",
    "w:65",
    "d:10,2",
    "d:38,-3",
    "d:5,1,32",
    "d:18,3,64",
    "d:76,10,256",
    "tss:",
    "tsm:+01:00",
    "tsu:Europe/Berlin",
    "tsn:",
];
const KEYS: &[&str] = &["i", "c", "C", "s", "S", "I", "l", "L"];
const RUN_ENDS: &[&str] = &["i", "s", "l"];

/// Formats of types that are none, or of other children than there are.
const WRONG: &[&str] = &[
    "",
    "+",
    "?",
    ":",
    "w:",
    "w:0",
    "w:-3",
    "w:2147483647",
    "w:99999999999",
    "+w:0",
    "+w:-1",
    "+w:-2147483648",
    "+w:2147483647",
    "d:0,0",
    "d:200,5",
    "d:39,0",
    "d:9,127,256",
    "d:10,2,7",
    "d:",
    "ts",
    "tsx:",
    "tsn:\u{e9}",
    "+ud:",
    "+us:0,0",
    "+us:-1",
    "+ud:0,127",
    "+ud:128",
    "+s",
    "+l",
    "+L",
    "+vl",
    "+vL",
    "+m",
    "+r",
    "+ud:0",
    "+us:0,1",
    "n",
    "u",
    "i",
];

const DICTIONARY_ORDERED: i64 = 1;
const NULLABLE: i64 = 2;
const KEYS_SORTED: i64 = 4;

pub fn hand_over(bytes: &mut Bytes<'_>) -> ArrowSchema {
    let mut builder = Builder {
        bytes,
        memory: Memory::default(),
    };
    let columns = (0..=builder.bytes.below(3))
        .map(|_| builder.column())
        .collect();
    let root = builder.structure("+s", columns, None);
    let forgetful = builder.bytes.lie();
    memory::hand_over(builder.memory, root, forgetful)
}

struct Builder<'a, 'b> {
    bytes: &'a mut Bytes<'b>,
    memory: Memory,
}

impl Builder<'_, '_> {
    fn column(&mut self) -> *mut Schema {
        let mut column = self.any(DEPTH);
        if self.bytes.lie() {
            for _ in 0..self.bytes.below(70) {
                column = self.structure("+l", vec![column], None);
            }
        }
        column
    }

    fn any(&mut self, depth: usize) -> *mut Schema {
        let kind = self.bytes.byte();
        if kind < 128 || depth == 0 {
            let format = PLAIN[usize::from(kind) % PLAIN.len()];
            return self.structure(format, Vec::new(), None);
        }
        let depth = depth - 1;
        match kind % 10 {
            0 => {
                let children = (0..self.bytes.below(4)).map(|_| self.any(depth)).collect();
                self.structure("+s", children, None)
            }
            list @ 1..=4 => {
                let child = self.any(depth);
                let format = ["+l", "+L", "+vl", "+vL"][usize::from(list) - 1];
                self.structure(format, vec![child], None)
            }
            5 => {
                let format = self.bytes.one_of(&["+w:2", "+w:1", "+w:3"]);
                let child = self.any(depth);
                self.structure(format, vec![child], None)
            }
            6 => {
                let key = self.any(depth);
                self.promise_no_nulls(key);
                let value = self.any(depth);
                let entries = self.structure("+s", vec![key, value], None);
                self.promise_no_nulls(entries);
                self.structure("+m", vec![entries], None)
            }
            7 => {
                let format = self.bytes.one_of(RUN_ENDS);
                let run_ends = self.structure(format, Vec::new(), None);
                self.promise_no_nulls(run_ends);
                let values = self.any(depth);
                self.structure("+r", vec![run_ends, values], None)
            }
            8 => {
                let dense = self.bytes.below(2) == 1;
                let children: Vec<_> = (0..=self.bytes.below(3)).map(|_| self.any(depth)).collect();
                let ids = ["0", "7,5", "0,1,127"][children.len() - 1];
                let format = format!("{}:{ids}", if dense { "+ud" } else { "+us" });
                self.structure(&format, children, None)
            }
            _ => {
                let format = self.bytes.one_of(KEYS);
                let values = self.any(depth);
                self.structure(format, Vec::new(), Some(values))
            }
        }
    }

    fn promise_no_nulls(&mut self, field: *mut Schema) {
        if !self.bytes.lie() {
            // SAFETY: made just now, in the memory.
            unsafe { (*field).flags &= !NULLABLE }
        }
    }

    fn structure(
        &mut self,
        format: &str,
        mut children: Vec<*mut Schema>,
        dictionary: Option<*mut Schema>,
    ) -> *mut Schema {
        let about = self.bytes.byte();
        let format = self.memory.text(format.as_bytes());
        let name = match about & 3 {
            0 => ptr::null(),
            name => self
                .memory
                .text(["a", "", "\u{e9}"][usize::from(name) - 1].as_bytes()),
        };
        let metadata = match about & 12 {
            12 => self.metadata(),
            _ => ptr::null(),
        };
        let mut flags =
            i64::from(about >> 6 & 1) * DICTIONARY_ORDERED + i64::from(about >> 7) * KEYS_SORTED;
        if about & 48 != 48 {
            flags |= NULLABLE;
        }
        let schema = self.memory.structure(Schema {
            format,
            name,
            metadata,
            flags,
            n_children: children.len() as i64,
            children: ptr::null_mut(),
            dictionary: dictionary.unwrap_or(ptr::null_mut()),
            release: Some(release_child),
            private_data: ptr::null_mut(),
        });
        // SAFETY: made just now, in the memory.
        self.lie_about(unsafe { &mut *schema }, &mut children);
        schema
    }

    fn lie_about(&mut self, schema: &mut Schema, children: &mut Vec<*mut Schema>) {
        let itself = ptr::from_mut(schema);
        let mut shift = 0;
        if self.bytes.lie() {
            match self.bytes.below(12) {
                0 => schema.format = ptr::null(),
                1 => schema.format = self.memory.text(self.bytes.one_of(WRONG).as_bytes()),
                2 => {
                    let len = self.bytes.below(12);
                    schema.format = self.memory.text(&self.bytes.take(len));
                }
                3 => schema.name = self.memory.text(&[self.bytes.byte(), 0xff]),
                4 => schema.metadata = self.metadata(),
                5 => {
                    schema.flags =
                        i64::from_ne_bytes(self.bytes.take(8).try_into().unwrap_or_default())
                }
                6 => {
                    schema.n_children = self.bytes.one_of(&[-1, i64::MIN, i64::MAX, (1 << 20) + 1])
                }
                7 => {
                    // Fields that are there twice, or not at all.
                    let more = children.first().copied().unwrap_or(ptr::null_mut());
                    children.resize(self.bytes.below(4), more);
                    schema.n_children = children.len() as i64;
                }
                8 => {
                    let other =
                        self.bytes
                            .one_of(&[ptr::null_mut(), itself, itself.wrapping_byte_add(1)]);
                    let index = self.bytes.below(4);
                    if let Some(child) = children.get_mut(index) {
                        *child = other;
                    }
                }
                9 => {
                    let other = [ptr::null_mut(), itself, itself.wrapping_byte_add(1)];
                    schema.dictionary = self.bytes.one_of(&other);
                }
                10 => shift = 1,
                _ => schema.release = None,
            }
        }
        if !children.is_empty() {
            schema.children = self.memory.list(children, shift);
        }
        if shift == 0 && self.bytes.lie() && schema.n_children <= 4 {
            schema.children = ptr::null_mut();
        }
    }

    /// Metadata: a text for a key, which lie where lies are. They have the bytes that they claim.
    fn metadata(&mut self) -> *const c_char {
        let mut written = Vec::new();
        let entries = match self.bytes.lie() {
            true => self
                .bytes
                .one_of(&[-1, i32::MIN, i32::MAX, (1 << 16) + 1, 0]),
            false => self.bytes.below(3) as i32,
        };
        written.extend(entries.to_ne_bytes());
        if !(0..=2).contains(&entries) {
            return self.memory.bytes(&written, 0).cast();
        }
        for _ in 0..2 * entries {
            let text = self.bytes.below(4);
            if self.bytes.lie() {
                let len = self.bytes.one_of(&[-1, i32::MIN, i32::MAX, (1 << 26) + 1]);
                written.extend(len.to_ne_bytes());
                break;
            }
            written.extend((text as i32).to_ne_bytes());
            let high = self.bytes.lies;
            let text = self.bytes.take(text).into_iter();
            written.extend(text.map(|byte| if high { byte } else { byte & 0x7f }));
        }
        self.memory.bytes(&written, 0).cast()
    }
}
