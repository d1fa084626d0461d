//! The aggregate functions.

mod best;
mod count;
mod frame;
pub(crate) mod grouped;
mod kernel;
mod set;
mod text;

use std::sync::Arc;

use datafusion_expr::AggregateUDF;

use kernel::aggregate;

/// All aggregate functions.
pub fn aggregate_functions() -> Vec<Arc<AggregateUDF>> {
    vec![
        aggregate(set::ListUnique),
        aggregate(set::CollectSet),
        aggregate(set::CountDistinctAgg),
        aggregate(count::CountIf),
        aggregate(best::AnyValueDet),
        aggregate(best::ArgMax),
        aggregate(best::ArgMin),
        aggregate(best::AsofSelect),
        aggregate(text::StringAgg),
    ]
}
