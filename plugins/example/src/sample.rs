//! A relation planner: `FROM t TABLESAMPLE (n PERCENT) [REPEATABLE (seed)]`.

use std::sync::Arc;

use arrow::{
    array::{AsArray, BooleanArray},
    datatypes::{DataType, Float64Type, Int64Type, UInt64Type},
};
use datafusion_common::{Result, not_impl_err, plan_err};
use datafusion_expr::{
    ColumnarValue, Expr, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility, col,
    expr::WindowFunction,
    lit,
    planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
};
use sqlparser::ast::{
    Expr as SqlExpr, TableFactor, TableSample, TableSampleKind, TableSampleUnit, Value,
};

const ROW: &str = "__sampled_row";

/// Keeps about `n` percent of a relation's rows: the same ones for the same seed, as long as the
/// rows come in the same order.
#[derive(Debug)]
pub struct Sample;

impl RelationPlanner for Sample {
    fn plan_relation(
        &self,
        mut relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let (TableFactor::Table { sample, .. } | TableFactor::Derived { sample, .. }) =
            &mut relation
        else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let Some(TableSampleKind::BeforeTableAlias(kept) | TableSampleKind::AfterTableAlias(kept)) =
            sample.take()
        else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let (percent, seed) = percent_and_seed(&kept)?;
        // Without its sample the relation is planned by all planners again, and has its alias.
        let input = context.plan(relation)?;
        let columns: Vec<Expr> = input
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .collect();
        let Some(row_number) = context.context_provider().get_window_meta("row_number") else {
            return plan_err!("TABLESAMPLE needs the window function row_number");
        };
        let row = Expr::from(WindowFunction::new(row_number, Vec::new())).alias(ROW);
        let is_sampled = ScalarUDF::from(Sampled::new());
        let is_sampled = is_sampled.call(vec![col(ROW), lit(seed), lit(percent)]);
        let plan = LogicalPlanBuilder::from(input)
            .window([row])?
            .filter(is_sampled)?
            .project(columns)?
            .build()?;
        let planned = PlannedRelation::new(plan, None);
        Ok(RelationPlanning::Planned(Box::new(planned)))
    }
}

fn percent_and_seed(sample: &TableSample) -> Result<(f64, i64)> {
    let Some(quantity) = &sample.quantity else {
        return plan_err!("TABLESAMPLE needs a share of the rows in percent");
    };
    if sample.bucket.is_some() || quantity.unit == Some(TableSampleUnit::Rows) {
        return not_impl_err!("TABLESAMPLE takes PERCENT only");
    }
    let SqlExpr::Value(percent) = &quantity.value else {
        return plan_err!("TABLESAMPLE takes a number and not {}", quantity.value);
    };
    let percent = match number::<f64>(&percent.value) {
        Some(percent) if (0.0..=100.0).contains(&percent) => percent,
        _ => return plan_err!("TABLESAMPLE takes 0 to 100 percent and not {percent}"),
    };
    let seed = match &sample.seed {
        None => 0,
        Some(seed) => match number(&seed.value.value) {
            Some(seed) => seed,
            None => return plan_err!("a seed is a whole number and not {}", seed.value),
        },
    };
    Ok((percent, seed))
}

fn number<T: std::str::FromStr>(value: &Value) -> Option<T> {
    match value {
        Value::Number(text, _) => text.to_string().parse().ok(),
        _ => None,
    }
}

/// `sampled(row, seed, percent)`: whether the row is one of the sample.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Sampled(Signature);

impl Sampled {
    /// The function.
    pub fn new() -> Self {
        let types = vec![DataType::UInt64, DataType::Int64, DataType::Float64];
        Self(Signature::exact(types, Volatility::Immutable))
    }
}

impl Default for Sampled {
    fn default() -> Self {
        Self::new()
    }
}

/// Steele et al., "Fast splittable pseudorandom number generators" (2014): SplitMix64.
fn mixed(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl ScalarUDFImpl for Sampled {
    fn name(&self) -> &str {
        "sampled"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = args.args.iter().map(|arg| arg.to_array(args.number_rows));
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        let rows = arrays[0].as_primitive::<UInt64Type>();
        let seeds = arrays[1].as_primitive::<Int64Type>();
        let percents = arrays[2].as_primitive::<Float64Type>();
        let sampled: BooleanArray = rows
            .iter()
            .zip(seeds)
            .zip(percents)
            .map(|((row, seed), percent)| {
                let drawn = mixed(row? ^ mixed(seed?.cast_unsigned()));
                // 53 bits, as many as a double has.
                let share = (drawn >> 11) as f64 / (1_u64 << 53) as f64;
                Some(share * 100.0 < percent?)
            })
            .collect();
        Ok(ColumnarValue::Array(Arc::new(sampled)))
    }
}
