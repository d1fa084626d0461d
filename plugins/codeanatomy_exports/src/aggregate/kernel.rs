//! Aggregate functions from what differs between them.

use std::{any::Any, fmt::Debug, hash::Hash, sync::Arc};

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue, not_impl_err, plan_err};
use datafusion_doc::Documentation;
use datafusion_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, Signature,
    Volatility,
    function::{AccumulatorArgs, StateFieldsArgs},
    utils::AggregateOrderSensitivity,
};

use super::{
    frame::InFrame,
    grouped::{GroupStates, Grouped},
};
use crate::arguments::{Argument, coerce};

/// What differs between aggregate functions. Their results do not depend on the order of rows.
pub(super) trait AggregateKernel: Any + Debug + PartialEq + Eq + Hash + Send + Sync {
    fn name(&self) -> &'static str;

    fn documentation(&self) -> Option<&Documentation>;

    fn arguments(&self) -> &'static [Argument];

    fn return_type(&self, types: &[DataType]) -> Result<DataType>;

    /// The value over no rows; null unless a function says otherwise.
    fn over_nothing(&self, data_type: &DataType) -> Result<ScalarValue> {
        ScalarValue::try_new_null(data_type)
    }

    fn nullable(&self) -> bool {
        true
    }

    /// What `DISTINCT` does; many functions give the same with it.
    fn takes_distinct(&self) -> bool {
        true
    }

    fn state_fields(&self, args: &StateFieldsArgs) -> Result<Vec<FieldRef>>;

    fn states(&self, args: &AccumulatorArgs) -> Result<Box<dyn GroupStates>>;

    /// The state over a frame whose start moves on, where it is another one.
    fn in_frame(&self, _: &AccumulatorArgs) -> Result<Option<InFrame>> {
        Ok(None)
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Aggregate<K> {
    kernel: K,
    signature: Signature,
}

/// The function of `kernel`.
pub(super) fn aggregate(kernel: impl AggregateKernel) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(Aggregate {
        kernel,
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

/// Rows that are compared do not keep dictionaries, wherever in a value they are.
fn without_dictionaries(data_type: &DataType) -> DataType {
    use DataType::{
        Dictionary, FixedSizeList, LargeList, LargeListView, List, ListView, Map, Struct,
    };
    let plain = |field: &FieldRef| {
        let data_type = without_dictionaries(field.data_type());
        Arc::new(Field::clone(field).with_data_type(data_type))
    };
    match data_type {
        Dictionary(_, values) => without_dictionaries(values),
        List(item) => List(plain(item)),
        LargeList(item) => LargeList(plain(item)),
        ListView(item) => ListView(plain(item)),
        LargeListView(item) => LargeListView(plain(item)),
        FixedSizeList(item, length) => FixedSizeList(plain(item), *length),
        Struct(fields) => Struct(fields.iter().map(plain).collect()),
        Map(entries, sorted) => Map(plain(entries), *sorted),
        other => other.clone(),
    }
}

impl<K: AggregateKernel> Aggregate<K> {
    fn check(&self, args: &AccumulatorArgs) -> Result<()> {
        let name = self.kernel.name();
        if !args.order_bys.is_empty() {
            return plan_err!("{name} takes no ORDER BY: it has an order of its own");
        }
        if args.is_distinct && !self.kernel.takes_distinct() {
            return not_impl_err!("{name} takes no DISTINCT");
        }
        Ok(())
    }

    fn states(&self, args: &AccumulatorArgs) -> Result<Box<dyn GroupStates>> {
        self.check(args)?;
        self.kernel.states(args)
    }
}

impl<K: AggregateKernel> AggregateUDFImpl for Aggregate<K> {
    fn name(&self) -> &str {
        self.kernel.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let types = coerce(self.name(), self.kernel.arguments(), arg_types)?;
        Ok(types.iter().map(without_dictionaries).collect())
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.kernel.return_type(arg_types)
    }

    fn is_nullable(&self) -> bool {
        self.kernel.nullable()
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.kernel.over_nothing(data_type)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.kernel.state_fields(&args)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Grouped::one(self.states(&args)?)))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Grouped::many(self.states(&args)?)))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.check(&args)?;
        match self.kernel.in_frame(&args)? {
            Some(in_frame) => Ok(Box::new(in_frame)),
            None => self.accumulator(args),
        }
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.kernel.documentation()
    }
}
