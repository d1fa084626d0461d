//! Structures of Arrow's C data interface, as a plugin hands them over, which may lie. No check panics; what must be refused is;
//! what full validation takes in can be read and handed out again; and each structure is released once.
//!
//! The first byte says what may lie. Where nothing lies, all is taken in.
#![no_main]

// The contract's own modules: the crate has them with DataFusion only.
#[allow(dead_code, unused_imports, reason = "the contract uses more of it")]
#[path = "../../plugin_api/src/abi"]
mod abi {
    mod arrow;
    mod arrow_check;
    mod arrow_exchange;
    mod arrow_flat;
    mod error;
    mod guard;

    pub use self::{
        arrow::{ArrowArray, ArrowSchema},
        arrow_exchange::{
            TypesOf, Validation, export_array, export_schema, import_types, import_validated,
        },
        error::{CallError, ErrorKind},
    };

    pub type Reply<T> = abi_stable::std_types::RResult<T, CallError>;
}
#[path = "arrays/array.rs"]
mod array;
#[path = "arrays/bytes.rs"]
mod bytes;
#[path = "arrays/memory.rs"]
mod memory;
#[path = "arrays/schema.rs"]
mod schema;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Field, Schema},
    util::display::{ArrayFormatter, FormatOptions},
};
use libfuzzer_sys::fuzz_target;

use abi::{ArrowArray, ArrowSchema, CallError, ErrorKind, TypesOf, Validation};
use bytes::Bytes;

const SCHEMA_LIES: u8 = 1;
const ARRAY_LIES: u8 = 2;
/// The first column by itself, not a struct of all.
const COLUMN: u8 = 4;

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes::new(bytes);
    let mode = bytes.byte();
    bytes.lies = mode & SCHEMA_LIES != 0;
    let types = types(&mut bytes);
    assert!(types.is_some() || bytes.lies, "an honest schema is refused");
    let Some(types) = types else { return };
    let data_type = match types.fields().first() {
        Some(first) if mode & COLUMN != 0 => first.data_type().clone(),
        _ => DataType::Struct(types.fields),
    };
    // A type that was lied about may be one that no array is of, as a map of nullable keys.
    let honest = !bytes.lies && mode & ARRAY_LIES == 0;
    bytes.lies = mode & ARRAY_LIES != 0;
    arrays(&bytes, &data_type, honest);
    memory::all_released();
});

/// The types of a schema, if it is one.
fn types(bytes: &mut Bytes<'_>) -> Option<Schema> {
    let schema: ArrowSchema = schema::hand_over(bytes);
    let [types, _] = [TypesOf::Values, TypesOf::Signatures].map(|of| {
        let types = abi::import_types(&schema, of).map_err(refused).ok()?;
        let written = abi::export_schema(&types).expect("it was read");
        assert_eq!(
            abi::import_types(&written, of).expect("it was written"),
            types
        );
        Some(types)
    });
    drop(schema);
    memory::all_released();
    types
}

fn arrays(bytes: &Bytes<'_>, data_type: &DataType, honest: bool) {
    // Two of the same: an array is taken in once.
    let [structural, full] = [Validation::Structural, Validation::Full].map(|validation| {
        let (array, must_be_refused): (ArrowArray, _) = array::hand_over(bytes.clone(), data_type);
        let imported = abi::import_validated(array, data_type, validation).map_err(refused);
        assert!(
            imported.is_err() || !must_be_refused,
            "{validation:?} takes it in"
        );
        assert!(imported.is_ok() || !honest, "an honest array is refused");
        imported.ok()
    });
    // What only structure was checked of is not read: its values may lead anywhere.
    let Some(full) = full else { return };
    let structural = structural.expect("full validation takes it in");
    assert_eq!(&structural, &full);
    read(&full);
    let exported = abi::export_array(&full);
    let back = abi::import_validated(exported, data_type, Validation::Full);
    assert_eq!(&back.expect("it was taken in"), &full);
}

fn refused(error: CallError) {
    assert_eq!(error.kind(), ErrorKind::Contract);
    assert!(!error.message().is_empty());
}

/// Every value, and that there are no nulls where the type has none.
fn read(array: &ArrayRef) {
    if let Ok(formatter) = ArrayFormatter::try_new(array, &FormatOptions::new()) {
        for row in 0..array.len() {
            // Times past what a calendar has are errors.
            let _ = formatter.value(row).try_to_string();
        }
    }
    no_unpromised_nulls(array);
}

fn no_unpromised_nulls(array: &ArrayRef) {
    match array.data_type() {
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            fields.iter().zip(columns).for_each(|(field, column)| {
                promised(array, field, column, 1);
            });
        }
        DataType::FixedSizeList(field, size) => {
            let values = array.as_fixed_size_list().values();
            promised(array, field, values, *size as usize);
        }
        _ => {}
    }
}

fn promised(parent: &ArrayRef, field: &Field, child: &ArrayRef, per_row: usize) {
    for row in 0..child.len() {
        let promised = !field.is_nullable() && parent.is_valid(row / per_row);
        assert!(!promised || child.is_valid(row), "a null in {field}");
    }
    no_unpromised_nulls(child);
}
