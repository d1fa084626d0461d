//! Between arrow's arrays and the contract's [`ArrowArray`], which have one layout by specification.

use arrow::{
    array::{Array, ArrayData, ArrayRef, make_array},
    datatypes::{DataType, Field, Fields, Schema},
    error::ArrowError,
    ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type},
};

use super::{
    ArrowArray, ArrowSchema, CallError,
    arrow_check::{check_array, check_schema, check_type, without_shared_offsets},
    arrow_flat::{export_flat, import_flat},
    guard::catch,
};

const _: () = {
    assert!(size_of::<ArrowArray>() == size_of::<FFI_ArrowArray>());
    assert!(align_of::<ArrowArray>() == align_of::<FFI_ArrowArray>());
    assert!(size_of::<ArrowSchema>() == size_of::<FFI_ArrowSchema>());
    assert!(align_of::<ArrowSchema>() == align_of::<FFI_ArrowSchema>());
};

/// `ARROW_FLAG_MAP_KEYS_SORTED` of the C data interface.
const MAP_KEYS_SORTED: i64 = 4;

/// Hands an array out. The buffers are shared, not copied, but for a null mask that does not start
/// at a byte.
#[inline]
pub fn export_array(array: &dyn Array) -> ArrowArray {
    if let Some(exported) = export_flat(array) {
        return exported;
    }
    let data = array.to_data();
    match without_stale_offsets(&data) {
        Some(data) => export_data(&data),
        None => export_data(&data),
    }
}

/// The data with every empty array in it made anew, if there is one.
///
/// An empty slice of strings keeps its first offset, but whoever imports it takes the values to be
/// empty too, and then that offset lies beyond them.
fn without_stale_offsets(data: &ArrayData) -> Option<ArrayData> {
    if data.is_empty() {
        return Some(ArrayData::new_empty(data.data_type()));
    }
    let children = data.child_data();
    let renewed: Vec<_> = children.iter().map(without_stale_offsets).collect();
    if renewed.iter().all(Option::is_none) {
        return None;
    }
    let children = renewed.into_iter().zip(children);
    let children = children.map(|(renewed, child)| renewed.unwrap_or_else(|| child.clone()));
    let builder = data.clone().into_builder().child_data(children.collect());
    builder.build().ok()
}

fn export_data(data: &ArrayData) -> ArrowArray {
    // SAFETY: both types are `struct ArrowArray` of the C data interface; ownership moves along.
    unsafe { std::mem::transmute::<FFI_ArrowArray, ArrowArray>(FFI_ArrowArray::new(data)) }
}

/// How far an array is looked at before anything reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Validation {
    /// What takes no look at the values: that the array is there, buffer and child counts, lengths, addresses
    /// and their alignment, the number of nulls, no nulls where the type has none, the first and last offset.
    #[default]
    Structural,
    /// The values too, row by row: every offset, UTF-8, keys of dictionaries, views, type ids.
    Full,
}

/// Takes an array in as one of `data_type`, without copying, and checks its structure.
///
/// # Errors
/// A contract error that says what is wrong.
pub fn import_array(array: ArrowArray, data_type: &DataType) -> Result<ArrayRef, CallError> {
    import_validated(array, data_type, Validation::Structural)
}

/// As [`import_array`], looked at as far as `validation` says.
///
/// # Errors
/// A contract error that says what is wrong.
pub fn import_validated(
    array: ArrowArray,
    data_type: &DataType,
    validation: Validation,
) -> Result<ArrayRef, CallError> {
    if array.is_released() {
        return Err(CallError::contract("an array that was released already"));
    }
    let array = match import_flat(array, data_type) {
        Ok(imported) if validation == Validation::Structural => return Ok(imported),
        Ok(imported) => {
            let valid = imported.to_data().validate_full();
            valid.map_err(|error| invalid(data_type, error))?;
            return Ok(imported);
        }
        Err(array) => array,
    };
    check_array(&array, data_type).map_err(|problem| invalid(data_type, problem))?;
    // SAFETY: as in `export_data`.
    let array = unsafe { std::mem::transmute::<ArrowArray, FFI_ArrowArray>(array) };
    // Nothing in there is known to panic once the structure is checked.
    catch(|| {
        // SAFETY: the structure was checked just now; that buffers have their bytes is the other side's promise.
        let data = unsafe { from_ffi_and_data_type(array, data_type.clone()) };
        let data = without_shared_offsets(data.map_err(|error| invalid(data_type, error))?);
        let valid = match validation {
            // Arrow asserts that runs are in order.
            Validation::Structural if !has_runs(data_type) => {
                data.validate().and_then(|()| validate_nulls(&data))
            }
            _ => data.validate_full(),
        };
        valid.map_err(|error| invalid(data_type, error))?;
        Ok(make_array(data))
    })
}

fn invalid(data_type: &DataType, problem: impl std::fmt::Display) -> CallError {
    CallError::contract(format!("an array of type {data_type}: {problem}"))
}

/// Whether there are no nulls where the type has none.
fn validate_nulls(data: &ArrayData) -> Result<(), ArrowError> {
    data.validate_nulls()?;
    data.child_data().iter().try_for_each(validate_nulls)
}

fn has_runs(data_type: &DataType) -> bool {
    match data_type {
        DataType::RunEndEncoded(..) => true,
        DataType::Dictionary(_, values) => has_runs(values),
        other => children_of(other)
            .into_iter()
            .any(|child| has_runs(child.data_type())),
    }
}

/// Hands fields out as the children of a struct schema.
///
/// # Errors
/// A contract error when a type has no form in the C data interface.
pub fn export_fields(fields: &Fields) -> Result<ArrowSchema, CallError> {
    export_schema(&Schema::new(fields.clone()))
}

/// Hands a schema out, its metadata included.
///
/// # Errors
/// A contract error when a type has no form in the C data interface.
pub fn export_schema(schema: &Schema) -> Result<ArrowSchema, CallError> {
    let schema = schema_of(schema)
        .map_err(|error| CallError::contract(format!("a schema that cannot cross: {error}")))?;
    // SAFETY: both types are `struct ArrowSchema` of the C data interface; ownership moves along.
    Ok(unsafe { std::mem::transmute::<FFI_ArrowSchema, ArrowSchema>(schema) })
}

fn schema_of(schema: &Schema) -> Result<FFI_ArrowSchema, ArrowError> {
    let children = schema.fields().iter().map(|field| schema_of_field(field));
    FFI_ArrowSchema::try_new("+s", children.collect::<Result<_, _>>()?, None)?
        .with_metadata(schema.metadata())
}

/// The schema of a field. Arrow's own conversion forgets that a map's keys are sorted wherever the
/// map is a field.
fn schema_of_field(field: &Field) -> Result<FFI_ArrowSchema, ArrowError> {
    let plain = FFI_ArrowSchema::try_from(field)?;
    if !has_sorted_map(field.data_type()) {
        return Ok(plain);
    }
    let children = children_of(field.data_type())
        .into_iter()
        .map(schema_of_field)
        .collect::<Result<_, _>>()?;
    let dictionary = match field.data_type() {
        DataType::Dictionary(_, values) => Some(schema_of_field(&Field::new(
            "",
            values.as_ref().clone(),
            false,
        ))?),
        _ => None,
    };
    let mut schema = FFI_ArrowSchema::try_new(plain.format(), children, dictionary)?
        .with_name(field.name())?
        .with_metadata(field.metadata())?;
    schema.flags = plain.flags;
    if matches!(field.data_type(), DataType::Map(_, true)) {
        schema.flags |= MAP_KEYS_SORTED;
    }
    Ok(schema)
}

fn has_sorted_map(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(_, true) => true,
        DataType::Dictionary(_, values) => has_sorted_map(values),
        other => children_of(other)
            .into_iter()
            .any(|child| has_sorted_map(child.data_type())),
    }
}

fn children_of(data_type: &DataType) -> Vec<&Field> {
    match data_type {
        DataType::List(child)
        | DataType::LargeList(child)
        | DataType::ListView(child)
        | DataType::LargeListView(child)
        | DataType::FixedSizeList(child, _)
        | DataType::Map(child, _) => vec![child.as_ref()],
        DataType::Struct(fields) => fields.iter().map(AsRef::as_ref).collect(),
        DataType::Union(fields, _) => fields.iter().map(|(_, field)| field.as_ref()).collect(),
        DataType::RunEndEncoded(run_ends, values) => vec![run_ends.as_ref(), values.as_ref()],
        _ => Vec::new(),
    }
}

/// Takes fields in that [`export_fields`] handed out; a released schema has none.
///
/// # Errors
/// A contract error when the schema is not one that arrow can read.
pub fn import_fields(schema: &ArrowSchema) -> Result<Fields, CallError> {
    Ok(import_schema(schema)?.fields)
}

/// Takes a schema in, its metadata included; a released one is empty.
///
/// # Errors
/// A contract error when the schema is not one that arrow can read.
pub fn import_schema(schema: &ArrowSchema) -> Result<Schema, CallError> {
    import_types(schema, TypesOf::Values)
}

/// What a schema's types are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypesOf {
    /// Columns and values.
    Values,
    /// Signatures, whose fixed-size lists may be of any size: DataFusion's wildcard, which no array has.
    Signatures,
}

/// As [`import_schema`], with the types that there are in signatures.
///
/// # Errors
/// A contract error when the schema is not one that arrow can read.
pub fn import_types(schema: &ArrowSchema, of: TypesOf) -> Result<Schema, CallError> {
    if schema.is_released() {
        return Ok(Schema::empty());
    }
    check_schema(schema)
        .map_err(|problem| CallError::contract(format!("an unreadable schema: {problem}")))?;
    // SAFETY: as in `export_schema`, by reference.
    let schema = unsafe { &*std::ptr::from_ref(schema).cast::<FFI_ArrowSchema>() };
    // A struct's fields are read one by one: arrow would refuse duplicate names otherwise.
    let fields = schema
        .children()
        .map(Field::try_from)
        .collect::<Result<Fields, _>>()
        .map_err(|error| CallError::contract(format!("an unreadable schema: {error}")))?;
    let mut types = fields.iter().map(|field| field.data_type());
    types
        .try_for_each(|data_type| check_type(data_type, of))
        .map_err(|problem| CallError::contract(format!("an unreadable schema: {problem}")))?;
    let metadata = schema
        .metadata()
        .map_err(|error| CallError::contract(format!("an unreadable schema: {error}")))?;
    Ok(Schema::new_with_metadata(fields, metadata))
}
