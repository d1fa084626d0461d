//! Arrays of a type, which may lie.
//!
//! The check cannot see how long buffers and lists are. So they are as long as the numbers make them, unless
//! those are numbers that no array has.

use std::{ffi::c_void, ptr};

use arrow::datatypes::{DataType, UnionFields, UnionMode};

use crate::{
    abi::ArrowArray,
    bytes::Bytes,
    memory::{self, Array, Memory, release_child},
};

/// Bytes of a buffer, and rows of a child, past which there are none.
const LONG: usize = 1 << 20;
/// The first number of rows that is refused as such.
const TOO_MANY: i64 = i64::MAX / 64 + 1;

/// An array, and whether the check must see a lie in it.
pub fn hand_over(bytes: Bytes<'_>, data_type: &DataType) -> (ArrowArray, bool) {
    let mut builder = Builder {
        bytes,
        memory: Memory::default(),
        refused: false,
    };
    let root = builder.array(data_type, Rows::Any, true);
    let forgetful = builder.bytes.lie();
    (
        memory::hand_over(builder.memory, root, forgetful),
        builder.refused,
    )
}

/// How many rows an array must have.
#[derive(Clone, Copy)]
enum Rows {
    Any,
    /// Fewer are refused.
    AtLeast(usize),
    /// Others are refused where values say so.
    Exactly(usize),
}

struct Buffer {
    bytes: Vec<u8>,
    align: usize,
    /// There although it has no bytes, or missing although it has.
    missing: bool,
}

/// An array before it is laid out.
struct Parts {
    offset: usize,
    length: usize,
    null_count: i64,
    /// The null mask is not among them.
    buffers: Vec<Buffer>,
    /// `Some` where the type has a place for a mask.
    mask: Option<Option<Vec<u8>>>,
    children: Vec<*mut Array>,
    dictionary: Option<*mut Array>,
    /// Any number of rows more is refused, for want of rows of children or because of the bytes.
    bounded: bool,
    /// It is refused as its own first child.
    flat_child: bool,
}

struct Builder<'a> {
    bytes: Bytes<'a>,
    memory: Memory,
    refused: bool,
}

impl Builder<'_> {
    fn array(&mut self, data_type: &DataType, rows: Rows, nulls: bool) -> *mut Array {
        let mut parts = self.rows(rows);
        let end = parts.offset + parts.length;
        match data_type {
            DataType::Null => parts.null_count = self.bytes.one_of(&[parts.length as i64, 0, -1]),
            DataType::Boolean => {
                self.mask(&mut parts, nulls);
                let values = self.bytes.take(end.div_ceil(8));
                parts.buffers.push(buffer(values, 1));
            }
            DataType::FixedSizeBinary(width) => {
                self.mask(&mut parts, nulls);
                let width = *width as usize;
                parts.bounded = width > 64;
                self.fixed(&mut parts, end, width, 1);
            }
            DataType::Utf8 => self.texts(&mut parts, nulls, 4, true),
            DataType::Binary => self.texts(&mut parts, nulls, 4, false),
            DataType::LargeUtf8 => self.texts(&mut parts, nulls, 8, true),
            DataType::LargeBinary => self.texts(&mut parts, nulls, 8, false),
            DataType::Utf8View => self.views(&mut parts, nulls, true),
            DataType::BinaryView => self.views(&mut parts, nulls, false),
            DataType::List(child) | DataType::Map(child, _) => {
                self.list(&mut parts, nulls, 4, child.data_type(), child.is_nullable());
            }
            DataType::LargeList(child) => {
                self.list(&mut parts, nulls, 8, child.data_type(), child.is_nullable());
            }
            DataType::ListView(child) => {
                self.list_view(&mut parts, nulls, 4, child.data_type(), child.is_nullable());
            }
            DataType::LargeListView(child) => {
                self.list_view(&mut parts, nulls, 8, child.data_type(), child.is_nullable());
            }
            DataType::FixedSizeList(child, size) => {
                self.mask(&mut parts, nulls);
                parts.bounded = true;
                let rows = Rows::AtLeast(end.saturating_mul(*size as usize));
                parts
                    .children
                    .push(self.array(child.data_type(), rows, child.is_nullable()));
            }
            DataType::Struct(fields) => {
                self.mask(&mut parts, nulls);
                parts.bounded = !fields.is_empty();
                parts.flat_child = fields
                    .first()
                    .is_some_and(|field| field.data_type().is_primitive());
                for field in fields {
                    let rows = Rows::AtLeast(end);
                    parts
                        .children
                        .push(self.array(field.data_type(), rows, field.is_nullable()));
                }
            }
            DataType::Union(fields, UnionMode::Sparse) => {
                parts.bounded = !fields.is_empty();
                self.sparse(&mut parts, fields);
            }
            DataType::Union(fields, UnionMode::Dense) => self.dense(&mut parts, fields),
            DataType::Dictionary(keys, values) => {
                self.mask(&mut parts, nulls);
                self.dictionary(&mut parts, keys, values);
            }
            DataType::RunEndEncoded(run_ends, values) => {
                self.runs(
                    &mut parts,
                    run_ends.data_type(),
                    values.data_type(),
                    values.is_nullable(),
                );
            }
            other => {
                self.mask(&mut parts, nulls);
                let width = other.primitive_width().expect("every other type has one");
                self.fixed(&mut parts, end, width, width);
            }
        }
        self.lay_out(
            parts,
            matches!(data_type, DataType::Null),
            is_view(data_type),
        )
    }

    fn rows(&mut self, rows: Rows) -> Parts {
        let short = |builder: &mut Self, needed: usize| {
            if needed > LONG {
                builder.refused = true;
                return Some(builder.bytes.below(9));
            }
            None
        };
        let length = match rows {
            Rows::Any => match self.bytes.byte() {
                few @ ..192 => usize::from(few) % 9,
                many => usize::from(many) - 150,
            },
            Rows::AtLeast(needed) => match short(self, needed) {
                Some(rows) => rows,
                None if needed > 0 && self.bytes.lie() => {
                    self.refused = true;
                    needed - 1
                }
                None => needed + self.bytes.one_of(&[0, 0, 0, 1]),
            },
            Rows::Exactly(needed) => match self.bytes.lie() {
                true => self.bytes.below(9),
                false => needed,
            },
        };
        Parts {
            offset: self.bytes.one_of(&[0, 0, 0, 0, 0, 1, 3, 8, 9]),
            length,
            null_count: 0,
            buffers: Vec::new(),
            mask: None,
            children: Vec::new(),
            dictionary: None,
            bounded: false,
            flat_child: false,
        }
    }

    fn mask(&mut self, parts: &mut Parts, nulls: bool) {
        let (from, end) = (parts.offset, parts.offset + parts.length);
        let mut mask = vec![0xff; end.div_ceil(8)];
        let kind = self.bytes.below(4);
        if kind == 1 && (nulls || self.bytes.lie()) {
            mask = self.bytes.take(mask.len());
        }
        let is_null = |row: &usize| mask[row / 8] >> (row % 8) & 1 == 0;
        parts.null_count = (from..end).filter(is_null).count() as i64;
        parts.mask = Some((kind != 0).then_some(mask));
        if self.bytes.below(4) == 1 {
            parts.null_count = -1;
        }
    }

    fn fixed(&mut self, parts: &mut Parts, rows: usize, width: usize, align: usize) {
        let fits = rows.saturating_mul(width) <= LONG;
        // Values that there is no room for are not there: the check cannot see that they are too few.
        self.refused |= !fits;
        let values = if fits {
            self.bytes.take(rows * width)
        } else {
            Vec::new()
        };
        parts.buffers.push(Buffer {
            missing: !fits,
            ..buffer(values, align)
        });
    }

    /// Offsets that begin anywhere and have so many steps.
    fn offsets(&mut self, parts: &Parts, step: impl Fn(u8) -> usize) -> Vec<i64> {
        let mut at = 0;
        let mut offsets = vec![0];
        for _ in 0..parts.offset + parts.length {
            at += step(self.bytes.byte()) as i64;
            offsets.push(at);
        }
        if parts.length == 0 {
            // The values of an array without rows are taken to be empty.
            offsets.fill(0);
        }
        offsets
    }

    /// A lie about one number.
    fn one_wrong(&mut self, numbers: &mut [i64]) {
        if !numbers.is_empty() && self.bytes.lie() {
            let at = self.bytes.below(numbers.len());
            let small = i64::from(self.bytes.byte());
            numbers[at] = self
                .bytes
                .one_of(&[small, -1, i64::MIN, i64::MAX, 1_000, -small]);
        }
    }

    /// The last of the offsets, up to which there must be values.
    fn last(&mut self, offsets: &[i64], parts: &Parts) -> usize {
        if parts.length == 0 {
            return 0;
        }
        let (first, last) = (offsets[parts.offset], offsets[parts.offset + parts.length]);
        if first < 0 || first > last {
            self.refused = true;
        }
        usize::try_from(last).unwrap_or(0)
    }

    fn texts(&mut self, parts: &mut Parts, nulls: bool, width: usize, utf8: bool) {
        self.mask(parts, nulls);
        const WORDS: [&str; 5] = ["", "a", "\u{e9}", "\u{1f980}\0", "zehn Meter"];
        let word = |byte: u8| WORDS[usize::from(byte) % WORDS.len()];
        let mut as_steps = self.bytes.clone();
        let mut offsets = self.offsets(parts, |byte| word(byte).len());
        let mut values: Vec<u8> = (0..offsets.len() - 1)
            .flat_map(|_| word(as_steps.byte()).bytes())
            .collect();
        if !utf8 || self.bytes.lie() {
            values = self.bytes.take(values.len());
        }
        self.one_wrong(&mut offsets);
        narrow(&mut offsets, width);
        let last = self.last(&offsets, parts);
        let fits = last <= LONG;
        self.refused |= !fits;
        values.resize(if fits { last } else { 0 }, b'.');
        parts.buffers.push(buffer(numbers(&offsets, width), width));
        parts.buffers.push(Buffer {
            missing: !fits,
            ..buffer(values, 1)
        });
    }

    fn views(&mut self, parts: &mut Parts, nulls: bool, utf8: bool) {
        self.mask(parts, nulls);
        let mut blocks: Vec<Vec<u8>> = (0..self.bytes.below(3))
            .map(|_| {
                let len = 13 + self.bytes.below(20);
                let mut block = self.bytes.take(len);
                if utf8 && !self.bytes.lie() {
                    block.iter_mut().for_each(|byte| *byte &= 0x7f);
                }
                block
            })
            .collect();
        let mut views = Vec::new();
        for _ in 0..parts.offset + parts.length {
            views.extend(self.view(&blocks, utf8));
        }
        parts.buffers.push(buffer(views, 16));
        let mut lengths: Vec<i64> = blocks.iter().map(|block| block.len() as i64).collect();
        if !lengths.is_empty() && self.bytes.lie() {
            let at = self.bytes.below(lengths.len());
            lengths[at] = self.bytes.one_of(&[-1, i64::MIN, 0, 12]);
            self.refused |= lengths[at] < 0;
            blocks[at].truncate(usize::try_from(lengths[at]).unwrap_or(13));
        }
        parts
            .buffers
            .extend(blocks.into_iter().map(|block| buffer(block, 1)));
        parts.buffers.push(buffer(numbers(&lengths, 8), 8));
    }

    fn view(&mut self, blocks: &[Vec<u8>], utf8: bool) -> [u8; 16] {
        if self.bytes.lie() {
            return self.bytes.take(16).try_into().unwrap_or_default();
        }
        let mut view = [0; 16];
        let kind = self.bytes.byte();
        match blocks.get(usize::from(kind >> 6)) {
            Some(block) if kind & 32 != 0 => {
                let from = self.bytes.below(block.len() - 12);
                view[..4].copy_from_slice(&((block.len() - from) as u32).to_ne_bytes());
                view[4..8].copy_from_slice(&block[from..from + 4]);
                view[8..12].copy_from_slice(&u32::from(kind >> 6).to_ne_bytes());
                view[12..].copy_from_slice(&(from as u32).to_ne_bytes());
            }
            _ => {
                let len = usize::from(kind) % 13;
                view[..4].copy_from_slice(&(len as u32).to_ne_bytes());
                for byte in &mut view[4..4 + len] {
                    *byte = self.bytes.byte() & if utf8 { 0x7f } else { 0xff };
                }
            }
        }
        view
    }

    fn list(
        &mut self,
        parts: &mut Parts,
        nulls: bool,
        width: usize,
        child: &DataType,
        nullable: bool,
    ) {
        self.mask(parts, nulls);
        let mut offsets = self.offsets(parts, |byte| usize::from(byte) % 4);
        self.one_wrong(&mut offsets);
        narrow(&mut offsets, width);
        let last = self.last(&offsets, parts);
        parts.buffers.push(buffer(numbers(&offsets, width), width));
        parts
            .children
            .push(self.array(child, Rows::AtLeast(last), nullable));
    }

    fn list_view(
        &mut self,
        parts: &mut Parts,
        nulls: bool,
        width: usize,
        child: &DataType,
        nullable: bool,
    ) {
        self.mask(parts, nulls);
        let rows = self.bytes.below(6);
        let (mut offsets, mut sizes) = (Vec::new(), Vec::new());
        for _ in 0..parts.offset + parts.length {
            let from = self.bytes.below(rows + 1);
            offsets.push(from as i64);
            sizes.push(self.bytes.below(rows - from + 1) as i64);
        }
        for list in [&mut offsets, &mut sizes] {
            self.one_wrong(list);
            narrow(list, width);
            parts.buffers.push(buffer(numbers(list, width), width));
        }
        parts
            .children
            .push(self.array(child, Rows::Exactly(rows), nullable));
    }

    fn sparse(&mut self, parts: &mut Parts, fields: &UnionFields) {
        let end = parts.offset + parts.length;
        let known: Vec<i8> = fields.iter().map(|(id, _)| id).collect();
        let ids = self.ids(&known, end);
        parts.buffers.push(buffer(ids, 1));
        for (_, field) in fields.iter() {
            parts.children.push(self.array(
                field.data_type(),
                Rows::AtLeast(end),
                field.is_nullable(),
            ));
        }
    }

    fn dense(&mut self, parts: &mut Parts, fields: &UnionFields) {
        let end = parts.offset + parts.length;
        let known: Vec<i8> = fields.iter().map(|(id, _)| id).collect();
        let ids = self.ids(&known, end);
        let rows = 1 + self.bytes.below(4);
        let mut offsets: Vec<i64> = (0..end).map(|_| self.bytes.below(rows) as i64).collect();
        self.one_wrong(&mut offsets);
        narrow(&mut offsets, 4);
        parts.buffers.push(buffer(ids, 1));
        parts.buffers.push(buffer(numbers(&offsets, 4), 4));
        for (_, field) in fields.iter() {
            parts.children.push(self.array(
                field.data_type(),
                Rows::Exactly(rows),
                field.is_nullable(),
            ));
        }
    }

    fn ids(&mut self, known: &[i8], rows: usize) -> Vec<u8> {
        let lies = known.is_empty() || self.bytes.lie();
        (0..rows)
            .map(|_| match lies {
                true => self.bytes.byte(),
                false => self.bytes.one_of(known).cast_unsigned(),
            })
            .collect()
    }

    fn dictionary(&mut self, parts: &mut Parts, keys: &DataType, values: &DataType) {
        let width = keys.primitive_width().expect("keys are numbers");
        let rows = 1 + self.bytes.below(5);
        let end = parts.offset + parts.length;
        let mut found: Vec<i64> = (0..end).map(|_| self.bytes.below(rows) as i64).collect();
        self.one_wrong(&mut found);
        parts.buffers.push(buffer(numbers(&found, width), width));
        parts.dictionary = Some(self.array(values, Rows::Exactly(rows), true));
    }

    fn runs(&mut self, parts: &mut Parts, run_ends: &DataType, values: &DataType, nullable: bool) {
        let width = run_ends.primitive_width().expect("run ends are numbers");
        let end = (parts.offset + parts.length) as i64;
        let mut ends = vec![1 + self.bytes.below(4) as i64];
        while ends[ends.len() - 1] < end {
            let step = 1 + self.bytes.below(20) as i64;
            ends.push(ends[ends.len() - 1] + step);
        }
        let runs = ends.len();
        self.one_wrong(&mut ends);
        let mut own = self.rows(Rows::Exactly(runs));
        // What is before the first run of the child, and past its last where it lies.
        let mut found = vec![0; own.offset];
        found.extend(ends);
        found.resize(own.offset + own.length, i64::from(i16::MAX));
        own.buffers.push(buffer(numbers(&found, width), width));
        own.mask = Some(None);
        parts.children.push(self.lay_out(own, false, false));
        parts
            .children
            .push(self.array(values, Rows::Exactly(runs), nullable));
    }

    fn lay_out(&mut self, parts: Parts, is_null: bool, is_view: bool) -> *mut Array {
        let Parts {
            offset,
            length,
            null_count,
            ..
        } = parts;
        let mut buffers: Vec<*const c_void> = Vec::new();
        let has_mask = matches!(&parts.mask, Some(Some(_)));
        if let Some(mask) = &parts.mask {
            let there = |mask: &Vec<u8>| self.memory.bytes(mask, 0).cast_const().cast();
            buffers.push(mask.as_ref().map_or(ptr::null(), there));
        }
        for buffer in &parts.buffers {
            buffers.push(self.buffer(buffer));
        }
        let array = self.memory.structure(Array {
            length: length as i64,
            null_count,
            offset: offset as i64,
            n_buffers: buffers.len() as i64,
            n_children: parts.children.len() as i64,
            buffers: ptr::null_mut(),
            children: ptr::null_mut(),
            dictionary: parts.dictionary.unwrap_or(ptr::null_mut()),
            release: Some(release_child),
            private_data: ptr::null_mut(),
        });
        // SAFETY: made just now, in the memory.
        let laid_out = unsafe { &mut *array };
        let bounded = parts.bounded && !has_mask;
        self.lie_about_numbers(laid_out, is_null, bounded);
        self.lie_about_lists(laid_out, parts, buffers, is_view);
        array
    }

    fn buffer(
        &mut self,
        Buffer {
            bytes,
            align,
            missing,
        }: &Buffer,
    ) -> *const c_void {
        if *missing {
            return ptr::null();
        }
        let needed = !bytes.is_empty();
        if self.bytes.lie() {
            self.refused |= needed && *align > 1;
            return self.memory.bytes(bytes, 1).cast_const().cast();
        }
        if self.bytes.lie() {
            self.refused |= needed;
            return ptr::null();
        }
        // Compilers give numbers of 128 bits one alignment or the other.
        let shift = if *align >= 16 {
            self.bytes.one_of(&[0, 0, 0, 8])
        } else {
            0
        };
        match needed || self.bytes.below(2) == 1 {
            true => self.memory.bytes(bytes, shift).cast_const().cast(),
            false => ptr::null(),
        }
    }

    /// Numbers that no array has, or not this one.
    fn lie_about_numbers(&mut self, array: &mut Array, is_null: bool, bounded: bool) {
        if !self.bytes.lie() {
            return;
        }
        self.refused = true;
        match self.bytes.below(6) {
            0 => array.length = self.bytes.one_of(&[-1, i64::MIN, i64::MAX, TOO_MANY]),
            1 => array.offset = self.bytes.one_of(&[-1, i64::MIN, i64::MAX, TOO_MANY]),
            2 => {
                array.null_count = self
                    .bytes
                    .one_of(&[-2, i64::MIN, i64::MAX, array.length + 1])
            }
            3 if !is_null && array.null_count >= 0 => array.null_count += 1,
            4 if bounded => array.length = TOO_MANY - 1 - array.offset,
            _ => array.null_count = -3,
        }
    }

    fn lie_about_lists(
        &mut self,
        array: &mut Array,
        parts: Parts,
        buffers: Vec<*const c_void>,
        is_view: bool,
    ) {
        let itself = ptr::from_mut(array);
        let (mut children, has_dictionary) = (parts.children, parts.dictionary.is_some());
        let (n_buffers, n_children) = (array.n_buffers, array.n_children);
        let mut shifts = [0, 0];
        if self.bytes.lie() {
            match self.bytes.below(7) {
                0 => {
                    // Of views there may be more or fewer, as long as there are three.
                    let near = if is_view {
                        [2, 0]
                    } else {
                        [n_buffers + 1, n_buffers - 1]
                    };
                    let far = [-1, i64::MIN, i64::MAX, 1];
                    array.n_buffers = self.bytes.one_of(&[near.as_slice(), &far].concat());
                    self.refused |= array.n_buffers != n_buffers;
                }
                1 => {
                    let other = [n_children + 1, n_children - 1, -1, i64::MIN, i64::MAX];
                    array.n_children = self.bytes.one_of(&other);
                    self.refused = true;
                }
                2 => {
                    shifts = self.bytes.one_of(&[[1, 0], [0, 1]]);
                    self.refused |= shifts[0] * buffers.len() + shifts[1] * children.len() > 0;
                }
                3 => {
                    array.dictionary = if has_dictionary {
                        ptr::null_mut()
                    } else {
                        itself
                    };
                    self.refused = true;
                }
                4 if parts.flat_child => {
                    children[0] = itself;
                    self.refused = true;
                }
                _ if !children.is_empty() => {
                    let at = self.bytes.below(children.len());
                    let child = children[at];
                    match self.bytes.below(3) {
                        0 => children[at] = ptr::null_mut(),
                        1 => children[at] = child.wrapping_byte_add(1),
                        // SAFETY: it lies in the memory.
                        _ => unsafe { (*child).release = None },
                    }
                    self.refused = true;
                }
                _ => {}
            }
        }
        let mut missing = |has: bool| {
            let missing = self.bytes.lie();
            self.refused |= missing && has;
            missing
        };
        let (no_buffers, no_children) =
            (missing(!buffers.is_empty()), missing(!children.is_empty()));
        if !no_buffers {
            array.buffers = self.memory.list(&buffers, shifts[0]);
        }
        if !no_children {
            array.children = self.memory.list(&children, shifts[1]);
        }
    }
}

fn buffer(bytes: Vec<u8>, align: usize) -> Buffer {
    Buffer {
        bytes,
        align,
        missing: false,
    }
}

fn is_view(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8View | DataType::BinaryView)
}

/// Numbers of so many bytes each.
fn numbers(numbers: &[i64], width: usize) -> Vec<u8> {
    let bytes = numbers.iter().map(|number| number.to_le_bytes());
    bytes
        .flat_map(|bytes| bytes.into_iter().take(width))
        .collect()
}

/// Makes numbers ones of so many bytes.
fn narrow(numbers: &mut [i64], width: usize) {
    if width == 4 {
        let narrow = |number: i64| number.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
        numbers
            .iter_mut()
            .for_each(|number| *number = narrow(*number));
    }
}
