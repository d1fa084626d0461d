//! Schemas, which arrow reads by recursion, with assertions, and with as much memory as they claim.

use std::ffi::{CStr, c_char, c_void};

use arrow::datatypes::{DataType, Field, UnionMode};

use crate::abi::{ArrowSchema, TypesOf};

/// Types inside of types, which DataFusion and arrow walk by recursion.
const MAX_DEPTH: usize = 64;
/// Fields of a schema together with those inside of their types.
const MAX_FIELDS: usize = 1 << 20;
/// Entries of one field's metadata.
const MAX_ENTRIES: i32 = 1 << 16;
/// Bytes of one key or value of metadata.
const MAX_TEXT: i32 = 1 << 26;
/// DataFusion's `FIXED_SIZE_LIST_WILDCARD`.
const ANY_SIZE: i32 = i32::MIN;

/// Checks a schema before arrow reads it.
///
/// # Errors
/// What is wrong, in words.
pub(in crate::abi) fn check_schema(schema: &ArrowSchema) -> Result<(), String> {
    check(schema, 0, &mut 0)
}

/// Checks types that were read: what no array can be of. The schema's check has bounded their depth.
///
/// # Errors
/// What is wrong, in words.
pub(in crate::abi) fn check_type(data_type: &DataType, of: TypesOf) -> Result<(), String> {
    let wrong = || Err(format!("{data_type} is no type"));
    let check_inner = |data_type: &DataType| check_type(data_type, of);
    match data_type {
        DataType::FixedSizeList(child, ANY_SIZE) if of == TypesOf::Signatures => {
            check_inner(child.data_type())
        }
        DataType::FixedSizeBinary(..0) | DataType::FixedSizeList(_, ..0) => wrong(),
        DataType::Decimal32(precision, _) if !(1..=9).contains(precision) => wrong(),
        DataType::Decimal64(precision, _) if !(1..=18).contains(precision) => wrong(),
        DataType::Decimal128(precision, _) if !(1..=38).contains(precision) => wrong(),
        DataType::Decimal256(precision, _) if !(1..=76).contains(precision) => wrong(),
        DataType::Dictionary(keys, values) => match keys.is_dictionary_key_type() {
            true => check_inner(values),
            false => wrong(),
        },
        DataType::RunEndEncoded(run_ends, values) => {
            match run_ends.data_type().is_run_ends_type() && !run_ends.is_nullable() {
                true => check_inner(values.data_type()),
                false => wrong(),
            }
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 && !entries.is_nullable() => fields
                .iter()
                .try_for_each(|field| check_inner(field.data_type())),
            _ => wrong(),
        },
        DataType::Union(fields, UnionMode::Sparse | UnionMode::Dense) => fields
            .iter()
            .try_for_each(|(_, field)| check_inner(field.data_type())),
        DataType::Struct(fields) => fields
            .iter()
            .map(AsRef::as_ref)
            .map(Field::data_type)
            .try_for_each(check_inner),
        DataType::List(child)
        | DataType::LargeList(child)
        | DataType::ListView(child)
        | DataType::LargeListView(child)
        | DataType::FixedSizeList(child, _) => check_inner(child.data_type()),
        _ => Ok(()),
    }
}

fn check(schema: &ArrowSchema, depth: usize, fields: &mut usize) -> Result<(), String> {
    *fields += 1;
    if depth > MAX_DEPTH {
        return Err(format!("a type of more than {MAX_DEPTH} levels"));
    }
    if *fields > MAX_FIELDS {
        return Err(format!("more than {MAX_FIELDS} fields"));
    }
    if schema.is_released() {
        return Err("released already".to_owned());
    }
    // SAFETY: a text of the structure's ends with a zero and lives as long as it.
    let format = unsafe { text(schema.format) }?.ok_or("no format")?;
    // SAFETY: as above.
    let name = unsafe { text(schema.name) }?.unwrap_or("");
    let of_field = |problem: String| match name {
        "" => problem,
        name => format!("'{name}': {problem}"),
    };
    // SAFETY: metadata live as long as the structure.
    unsafe { check_metadata(schema.metadata) }.map_err(of_field)?;
    let children = usize::try_from(schema.n_children).unwrap_or(usize::MAX);
    let expected = match format {
        "+s" => 0..=MAX_FIELDS,
        "+r" => 2..=2,
        _ if format.starts_with("+u") => 0..=128,
        _ if format.starts_with('+') => 1..=1,
        _ => 0..=0,
    };
    let list = schema.children;
    if !expected.contains(&children) || (children > 0 && (list.is_null() || !list.is_aligned())) {
        let found = schema.n_children;
        return Err(of_field(format!("{found} children of a type '{format}'")));
    }
    for index in 0..children {
        // SAFETY: the list is there and aligned, and has so many addresses.
        let child = unsafe { *list.add(index) };
        // SAFETY: what the list names lives as long as the schema.
        let child = unsafe { structure(child) };
        child
            .and_then(|child| check(child, depth + 1, fields))
            .map_err(of_field)?;
    }
    if !schema.dictionary.is_null() {
        // SAFETY: it lives as long as the schema.
        let dictionary = unsafe { structure(schema.dictionary) };
        dictionary
            .and_then(|dictionary| check(dictionary, depth + 1, fields))
            .map_err(of_field)?;
    }
    Ok(())
}

/// The structure at an address.
///
/// # Safety
/// Where the address is not null and aligned there is one, which lives for `'a`.
unsafe fn structure<'a>(address: *mut c_void) -> Result<&'a ArrowSchema, String> {
    let address = address.cast::<ArrowSchema>();
    if address.is_null() || !address.is_aligned() {
        return Err("a field that is not there".to_owned());
    }
    // SAFETY: as the caller says.
    Ok(unsafe { &*address })
}

/// # Safety
/// A text that is not null ends with a zero and lives for `'a`.
unsafe fn text<'a>(address: *const c_char) -> Result<Option<&'a str>, String> {
    if address.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller says.
    let text = unsafe { CStr::from_ptr(address) }.to_str();
    text.map(Some)
        .map_err(|_| "a text that is not UTF-8".to_owned())
}

/// Checks that lengths are in bounds before memory is taken for them. Keys and values themselves are for arrow.
///
/// # Safety
/// Metadata that are not null have the bytes that they claim.
unsafe fn check_metadata(metadata: *const c_char) -> Result<(), String> {
    if metadata.is_null() {
        return Ok(());
    }
    let mut at = metadata.cast::<u8>();
    let mut number = |skip: i32| {
        // SAFETY: so many bytes of text, and then a number, are among those that are claimed.
        let bytes = unsafe {
            at = at.add(skip.unsigned_abs() as usize);
            let bytes = at.cast::<[u8; 4]>().read();
            at = at.add(4);
            bytes
        };
        i32::from_ne_bytes(bytes)
    };
    let entries = number(0);
    if !(0..=MAX_ENTRIES).contains(&entries) {
        return Err(format!("metadata of {entries} entries"));
    }
    let mut last = 0;
    for _ in 0..2 * entries {
        last = number(last);
        if !(0..=MAX_TEXT).contains(&last) {
            return Err(format!("metadata with a text of {last} bytes"));
        }
    }
    Ok(())
}
