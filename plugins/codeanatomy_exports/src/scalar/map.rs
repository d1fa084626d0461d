//! Maps.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, MapArray, NullBufferBuilder, StructArray, UInt32Builder,
        new_null_array,
    },
    buffer::{OffsetBuffer, ScalarBuffer},
    compute::{cast_with_options, concat, take},
    datatypes::{DataType, Field, FieldRef},
    row::{RowConverter, SortField},
};
use datafusion_common::{
    DataFusionError, Result, exec_err, format::DEFAULT_CAST_OPTIONS, internal_err, plan_err,
};
use datafusion_doc::Documentation;
use datafusion_expr::ReturnFieldArgs;
use datafusion_macros::user_doc;

use super::unicode::TextBuilder;
use crate::{
    arguments::{Accepts, Argument},
    column::{Booleans, Text},
    kernel::{Call, Kernel},
};

/// The fields of a map's keys and values.
fn entry_fields(map: &DataType) -> Result<(&FieldRef, &FieldRef)> {
    match map {
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => Ok((&fields[0], &fields[1])),
            other => internal_err!("a map whose entries are {other}"),
        },
        other => internal_err!("a map of type {other}"),
    }
}

/// An argument of `map_get_default` in the type of the map's keys or values.
///
/// # Errors
/// Names the argument of which a value is none of that type.
fn fitted(name: &str, argument: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    cast_with_options(argument, wanted, &DEFAULT_CAST_OPTIONS).map_err(|error| {
        let what = format!("map_get_default: the argument '{name}' is no {wanted}");
        DataFusionError::from(error).context(what)
    })
}

#[user_doc(
    doc_section(label = "Map Functions"),
    description = "The value of a key, or a default where the map has no such key or a null value under it. Null for a null map or key.",
    syntax_example = "map_get_default(map, key, default)",
    sql_example = "select map_get_default(map {'a': 1}, 'b', 0); -- 0",
    argument(name = "map", description = "The map."),
    argument(
        name = "key",
        description = "The key; it is cast to the type of the map's keys, and one that cannot be is an error."
    ),
    argument(
        name = "default",
        description = "What stands for a missing value; it is cast to the type of the map's values, and may be null. One that cannot be cast is an error."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct MapGetDefault;

impl Kernel for MapGetDefault {
    fn name(&self) -> &'static str {
        "map_get_default"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("map", Accepts::Map),
                Argument::new("key", Accepts::Any),
                Argument::new("default", Accepts::Any),
            ]
        }
    }

    /// A null default shows only where it is needed.
    fn strict(&self) -> bool {
        false
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        if types[0].is_null() {
            return Ok(types[2].clone());
        }
        let (key, value) = entry_fields(&types[0])?;
        for (name, found, wanted) in [("key", &types[1], key), ("default", &types[2], value)] {
            if !arrow::compute::can_cast_types(found, wanted.data_type()) {
                return plan_err!(
                    "map_get_default: the argument '{name}' is of type {found}, expected {} or a \
                     type that can be cast to it",
                    wanted.data_type()
                );
            }
        }
        Ok(value.data_type().clone())
    }

    /// A literal that does not fit is an error before anything runs.
    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<_> = args
            .arg_fields
            .iter()
            .map(|f| f.data_type().clone())
            .collect();
        let data_type = self.return_type(&types)?;
        if !types[0].is_null() {
            let (key, value) = entry_fields(&types[0])?;
            for (at, name, wanted) in [(1, "key", key), (2, "default", value)] {
                if let Some(literal) = args.scalar_arguments.get(at).copied().flatten() {
                    fitted(name, &literal.to_array_of_size(1)?, wanted.data_type())?;
                }
            }
        }
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), data_type, nullable)))
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let maps = call.unexpanded(0)?;
        if maps.array.data_type().is_null() {
            return Ok(new_null_array(call.return_type(), call.rows));
        }
        let keys = call.unexpanded(1)?;
        let defaults = call.unexpanded(2)?;
        let entries = maps.array.as_map();
        let range = entry_range(entries);
        let entry_keys = entries.keys().slice(range.start, range.len());
        let values = entries.values().slice(range.start, range.len());
        let wanted = fitted("key", &keys.array, entry_keys.data_type())?;
        let default = fitted("default", &defaults.array, values.data_type())?;
        // Equal keys are equal bytes, whatever their type.
        let converter = RowConverter::new(vec![SortField::new(wanted.data_type().clone())])?;
        let entry_keys = converter.convert_columns(&[entry_keys])?;
        let wanted_keys = converter.convert_columns(&[Arc::clone(&wanted)])?;

        // Rows of the values, and behind them the defaults.
        let first_default = values.len();
        if u32::try_from(first_default + default.len()).is_err() {
            return exec_err!(
                "map_get_default: more than {} entries in one batch",
                u32::MAX
            );
        }
        let mut chosen = UInt32Builder::with_capacity(call.rows);
        for row in 0..call.rows {
            let (map, key) = (maps.at(row), keys.at(row));
            if entries.is_null(map) || wanted.is_null(key) {
                chosen.append_null();
                continue;
            }
            let found = entries_of(entries, map)
                .map(|at| at - range.start)
                .find(|&at| entry_keys.row(at) == wanted_keys.row(key) && values.is_valid(at));
            let at = found.unwrap_or_else(|| first_default + defaults.at(row));
            chosen.append_value(at as u32);
        }
        let all = concat(&[values.as_ref(), default.as_ref()])?;
        Ok(take(&all, &chosen.finish(), None)?)
    }
}

/// Where the entries of all maps stand: those of a slice are among more.
fn entry_range(maps: &MapArray) -> Range<usize> {
    let offsets = maps.offsets();
    offsets[0] as usize..offsets[maps.len()] as usize
}

/// Where the entries of one map stand.
fn entries_of(maps: &MapArray, row: usize) -> Range<usize> {
    maps.offsets()[row] as usize..maps.offsets()[row + 1] as usize
}

/// What becomes of the letters of a map's keys.
#[derive(Clone, Copy)]
enum KeyCase {
    Lower,
    Upper,
    None,
}

impl KeyCase {
    fn of(name: &str) -> Result<Self> {
        match name.trim() {
            name if name.eq_ignore_ascii_case("lower") => Ok(Self::Lower),
            name if name.eq_ignore_ascii_case("upper") => Ok(Self::Upper),
            name if name.eq_ignore_ascii_case("none") => Ok(Self::None),
            name => plan_err!(
                "map_normalize: the argument 'key_case' is '{name}', expected lower, upper or none"
            ),
        }
    }
}

#[user_doc(
    doc_section(label = "Map Functions"),
    description = "A map with its keys in one case and in the order of their characters. Of keys that become the same the last one's value stays.",
    syntax_example = "map_normalize(map [, key_case [, sort]])",
    sql_example = "select map_normalize(map {'B': 1, 'a': 2}); -- {a: 2, b: 1}",
    argument(name = "map", description = "A map whose keys are strings."),
    argument(
        name = "key_case",
        description = "lower, upper or none; lower without it."
    ),
    argument(
        name = "sort",
        description = "Whether the entries are put in order; true without it."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct MapNormalize;

impl Kernel for MapNormalize {
    fn name(&self) -> &'static str {
        "map_normalize"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("map", Accepts::TextMap),
                Argument::new("key_case", Accepts::Text).optional(),
                Argument::new("sort", Accepts::Boolean).optional(),
            ]
        }
    }

    /// Whatever the argument says of itself, keys in another case, or that are not put in order, may be in
    /// none.
    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match &types[0] {
            DataType::Map(entries, _) => DataType::Map(Arc::clone(entries), false),
            other => other.clone(),
        })
    }

    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        let case = args.scalar_arguments.get(1).copied().flatten();
        if let Some(case) = case.and_then(|case| case.try_as_str().flatten()) {
            KeyCase::of(case)?;
        }
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        let data_type = self.return_type(&[args.arg_fields[0].data_type().clone()])?;
        Ok(Arc::new(Field::new(self.name(), data_type, nullable)))
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let argument = call.unexpanded(0)?;
        if argument.array.data_type().is_null() {
            return Ok(new_null_array(call.return_type(), call.rows));
        }
        let maps = argument.array.as_map();
        let cases = match call.argument(1) {
            Some(cases) => Text::of(cases)?,
            None => Text::Constant(Some("lower")),
        };
        let sort = match call.argument(2) {
            Some(flags) => Booleans::of(flags)?,
            None => Booleans::Constant(Some(true)),
        };
        let keys = Text::of_array(maps.keys())?;
        let mut text = Keys::default();
        let mut names = TextBuilder::of(maps.keys().data_type(), entry_range(maps).len());
        let mut chosen = UInt32Builder::with_capacity(entry_range(maps).len());
        let mut offsets = Vec::with_capacity(call.rows + 1);
        let mut nulls = NullBufferBuilder::new(call.rows);
        let mut length = 0_i32;
        offsets.push(length);
        for row in 0..call.rows {
            let arguments = cases.get(row).zip(sort.get(row));
            let map = argument.at(row);
            if let (Some((case, sort)), true) = (arguments, maps.is_valid(map)) {
                text.fill(entries_of(maps, map), &keys, KeyCase::of(case)?, sort);
                for (name, at) in text.entries() {
                    names.append(Some(name));
                    chosen.append_value(at);
                    length += 1;
                }
                nulls.append_non_null();
            } else {
                nulls.append_null();
            }
            offsets.push(length);
        }
        let values = take(maps.values(), &chosen.finish(), None)?;
        let DataType::Map(entries, ordered) = call.return_type() else {
            return internal_err!("map_normalize promised {}", call.return_type());
        };
        let DataType::Struct(fields) = entries.data_type() else {
            return internal_err!("map_normalize promised {}", call.return_type());
        };
        let columns = vec![names.finish(), values];
        Ok(Arc::new(MapArray::try_new(
            Arc::clone(entries),
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            StructArray::try_new(fields.clone(), columns, None)?,
            nulls.finish(),
            *ordered,
        )?))
    }
}

/// The keys of one map. All maps share what they are written into.
#[derive(Default)]
struct Keys {
    text: String,
    /// Where a key stands in the text, and the row of its value.
    entries: Vec<(Range<usize>, u32)>,
    /// The entries that stay, in their order.
    order: Vec<usize>,
}

impl Keys {
    fn fill(&mut self, rows: Range<usize>, keys: &Text, case: KeyCase, sort: bool) {
        self.text.clear();
        self.entries.clear();
        for row in rows {
            let start = self.text.len();
            // A key is never null.
            let key = keys.get(row).unwrap_or_default();
            match case {
                KeyCase::None => self.text.push_str(key),
                KeyCase::Lower if key.is_ascii() => {
                    self.text
                        .extend(key.chars().map(|c| c.to_ascii_lowercase()));
                }
                // The lower case of this letter alone depends on where it stands.
                KeyCase::Lower if key.contains('Σ') => self.text.push_str(&key.to_lowercase()),
                KeyCase::Lower => self.text.extend(key.chars().flat_map(char::to_lowercase)),
                KeyCase::Upper => self.text.extend(key.chars().flat_map(char::to_uppercase)),
            }
            self.entries.push((start..self.text.len(), row as u32));
        }
        self.keep_last();
        if !sort {
            self.order.sort_unstable();
        }
    }

    /// Puts keys in order. Of those that are the same, the first one stays with the last one's value.
    fn keep_last(&mut self) {
        let Self {
            text,
            entries,
            order,
        } = self;
        order.clear();
        order.extend(0..entries.len());
        let key = |entries: &[(Range<usize>, u32)], at: usize| &text[entries[at].0.clone()];
        order.sort_unstable_by(|&left, &right| {
            let keys = key(entries, left).cmp(key(entries, right));
            keys.then(left.cmp(&right))
        });
        order.dedup_by(|next, kept| {
            let same = key(entries, *next) == key(entries, *kept);
            if same {
                entries[*kept].1 = entries[*next].1;
            }
            same
        });
    }

    fn entries(&self) -> impl Iterator<Item = (&str, u32)> {
        self.order.iter().map(|&at| {
            let (range, row) = &self.entries[at];
            (&self.text[range.clone()], *row)
        })
    }
}
