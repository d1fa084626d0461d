//! Accumulators of one group and of many, called as a physical plan calls them.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray},
        datatypes::{FieldRef, Schema},
    },
    common::{Result, ScalarValue, exec_err},
    logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator},
    physical_expr::{
        aggregate::{AggregateExprBuilder, AggregateFunctionExpr},
        expressions::Column,
    },
};
use plugin_tests::data;
use proptest::prelude::*;

use super::super::twins::twins;

fn planned(udf: Arc<AggregateUDF>, field: &FieldRef) -> AggregateFunctionExpr {
    let schema = Arc::new(Schema::new(vec![Arc::clone(field)]));
    let argument = Arc::new(Column::new(field.name(), 0));
    AggregateExprBuilder::new(udf, vec![argument])
        .schema(schema)
        .alias("aggregate")
        .build()
        .unwrap()
}

/// Everything that comes out of an accumulator fed with `slices`: states and results, each of the
/// promised type.
///
/// DataFusion's own list constants lose metadata of their items. Linked in that is an error as soon
/// as the value meets its schema; loaded, already when it is to cross.
fn outcome(expr: &AggregateFunctionExpr, slices: &[ArrayRef]) -> Result<Vec<ScalarValue>> {
    let mut all = expr.create_accumulator()?;
    let mut merged = expr.create_accumulator()?;
    let mut values = Vec::new();
    for slice in slices {
        let mut partial = expr.create_accumulator()?;
        partial.update_batch(&[Arc::clone(slice)])?;
        all.update_batch(&[Arc::clone(slice)])?;
        let state = partial.state()?;
        let arrays = state.iter().map(|value| value.to_array_of_size(1));
        merged.merge_batch(&arrays.collect::<Result<Vec<_>>>()?)?;
        values.extend(state);
    }
    values.extend([all.evaluate()?, merged.evaluate()?]);
    let mut values = values
        .into_iter()
        .map(with_member)
        .collect::<Result<Vec<_>>>()?;
    let promised = expr.state_fields()?[0].data_type().clone();
    if let Some(other) = values.iter().find(|value| value.data_type() != promised) {
        return exec_err!("{} where {promised} was promised", other.data_type());
    }
    if all.supports_retract_batch() {
        for slice in slices.iter().rev() {
            all.retract_batch(&[Arc::clone(slice)])?;
            values.push(all.evaluate()?);
        }
    }
    Ok(values)
}

/// Arrow's unions have no null of their own: DataFusion's becomes that of the first member as soon
/// as it is in an array, and so when it crosses.
fn with_member(value: ScalarValue) -> Result<ScalarValue> {
    match value {
        ScalarValue::Union(None, ..) => ScalarValue::try_from_array(&value.to_array_of_size(1)?, 0),
        other => Ok(other),
    }
}

fn slices(column: &ArrayRef, parts: usize) -> Vec<ArrayRef> {
    let size = column.len().div_ceil(parts).max(1);
    let starts = (0..column.len()).step_by(size);
    starts
        .map(|start| column.slice(start, size.min(column.len() - start)))
        .collect()
}

/// Everything that comes out of a groups accumulator.
fn grouped(
    mut accumulator: Box<dyn GroupsAccumulator>,
    mut other: Box<dyn GroupsAccumulator>,
    column: &ArrayRef,
    groups: &[usize],
    filter: Option<&BooleanArray>,
) -> Result<Vec<ArrayRef>> {
    let values = [Arc::clone(column)];
    let mut out = accumulator.convert_to_state(&values, filter)?;
    accumulator.update_batch(&values, groups, filter, 5)?;
    accumulator.update_batch(&values, groups, None, 7)?;
    let state = accumulator.state(EmitTo::First(3))?;
    other.merge_batch(&state, &[2, 0, 2], 4)?;
    out.extend(state);
    out.push(accumulator.evaluate(EmitTo::All)?);
    out.push(other.evaluate(EmitTo::All)?);
    Ok(out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn accumulators_give_the_same(
        (field, column) in data::field_and_array(),
        parts in 1..4_usize,
    ) {
        for name in ["last_of", "gather", "tally"] {
            let [linked_in, loaded] = twins().aggregate(name).map(|udf| planned(udf, &field));
            prop_assert_eq!(loaded.field(), linked_in.field());
            prop_assert_eq!(loaded.state_fields().unwrap(), linked_in.state_fields().unwrap());
            let [linked_in, loaded] = [linked_in, loaded].map(|e| outcome(&e, &slices(&column, parts)));
            match (linked_in, loaded) {
                (Ok(linked_in), Ok(loaded)) => {
                    let types = |values: &[ScalarValue]| -> Vec<_> {
                        values.iter().map(ScalarValue::data_type).collect()
                    };
                    prop_assert_eq!(types(&loaded), types(&linked_in));
                    prop_assert_eq!(loaded, linked_in);
                }
                // A type that DataFusion has no constants of, or arrow cannot concatenate.
                (Err(linked_in), loaded) => prop_assert!(loaded.is_err(), "only linked in: {linked_in}"),
                (Ok(_), Err(loaded)) => prop_assert!(false, "only loaded: {loaded}"),
            }
        }
    }

    #[test]
    fn groups_accumulators_give_the_same(
        (field, column) in data::field_and_array(),
        seed in prop::collection::vec(0..5_usize, data::MAX_ROWS),
        filter in prop::option::of(prop::collection::vec(any::<Option<bool>>(), data::MAX_ROWS)),
    ) {
        let groups = &seed[..column.len()];
        let filter = filter.map(|filter| BooleanArray::from(filter).slice(0, column.len()));
        let [linked_in, loaded] = twins().aggregate("tally").map(|udf| {
            let expr = planned(udf, &field);
            assert!(expr.groups_accumulator_supported());
            let [one, other] = [(), ()].map(|()| expr.create_groups_accumulator().unwrap());
            grouped(one, other, &column, groups, filter.as_ref()).unwrap()
        });
        prop_assert_eq!(&loaded, &linked_in);
        prop_assert!(loaded.iter().all(|array| array.as_primitive_opt::<
            datafusion::arrow::datatypes::Int64Type>().is_some()));
    }
}
