//! Changes of bytes and of JSON, by a generator of numbers that are the same in every run.

use serde_json::Value;

pub(super) struct Mutation(u64);

/// Numbers that lengths and positions must not be believed to be.
const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    3,
    7,
    127,
    255,
    65_536,
    1 << 31,
    1 << 40,
    u64::MAX / 2,
    u64::MAX,
];

impl Mutation {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64, whose constants are Vigna's.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// Flips, cuts, doubles, moves or lengthens some of the bytes.
    pub(super) fn bytes(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            if bytes.is_empty() {
                bytes.push(self.next() as u8);
            }
            let (at, other) = (self.below(bytes.len()), self.below(bytes.len()));
            match self.below(6) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes.truncate(at),
                2 => {
                    let part = bytes[at.min(other)..at.max(other)].to_vec();
                    bytes.splice(at..at, part);
                }
                3 => bytes[at] = self.next() as u8,
                // The lengths of protobuf have a byte for seven bits.
                4 => drop(bytes.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0x7f])),
                _ => drop(bytes.drain(at.min(other)..at.max(other))),
            }
        }
    }

    /// Changes a value somewhere, or the text itself.
    pub(super) fn json(&mut self, json: &[u8]) -> Vec<u8> {
        if self.below(20) == 0 {
            let mut bytes = json.to_vec();
            self.bytes(&mut bytes);
            return bytes;
        }
        let mut value: Value = serde_json::from_slice(json).unwrap();
        for _ in 0..=self.below(2) {
            let count = count(&value);
            let mut at = self.below(count);
            self.change(&mut value, &mut at);
        }
        serde_json::to_vec(&value).unwrap()
    }

    /// Changes the value that is the `at`th.
    fn change(&mut self, value: &mut Value, at: &mut usize) -> bool {
        if *at == 0 {
            self.replace(value);
            return true;
        }
        *at -= 1;
        match value {
            Value::Array(values) => values.iter_mut().any(|value| self.change(value, at)),
            Value::Object(fields) => fields.values_mut().any(|value| self.change(value, at)),
            _ => false,
        }
    }

    fn replace(&mut self, value: &mut Value) {
        match value {
            Value::Number(_) => *value = NUMBERS[self.below(NUMBERS.len())].into(),
            Value::String(text) => match self.below(3) {
                0 => text.clear(),
                1 => *text = self.below(9).to_string(),
                _ => text.push_str("\u{0}\u{202e}"),
            },
            Value::Bool(flag) => *flag = !*flag,
            Value::Array(values) if !values.is_empty() => {
                let at = self.below(values.len());
                match self.below(4) {
                    0 => drop(values.remove(at)),
                    1 => values.push(values[at].clone()),
                    2 => values.reverse(),
                    _ => values.clear(),
                }
            }
            Value::Array(values) => values.push(0.into()),
            Value::Object(fields) => {
                let key = fields.keys().nth(self.below(fields.len())).cloned();
                if let Some(key) = key {
                    fields.remove(&key);
                }
            }
            Value::Null => *value = NUMBERS[self.below(NUMBERS.len())].into(),
        }
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}
