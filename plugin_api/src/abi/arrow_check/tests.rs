//! Structures that lie, each in one way.
#![allow(clippy::unwrap_used)]

use std::{ffi::c_void, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, FixedSizeBinaryArray,
        FixedSizeListArray, Int32Array, Int64Array, ListArray, ListViewArray, MapBuilder, RunArray,
        StringArray, StringViewArray, StructArray, UnionArray,
    },
    buffer::ScalarBuffer,
    datatypes::{DataType, Field, Fields, Int32Type, Schema, UnionFields},
};

use crate::abi::{
    ArrowArray, ArrowSchema, TypesOf, Validation, export_array, export_schema, import_array,
    import_fields, import_types, import_validated,
};

fn numbers() -> ArrayRef {
    Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))
}

fn texts() -> ArrayRef {
    Arc::new(StringArray::from(vec!["one", "two", "drei"]))
}

fn views() -> ArrayRef {
    Arc::new(StringViewArray::from(vec![
        "a text that is not inline",
        "b",
        "c",
    ]))
}

fn lists() -> ArrayRef {
    let rows = [Some(vec![Some(1), Some(2)]), None, Some(vec![Some(3)])];
    Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(rows))
}

fn list_views() -> ArrayRef {
    let field = Arc::new(Field::new("item", DataType::Int32, true));
    let (offsets, sizes) = (
        ScalarBuffer::from(vec![0, 1, 2]),
        ScalarBuffer::from(vec![1, 1, 1]),
    );
    let values = Arc::new(Int32Array::from(vec![1, 2, 3]));
    Arc::new(ListViewArray::new(field, offsets, sizes, values, None))
}

fn fixed_lists() -> ArrayRef {
    let rows = vec![Some(vec![Some(1), Some(2)]); 3];
    Arc::new(FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(
        rows, 2,
    ))
}

fn structs() -> ArrayRef {
    let fields = Fields::from(vec![
        Field::new("a", DataType::Int64, true),
        Field::new("b", DataType::Utf8, false),
    ]);
    Arc::new(StructArray::new(fields, vec![numbers(), texts()], None))
}

fn dictionaries() -> ArrayRef {
    Arc::new(DictionaryArray::<Int32Type>::from_iter(["a", "b", "a"]))
}

fn runs() -> ArrayRef {
    Arc::new(RunArray::<Int32Type>::from_iter(["a", "a", "b"]))
}

fn maps() -> ArrayRef {
    let mut builder = MapBuilder::new(
        None,
        arrow::array::StringBuilder::new(),
        arrow::array::Int32Builder::new(),
    );
    for key in ["a", "b", "c"] {
        builder.keys().append_value(key);
        builder.values().append_value(1);
        builder.append(true).unwrap();
    }
    Arc::new(builder.finish())
}

fn unions(dense: bool) -> ArrayRef {
    let fields = UnionFields::try_new(
        [0, 1],
        [
            Field::new("a", DataType::Int64, true),
            Field::new("b", DataType::Utf8, true),
        ],
    );
    let offsets = dense.then(|| ScalarBuffer::from(vec![0, 1, 2]));
    let ids = ScalarBuffer::from(vec![0_i8, 1, 0]);
    let children = vec![numbers(), texts()];
    Arc::new(UnionArray::try_new(fields.unwrap(), ids, offsets, children).unwrap())
}

fn sparse() -> ArrayRef {
    unions(false)
}

fn dense() -> ArrayRef {
    unions(true)
}

fn set_buffer(array: &mut ArrowArray, index: usize, address: *const c_void) {
    assert!((index as i64) < array.n_buffers);
    // SAFETY: there are so many addresses; they are not read when the array is released.
    unsafe { *array.buffers.add(index) = address }
}

fn buffer(array: &ArrowArray, index: usize) -> *mut u8 {
    assert!((index as i64) < array.n_buffers);
    // SAFETY: there are so many addresses.
    unsafe { *array.buffers.add(index) }.cast_mut().cast()
}

fn shift_buffer(array: &mut ArrowArray, index: usize) {
    let address = buffer(array, index).wrapping_add(1);
    set_buffer(array, index, address.cast());
}

fn write<T>(array: &ArrowArray, index: usize, row: usize, value: T) {
    // SAFETY: the tests write into rows that are there, of arrays that nobody else has.
    unsafe { buffer(array, index).cast::<T>().add(row).write(value) }
}

fn child(array: &mut ArrowArray, index: usize) -> &mut ArrowArray {
    assert!((index as i64) < array.n_children);
    // SAFETY: there are so many children, which the array owns.
    unsafe { &mut *(*array.children.add(index)).cast() }
}

fn set_child(array: &mut ArrowArray, index: usize, address: *mut c_void) {
    assert!((index as i64) < array.n_children);
    // SAFETY: as for buffers; the private data of both ways to export own the children.
    unsafe { *array.children.add(index) = address }
}

type Lie = (
    &'static str,
    fn() -> ArrayRef,
    fn(&mut ArrowArray),
    &'static str,
);

/// What no look at values shows.
const STRUCTURAL: &[Lie] = &[
    (
        "negative length",
        numbers,
        |a| a.length = -5,
        "a length of -5",
    ),
    (
        "negative offset",
        numbers,
        |a| a.offset = -1,
        "an offset of -1",
    ),
    (
        "length without end",
        texts,
        |a| a.length = i64::MAX,
        "rows from row 0",
    ),
    (
        "sum overflows",
        numbers,
        |a| a.offset = i64::MAX,
        "from row 9223372036854775807",
    ),
    (
        "more nulls than rows",
        numbers,
        |a| a.null_count = 4,
        "4 nulls among 3 rows",
    ),
    (
        "nulls below unknown",
        numbers,
        |a| a.null_count = -2,
        "-2 nulls",
    ),
    (
        "too many nulls",
        numbers,
        |a| a.null_count = 2,
        "a null mask of other than 2 nulls",
    ),
    (
        "no nulls, but a mask",
        numbers,
        |a| a.null_count = 0,
        "a null mask of other than 0 nulls",
    ),
    (
        "nulls without mask",
        texts,
        |a| a.null_count = 1,
        "1 nulls without a null mask",
    ),
    (
        "nulls of a union",
        sparse,
        |a| a.null_count = 1,
        "1 nulls without a null mask",
    ),
    (
        "no buffers",
        numbers,
        |a| a.n_buffers = 0,
        "0 buffers, expected 2",
    ),
    (
        "a buffer less",
        texts,
        |a| a.n_buffers = 2,
        "2 buffers, expected 3",
    ),
    (
        "a buffer more",
        numbers,
        |a| a.n_buffers = 3,
        "3 buffers, expected 2",
    ),
    (
        "negative buffers",
        numbers,
        |a| a.n_buffers = -1,
        "-1 buffers, expected 2",
    ),
    (
        "no list of buffers",
        numbers,
        |a| a.buffers = std::ptr::null_mut(),
        "no list of buffers",
    ),
    (
        "list of buffers not aligned",
        numbers,
        |a| a.buffers = a.buffers.wrapping_byte_add(1),
        "no list of buffers",
    ),
    (
        "no values",
        numbers,
        |a| set_buffer(a, 1, std::ptr::null()),
        "buffer 1 is not there",
    ),
    (
        "no offsets",
        texts,
        |a| set_buffer(a, 1, std::ptr::null()),
        "buffer 1 is not there",
    ),
    (
        "no text",
        texts,
        |a| set_buffer(a, 2, std::ptr::null()),
        "buffer 2 is not there",
    ),
    (
        "values not aligned",
        numbers,
        |a| shift_buffer(a, 1),
        "buffer 1 is not aligned",
    ),
    (
        "offsets not aligned",
        texts,
        |a| shift_buffer(a, 1),
        "buffer 1 is not aligned",
    ),
    (
        "views not aligned",
        views,
        |a| shift_buffer(a, 1),
        "buffer 1 is not aligned",
    ),
    (
        "last before first offset",
        texts,
        |a| write(a, 1, 0, 99_i32),
        "offsets from 99 to 10",
    ),
    (
        "first offset negative",
        texts,
        |a| write(a, 1, 0, -1_i32),
        "offsets from -1",
    ),
    (
        "last offset negative",
        texts,
        |a| write(a, 1, 3, i32::MIN),
        "offsets from 0 to -",
    ),
    (
        "lists past their values",
        lists,
        |a| write(a, 1, 3, 400_i32),
        "3 rows, expected 400",
    ),
    (
        "maps past their entries",
        maps,
        |a| write(a, 1, 3, 400_i32),
        "3 rows, expected 400",
    ),
    (
        "list view past its values",
        list_views,
        |a| write(a, 2, 1, 400_i32),
        "Size 400 at index 1",
    ),
    (
        "list view before its values",
        list_views,
        |a| write(a, 1, 1, -1_i32),
        "offset[1] (-1)",
    ),
    (
        "a length of a view's buffer",
        views,
        |a| write(a, 3, 0, -8_i64),
        "buffer 2 of -8 bytes",
    ),
    (
        "no lengths of views",
        views,
        |a| set_buffer(a, 3, std::ptr::null()),
        "buffer 3 is not there",
    ),
    (
        "views of two buffers",
        views,
        |a| a.n_buffers = 2,
        "2 buffers, expected 3 or more",
    ),
    (
        "views of buffers without end",
        views,
        |a| a.n_buffers = i64::MAX,
        "9223372036854775807 buffers, expected 3 or more",
    ),
    (
        "children of numbers",
        numbers,
        |a| a.n_children = 1,
        "1 children, expected 0",
    ),
    (
        "a child less",
        structs,
        |a| a.n_children = 1,
        "1 children, expected 2",
    ),
    (
        "a child more",
        structs,
        |a| a.n_children = 3,
        "3 children, expected 2",
    ),
    (
        "no list of children",
        structs,
        |a| a.children = std::ptr::null_mut(),
        "no list of children",
    ),
    (
        "no child",
        structs,
        |a| set_child(a, 1, std::ptr::null_mut()),
        "child 1: not there",
    ),
    (
        "child not aligned",
        structs,
        |a| {
            let address = std::ptr::from_mut(child(a, 1)).wrapping_byte_add(1);
            set_child(a, 1, address.cast());
        },
        "child 1: not there",
    ),
    (
        "its own child",
        structs,
        |a| {
            let itself = std::ptr::from_mut(a).cast();
            set_child(a, 0, itself);
        },
        "child 0",
    ),
    (
        "short child",
        structs,
        |a| child(a, 1).length = 2,
        "child 1: 2 rows, expected 3",
    ),
    (
        "short child of lists",
        fixed_lists,
        |a| child(a, 0).length = 5,
        "5 rows, expected 6",
    ),
    (
        "short child of a union",
        sparse,
        |a| child(a, 1).length = 2,
        "2 rows, expected 3",
    ),
    (
        "no type ids",
        dense,
        |a| set_buffer(a, 0, std::ptr::null()),
        "buffer 0 is not there",
    ),
    (
        "no offsets of a union",
        dense,
        |a| set_buffer(a, 1, std::ptr::null()),
        "buffer 1 is not there",
    ),
    (
        "grandchild",
        || {
            let inner = structs();
            let field = Field::new("s", inner.data_type().clone(), true);
            Arc::new(StructArray::new(vec![field].into(), vec![inner], None))
        },
        |a| child(child(a, 0), 0).length = -1,
        "child 0: child 0: a length of -1",
    ),
    (
        "no dictionary",
        dictionaries,
        |a| a.dictionary = std::ptr::null_mut(),
        "no dictionary",
    ),
    (
        "a dictionary of numbers",
        numbers,
        |a| a.dictionary = std::ptr::from_mut(a).cast(),
        "a dictionary that the type does not have",
    ),
    (
        "the dictionary's length",
        dictionaries,
        // SAFETY: the dictionary is there; the array owns it.
        |a| unsafe { (*a.dictionary.cast::<ArrowArray>()).length = -1 },
        "dictionary: a length of -1",
    ),
    (
        "runs that end too early",
        runs,
        |a| write(child(a, 0), 1, 1, 2_i32),
        "run",
    ),
    (
        "runs out of order",
        runs,
        |a| write(child(a, 0), 1, 0, 3_i32),
        "run",
    ),
    ("runs without ends", runs, |a| child(a, 0).length = 0, "run"),
    (
        "booleans without values",
        booleans,
        |a| set_buffer(a, 1, std::ptr::null()),
        "buffer 1",
    ),
    (
        "binary without values",
        binaries,
        |a| set_buffer(a, 1, std::ptr::null()),
        "buffer 1",
    ),
];

/// What is inside of buffers.
const FULL: &[Lie] = &[
    (
        "an offset out of order",
        texts,
        |a| write(a, 1, 1, 9_i32),
        "non-monotonic offset",
    ),
    (
        "an offset past the text",
        texts,
        |a| write(a, 1, 1, 4_000_i32),
        "out of bounds",
    ),
    (
        "a negative offset",
        texts,
        |a| write(a, 1, 1, -4_i32),
        "Could not convert offset -4",
    ),
    (
        "no UTF-8",
        texts,
        |a| write(a, 2, 4, 0xff_u8),
        "Invalid UTF8",
    ),
    (
        "no UTF-8 in a view",
        views,
        |a| write(a, 2, 4, 0xff_u8),
        "UTF-8",
    ),
    (
        "a view past its buffer",
        views,
        |a| write(a, 1, 0, 1_000_u128),
        "Invalid",
    ),
    (
        "a key past its dictionary",
        dictionaries,
        |a| write(a, 1, 1, 2_i32),
        "out of bounds",
    ),
    (
        "a negative key",
        dictionaries,
        |a| write(a, 1, 1, -1_i32),
        "out of bounds",
    ),
    (
        "a list out of order",
        lists,
        |a| write(a, 1, 1, 9_i32),
        "out of bounds",
    ),
    (
        "a type id of no field",
        sparse,
        |a| write(a, 0, 1, 7_i8),
        "Type id",
    ),
    (
        "a negative type id",
        dense,
        |a| write(a, 0, 1, -7_i8),
        "Type id",
    ),
    (
        "an offset past a union's child",
        dense,
        |a| write(a, 1, 1, 3_i32),
        "Offsets must be",
    ),
    (
        "text in a struct",
        structs,
        |a| write(child(a, 1), 2, 4, 0xff_u8),
        "Invalid UTF8",
    ),
];

fn booleans() -> ArrayRef {
    Arc::new(BooleanArray::from(vec![true, false, true]))
}

fn binaries() -> ArrayRef {
    let rows = ["ab", "cd", "ef"].iter();
    Arc::new(FixedSizeBinaryArray::try_from_iter(rows).unwrap())
}

fn refusal(lie: &Lie, validation: Validation) -> Option<String> {
    let (about, make, spoil, expected) = lie;
    let honest = make();
    let data_type = honest.data_type().clone();
    let copy = import_validated(export_array(&make()), &data_type, Validation::Full).unwrap();
    assert_eq!(&copy, &honest, "{about}");
    let mut array = export_array(&honest);
    drop(honest);
    spoil(&mut array);
    let error = match import_validated(array, &data_type, validation) {
        Ok(_) => return Some(format!("{about}: taken in")),
        Err(error) => error,
    };
    let message = error.message();
    let said = message.contains(expected) && message.starts_with("an array of type");
    (!said || !error.is_violation()).then(|| format!("{about}: {message}"))
}

#[test]
fn structures_that_lie_are_refused() {
    let wrong: Vec<_> = STRUCTURAL
        .iter()
        .flat_map(|lie| [Validation::Structural, Validation::Full].map(|v| refusal(lie, v)))
        .flatten()
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn values_that_lie_are_refused_where_they_are_looked_at() {
    let wrong: Vec<_> = FULL
        .iter()
        .filter_map(|lie| refusal(lie, Validation::Full))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The difference is there: structure alone lets them in.
    let taken_in = FULL
        .iter()
        .filter(|lie| refusal(lie, Validation::Structural).is_some())
        .count();
    assert_eq!(taken_in, FULL.len());
}

/// Nulls in a column of a struct that has none.
#[test]
fn nested_nulls_are_refused() {
    let fields = |nullable| Fields::from(vec![Field::new("a", DataType::Int64, nullable)]);
    for wrap in [false, true] {
        let rows: ArrayRef = Arc::new(StructArray::new(fields(true), vec![numbers()], None));
        let promised = DataType::Struct(fields(false));
        let (rows, promised): (ArrayRef, _) = match wrap {
            false => (rows, promised),
            true => {
                let field = |of: &DataType| Fields::from(vec![Field::new("s", of.clone(), true)]);
                let outer = StructArray::new(field(rows.data_type()), vec![rows], None);
                (Arc::new(outer), DataType::Struct(field(&promised)))
            }
        };
        let error = import_array(export_array(&rows), &promised).unwrap_err();
        assert!(error.message().contains("nulls"), "{error}");
    }
}

/// Arrow would panic, or hold null masks of other rows against each other.
#[test]
fn children_begin_where_their_parent_does() {
    let one = |name: &str, of: &ArrayRef| {
        let field = Field::new(name, of.data_type().clone(), true);
        Arc::new(StructArray::new(vec![field].into(), vec![of.clone()], None)) as ArrayRef
    };
    let eight: ArrayRef = Arc::new(Int64Array::from_iter_values(0..8));
    let inner = one("n", &eight);
    let outer = one("s", &inner);
    let item = Arc::new(Field::new("item", inner.data_type().clone(), true));
    let lists: ArrayRef = Arc::new(FixedSizeListArray::new(item, 2, inner.clone(), None));
    let fields = [Field::new("s", inner.data_type().clone(), true)];
    let fields = UnionFields::try_new([3], fields).unwrap();
    let ids = ScalarBuffer::from(vec![3_i8; 8]);
    let union: ArrayRef =
        Arc::new(UnionArray::try_new(fields, ids, None, vec![inner.clone()]).unwrap());
    for (honest, expected) in [(outer, 2..4), (lists, 1..3), (union, 2..4)] {
        for validation in [Validation::Structural, Validation::Full] {
            let mut array = export_array(&honest);
            (array.offset, array.length) = (1, 2);
            // The struct inside has an offset of its own, but for that of lists, whose rows are pairs.
            let inside = child(&mut array, 0);
            inside.offset = if honest.len() == 4 { 0 } else { 1 };
            inside.length -= inside.offset;
            let back = import_validated(array, honest.data_type(), validation).unwrap();
            let expected = honest.slice(expected.start, expected.len());
            assert_eq!(&back, &expected, "{validation:?}");
        }
    }
}

/// A null that a parent's null covers is none, and one beside it is.
#[test]
fn nested_nulls_are_those_of_the_same_row() {
    let fields = |nullable| Fields::from(vec![Field::new("a", DataType::Int64, nullable)]);
    let promised = DataType::Struct(fields(false));
    for (parent_null, taken_in) in [(1, true), (2, false)] {
        let column = Int64Array::from(vec![Some(0), None, Some(2)]);
        let nulls = (0..3).map(|row| row != parent_null).collect();
        let rows = StructArray::new(fields(true), vec![Arc::new(column)], Some(nulls));
        let mut array = export_array(&rows);
        (array.offset, array.length) = (1, 2);
        let back = import_array(array, &promised);
        assert_eq!(back.is_ok(), taken_in, "{back:?}");
    }
}

/// Compilers before Rust 1.77 gave 128-bit numbers an alignment of 8.
#[test]
fn a_wide_number_of_another_alignment_is_copied() {
    let honest = Decimal128Array::from(vec![7, 8, 9]);
    let honest = honest.with_precision_and_scale(10, 0).unwrap();
    let mut array = export_array(&honest);
    // One of the two begins at an odd multiple of 8.
    let words = [7_u64, 0, 8, 0, 9, 0, 0];
    let mut later = words;
    later.rotate_right(1);
    let space: Vec<u64> = words.iter().chain(&later).copied().collect();
    let odd = |start: &usize| space[*start..].as_ptr().addr() % 16 == 8;
    let start = [0, words.len() + 1].into_iter().find(odd);
    let start = start.unwrap_or(0);
    set_buffer(&mut array, 1, space[start..].as_ptr().cast());
    let back = import_array(array, honest.data_type()).unwrap();
    assert_eq!(back.as_ref(), &honest as &dyn Array);
}

#[test]
fn a_released_array_is_refused() {
    let error = import_array(ArrowArray::empty(), &DataType::Int64).unwrap_err();
    assert!(error.message().contains("released already"), "{error}");
    let mut rows = export_array(&structs());
    let kept = child(&mut rows, 0).take();
    let error = import_array(rows, structs().data_type()).unwrap_err();
    assert!(
        error.message().contains("child 0: released already"),
        "{error}"
    );
    drop(kept);
}

type SchemaLie = (&'static str, fn(&mut ArrowSchema), &'static str);

fn schema_child(schema: &mut ArrowSchema, index: usize) -> &mut ArrowSchema {
    assert!((index as i64) < schema.n_children);
    // SAFETY: there are so many children, which the schema owns.
    unsafe { &mut *(*schema.children.add(index)).cast() }
}

/// Metadata whose first numbers are these.
fn metadata<const N: usize>(numbers: &'static [i32; N]) -> *const std::ffi::c_char {
    numbers.as_ptr().cast()
}

const SCHEMAS: &[SchemaLie] = &[
    ("negative children", |s| s.n_children = -1, "-1 children"),
    (
        "children without end",
        |s| s.n_children = i64::MAX,
        "children of a type '+s'",
    ),
    (
        "no list",
        |s| s.children = std::ptr::null_mut(),
        "2 children",
    ),
    (
        "no child",
        // SAFETY: there are two children.
        |s| unsafe { *s.children.add(1) = std::ptr::null_mut() },
        "a field that is not there",
    ),
    (
        "its own child",
        |s| {
            let itself = std::ptr::from_mut(s).cast();
            // SAFETY: there are two children.
            unsafe { *s.children = itself }
        },
        "more than 64 levels",
    ),
    (
        "released child",
        |s| *schema_child(s, 0) = ArrowSchema::empty(),
        "released already",
    ),
    (
        "metadata without end",
        |s| s.metadata = metadata(&[i32::MAX]),
        "metadata of 2147483647",
    ),
    (
        "negative metadata",
        |s| s.metadata = metadata(&[-1]),
        "metadata of -1",
    ),
    (
        "a key without end",
        |s| s.metadata = metadata(&[1, i32::MAX]),
        "a text of 2147483647",
    ),
    (
        "a negative key",
        |s| schema_child(s, 0).metadata = metadata(&[1, -9]),
        "'a': metadata with",
    ),
    (
        "a list of nothing",
        |s| schema_child(s, 1).format = c"+l".as_ptr(),
        "'b': 0 children",
    ),
    (
        "runs of nothing",
        |s| schema_child(s, 1).format = c"+r".as_ptr(),
        "'b': 0 children",
    ),
    (
        "no such format",
        |s| schema_child(s, 1).format = c"?".as_ptr(),
        "not supported",
    ),
    (
        "no format",
        |s| schema_child(s, 1).format = std::ptr::null(),
        "no format",
    ),
    (
        "format not UTF-8",
        |s| schema_child(s, 1).format = c"\xff".as_ptr(),
        "not UTF-8",
    ),
    (
        "name not UTF-8",
        |s| schema_child(s, 1).name = c"\xff".as_ptr(),
        "not UTF-8",
    ),
    (
        "negative width",
        |s| schema_child(s, 1).format = c"w:-3".as_ptr(),
        "is no type",
    ),
    (
        "no precision",
        |s| schema_child(s, 1).format = c"d:0,0".as_ptr(),
        "is no type",
    ),
    (
        "too much precision",
        |s| schema_child(s, 1).format = c"d:200,5".as_ptr(),
        "is no type",
    ),
];

#[test]
fn schemas_that_lie_are_refused() {
    let honest = Schema::new(vec![
        Field::new("a", DataType::Int64, true),
        Field::new("b", DataType::Utf8, true),
    ]);
    for (about, spoil, expected) in SCHEMAS {
        // Some lies replace what the release function would free: it is not called.
        let mut schema = std::mem::ManuallyDrop::new(export_schema(&honest).unwrap());
        import_fields(&schema).unwrap();
        spoil(&mut schema);
        let error = import_fields(&schema).unwrap_err();
        assert!(error.message().contains(expected), "{about}: {error}");
        assert!(error.is_violation(), "{about}");
    }
}

/// Signatures have lists of any size, arrays have not.
#[test]
fn a_list_of_any_size_is_of_signatures_alone() {
    let item = Field::new("item", DataType::Utf8, true);
    let any_size = DataType::FixedSizeList(Arc::new(item), i32::MIN);
    let schema = Schema::new(vec![Field::new("a", any_size, true)]);
    let exported = export_schema(&schema).unwrap();
    let error = import_types(&exported, TypesOf::Values).unwrap_err();
    assert!(error.message().contains("is no type"), "{error}");
    assert_eq!(
        import_types(&exported, TypesOf::Signatures).unwrap(),
        schema
    );
}

#[test]
fn types_are_bounded_in_depth_and_number() {
    let nested = |levels| {
        (0..levels).fold(DataType::Int64, |inner, _| {
            DataType::List(Arc::new(Field::new("item", inner, true)))
        })
    };
    let schema = |levels| Schema::new(vec![Field::new("a", nested(levels), true)]);
    let import = |levels| import_fields(&export_schema(&schema(levels)).unwrap());
    assert_eq!(import(60).unwrap(), schema(60).fields);
    let error = import(70).unwrap_err();
    assert!(error.message().contains("more than 64 levels"), "{error}");
}
