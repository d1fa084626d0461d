//! Columns of a given type, their values following from a seed.

use std::iter::repeat_with;
use std::sync::Arc;

use arrow::array::{
    ArrayData, ArrayRef, BinaryArray, BinaryViewBuilder, BooleanArray, FixedSizeBinaryArray,
    FixedSizeListArray, GenericListArray, GenericListViewArray, LargeBinaryArray, LargeStringArray,
    MapArray, NullArray, OffsetSizeTrait, StringArray, StringViewBuilder, StructArray, UnionArray,
    make_array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Field, FieldRef, Fields, IntervalUnit, TimeUnit, UnionFields, UnionMode, i256,
};

use super::random::Random;

/// A column of `field` with `rows` rows. The same seed gives the same column.
///
/// A column of a nullable field may have no nulls, some, or nothing else.
pub fn array(field: &Field, rows: usize, seed: u64) -> ArrayRef {
    column(field, rows, &mut Random(seed))
}

fn column(field: &Field, rows: usize, random: &mut Random) -> ArrayRef {
    let nulls = nulls(field, rows, random);
    match field.data_type() {
        DataType::Null => Arc::new(NullArray::new(rows)),
        DataType::Boolean => {
            let values = (0..rows).map(|_| random.percent(50)).collect();
            Arc::new(BooleanArray::new(values, nulls))
        }
        DataType::Utf8 => Arc::new(StringArray::from_iter(texts(rows, nulls, random))),
        DataType::LargeUtf8 => Arc::new(LargeStringArray::from_iter(texts(rows, nulls, random))),
        DataType::Utf8View => {
            // Small blocks, so that the values are spread over several buffers.
            let mut builder = StringViewBuilder::new().with_fixed_block_size(64);
            builder.extend(texts(rows, nulls, random));
            Arc::new(builder.finish())
        }
        DataType::Binary => Arc::new(BinaryArray::from_iter(blobs(rows, nulls, random))),
        DataType::LargeBinary => Arc::new(LargeBinaryArray::from_iter(blobs(rows, nulls, random))),
        DataType::BinaryView => {
            let mut builder = BinaryViewBuilder::new().with_fixed_block_size(64);
            builder.extend(blobs(rows, nulls, random));
            Arc::new(builder.finish())
        }
        DataType::FixedSizeBinary(width) => {
            let values = Buffer::from(random.bytes(rows * *width as usize));
            Arc::new(FixedSizeBinaryArray::new(*width, values, nulls))
        }
        DataType::List(item) => list::<i32>(item, rows, nulls, random),
        DataType::LargeList(item) => list::<i64>(item, rows, nulls, random),
        DataType::ListView(item) => list_view::<i32>(item, rows, nulls, random),
        DataType::LargeListView(item) => list_view::<i64>(item, rows, nulls, random),
        DataType::FixedSizeList(item, size) => {
            let values = column(item, rows * *size as usize, random);
            let item = Arc::clone(item);
            let list = FixedSizeListArray::try_new_with_length(item, *size, values, nulls, rows);
            Arc::new(list.unwrap())
        }
        DataType::Struct(members) => Arc::new(structs(members, rows, nulls, random)),
        DataType::Map(entries, ordered) => map(entries, *ordered, rows, nulls, random),
        DataType::Union(members, mode) => union(members, *mode, rows, random),
        DataType::Dictionary(keys, values) => {
            dictionary(field.data_type(), (keys, values), rows, nulls, random)
        }
        DataType::RunEndEncoded(ends, values) => {
            run_ends(field.data_type(), ends, values, rows, random)
        }
        fixed => {
            let values: Vec<u8> = (0..rows).flat_map(|_| fixed_width(fixed, random)).collect();
            let builder = ArrayData::builder(fixed.clone()).len(rows).nulls(nulls);
            made(builder.add_buffer(aligned(&values)).build())
        }
    }
}

fn made(data: Result<ArrayData, arrow::error::ArrowError>) -> ArrayRef {
    make_array(data.unwrap())
}

/// A copy at an address that suits every type.
fn aligned(bytes: &[u8]) -> Buffer {
    Buffer::from_slice_ref(bytes)
}

/// No validity buffer, one that is all valid, one with some nulls, or nothing but nulls.
fn nulls(field: &Field, rows: usize, random: &mut Random) -> Option<NullBuffer> {
    if !field.is_nullable() {
        return None;
    }
    let percent = [None, Some(0), Some(30), Some(30), Some(100)][random.below(5)]?;
    Some((0..rows).map(|_| !random.percent(percent)).collect())
}

fn valid(nulls: &Option<NullBuffer>, row: usize) -> bool {
    nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
}

fn texts(rows: usize, nulls: Option<NullBuffer>, random: &mut Random) -> Vec<Option<String>> {
    let mut text = |row| valid(&nulls, row).then(|| random.text());
    (0..rows).map(&mut text).collect()
}

fn blobs(rows: usize, nulls: Option<NullBuffer>, random: &mut Random) -> Vec<Option<Vec<u8>>> {
    let mut blob = |row| {
        let len = random.below(20);
        valid(&nulls, row).then(|| random.bytes(len))
    };
    (0..rows).map(&mut blob).collect()
}

/// One value of a type that is neither nested nor of variable width, as its bytes.
fn fixed_width(data_type: &DataType, random: &mut Random) -> Vec<u8> {
    let any = |random: &mut Random, width: usize| {
        let number = random.within(i64::MAX);
        number
            .to_le_bytes()
            .into_iter()
            .cycle()
            .take(width)
            .collect()
    };
    match data_type {
        DataType::Float16 => random
            .pick(&[
                &[0u8, 0][..],
                &[0, 0x80],
                &[0, 0x7C],
                &[1, 0x7E],
                &[0, 0x3C],
            ])
            .to_vec(),
        DataType::Float32 => float(random).to_le_bytes().to_vec(),
        DataType::Float64 => f64::from(float(random)).to_le_bytes().to_vec(),
        DataType::Decimal32(precision, _) => (random.within(below_power_of_ten(*precision)) as i32)
            .to_le_bytes()
            .to_vec(),
        DataType::Decimal64(precision, _) => random
            .within(below_power_of_ten(*precision))
            .to_le_bytes()
            .to_vec(),
        DataType::Decimal128(precision, _) => {
            i128::from(random.within(below_power_of_ten(*precision)))
                .to_le_bytes()
                .to_vec()
        }
        DataType::Decimal256(precision, _) => {
            let value = random.within(below_power_of_ten(*precision));
            i256::from_i128(value.into()).to_le_bytes().to_vec()
        }
        // A time lies within a day, and a date in milliseconds on its midnight.
        DataType::Time32(TimeUnit::Second) => (random.below(86_400) as i32).to_le_bytes().to_vec(),
        DataType::Time32(_) => (random.below(86_400_000) as i32).to_le_bytes().to_vec(),
        DataType::Time64(TimeUnit::Microsecond) => {
            random.below(86_400_000_000).to_le_bytes().to_vec()
        }
        DataType::Time64(_) => random.below(86_400_000_000_000).to_le_bytes().to_vec(),
        DataType::Date32 => (random.within(1_000_000) as i32).to_le_bytes().to_vec(),
        DataType::Date64 => (random.within(1_000_000) * 86_400_000)
            .to_le_bytes()
            .to_vec(),
        // Seconds that a calendar still reaches.
        DataType::Timestamp(TimeUnit::Second, _) => random.within(1 << 40).to_le_bytes().to_vec(),
        DataType::Interval(IntervalUnit::MonthDayNano) => any(random, 16),
        other => any(random, other.primitive_width().unwrap()),
    }
}

fn float(random: &mut Random) -> f32 {
    match random.below(8) {
        0 => f32::NAN,
        1 => f32::INFINITY,
        2 => f32::NEG_INFINITY,
        3 => -0.0,
        _ => random.within(1 << 40) as f32 / 1024.0,
    }
}

/// The greatest number of `precision` digits, or of as many as fit.
fn below_power_of_ten(precision: u8) -> i64 {
    10_i64.pow(u32::from(precision.min(18))) - 1
}

fn lengths(rows: usize, random: &mut Random) -> Vec<usize> {
    // Null rows have a length, too: Arrow allows it.
    repeat_with(|| random.below(4)).take(rows).collect()
}

fn list<O: OffsetSizeTrait>(
    item: &FieldRef,
    rows: usize,
    nulls: Option<NullBuffer>,
    random: &mut Random,
) -> ArrayRef {
    let offsets = OffsetBuffer::<O>::from_lengths(lengths(rows, random));
    let values = column(item, offsets[rows].as_usize(), random);
    Arc::new(GenericListArray::new(
        Arc::clone(item),
        offsets,
        values,
        nulls,
    ))
}

/// Rows in any order, which share values and leave some out.
fn list_view<O: OffsetSizeTrait>(
    item: &FieldRef,
    rows: usize,
    nulls: Option<NullBuffer>,
    random: &mut Random,
) -> ArrayRef {
    let values = rows * 2 + 4;
    let number = |number: usize| O::from_usize(number).unwrap();
    let sizes = lengths(rows, random);
    let offsets: ScalarBuffer<O> = sizes
        .iter()
        .map(|size| number(random.below(values - size)))
        .collect();
    let sizes: ScalarBuffer<O> = sizes.into_iter().map(number).collect();
    let values = column(item, values, random);
    Arc::new(GenericListViewArray::new(
        Arc::clone(item),
        offsets,
        sizes,
        values,
        nulls,
    ))
}

fn structs(
    members: &Fields,
    rows: usize,
    nulls: Option<NullBuffer>,
    random: &mut Random,
) -> StructArray {
    let columns = members
        .iter()
        .map(|member| column(member, rows, random))
        .collect();
    StructArray::try_new_with_length(members.clone(), columns, nulls, rows).unwrap()
}

fn map(
    entries: &FieldRef,
    ordered: bool,
    rows: usize,
    nulls: Option<NullBuffer>,
    random: &mut Random,
) -> ArrayRef {
    let DataType::Struct(members) = entries.data_type() else {
        unreachable!("a map's entries are a struct")
    };
    let offsets = OffsetBuffer::<i32>::from_lengths(lengths(rows, random));
    let pairs = structs(members, offsets[rows] as usize, None, random);
    Arc::new(MapArray::new(
        Arc::clone(entries),
        offsets,
        pairs,
        nulls,
        ordered,
    ))
}

fn union(members: &UnionFields, mode: UnionMode, rows: usize, random: &mut Random) -> ArrayRef {
    let ids: Vec<i8> = members.iter().map(|(id, _)| id).collect();
    let of_rows: ScalarBuffer<i8> = (0..rows).map(|_| ids[random.below(ids.len())]).collect();
    let offsets = (mode == UnionMode::Dense).then(|| {
        let row = |row| {
            of_rows[..row]
                .iter()
                .filter(|id| **id == of_rows[row])
                .count() as i32
        };
        (0..rows).map(row).collect()
    });
    let columns = members
        .iter()
        .map(|(_, member)| column(member, rows, random))
        .collect();
    Arc::new(UnionArray::try_new(members.clone(), of_rows, offsets, columns).unwrap())
}

/// Keys point anywhere into values that repeat, are null or are not used.
fn dictionary(
    data_type: &DataType,
    (keys, values): (&DataType, &DataType),
    rows: usize,
    nulls: Option<NullBuffer>,
    random: &mut Random,
) -> ArrayRef {
    let count = 1 + random.below(6);
    let values = column(&Field::new("values", values.clone(), true), count, random);
    let width = keys.primitive_width().unwrap();
    let keys: Vec<u8> = (0..rows)
        .flat_map(|_| random.below(count).to_le_bytes().into_iter().take(width))
        .collect();
    let builder = ArrayData::builder(data_type.clone()).len(rows).nulls(nulls);
    made(
        builder
            .add_buffer(aligned(&keys))
            .add_child_data(values.to_data())
            .build(),
    )
}

fn run_ends(
    data_type: &DataType,
    ends: &FieldRef,
    values: &FieldRef,
    rows: usize,
    random: &mut Random,
) -> ArrayRef {
    let width = ends.data_type().primitive_width().unwrap();
    let mut last = 0;
    let mut bytes = Vec::new();
    let mut runs = 0;
    while last < rows {
        last = (last + 1 + random.below(5)).min(rows);
        bytes.extend(last.to_le_bytes().into_iter().take(width));
        runs += 1;
    }
    let ends = ArrayData::builder(ends.data_type().clone())
        .len(runs)
        .add_buffer(aligned(&bytes));
    let values = column(values, runs, random);
    let builder = ArrayData::builder(data_type.clone()).len(rows);
    let builder = builder.add_child_data(ends.build().unwrap());
    made(builder.add_child_data(values.to_data()).build())
}
