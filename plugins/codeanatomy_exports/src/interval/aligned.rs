//! The aggregate function that a call becomes: over the rows of both sides of one path.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion_common::{Result, ScalarValue, internal_err};
use datafusion_expr::{
    Accumulator, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
    function::{AccumulatorArgs, StateFieldsArgs},
    utils::{AggregateOrderSensitivity, format_state_name},
};

use super::{held::HeldRows, mode::Mode, rank::Compared};
use crate::aggregate::grouped::Grouped;

pub(super) const MATCH_KIND: &str = "match_kind";
pub(super) const MATCH_SCORE: &str = "match_score";

/// Where start and end stand among the columns of both sides.
pub(super) const START: usize = 0;
pub(super) const END: usize = 1;

/// Arguments before the columns: the row's number, and whether it is of the right side.
const OWN: usize = 2;

/// What an alignment takes and gives.
///
/// Columns of both sides share places: where a row is of one side, a column of the other has nothing
/// to say. Every number is a place.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Alignment {
    pub(super) mode: Mode,
    /// Keeps left rows without a match.
    pub(super) keeps_left: bool,
    /// Left columns of the result.
    pub(super) left: Vec<(usize, FieldRef)>,
    /// Right columns of the result.
    pub(super) right: Vec<(usize, FieldRef)>,
    /// What decides between equally good right rows.
    pub(super) ties: Vec<Compared>,
    /// What decides where neither ties nor the length do: every right column.
    pub(super) rest: Vec<Compared>,
    /// The first of these is the start, whatever its type.
    pub(super) start_leads: bool,
}

impl Alignment {
    /// Fields of a row of the result.
    pub(super) fn fields(&self) -> Fields {
        let columns = self.left.iter().chain(&self.right);
        let columns = columns.map(|(_, field)| {
            let field = field.as_ref().clone();
            Arc::new(field.with_nullable(true))
        });
        let own = [
            Arc::new(Field::new(MATCH_KIND, DataType::Utf8, true)),
            Arc::new(Field::new(MATCH_SCORE, DataType::Float64, true)),
        ];
        columns.chain(own).collect()
    }
}

/// For each path the rows of the result, a list of structs in the order of the left rows.
///
/// The arguments are the row's number, which does not count, whether the row is of the right side, and
/// the columns.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Aligned {
    signature: Signature,
    alignment: Arc<Alignment>,
}

impl Aligned {
    pub(super) fn new(alignment: Alignment) -> Self {
        Self {
            signature: Signature::variadic_any(Volatility::Immutable),
            alignment: Arc::new(alignment),
        }
    }

    fn states(&self, args: &AccumulatorArgs) -> Result<Box<HeldRows>> {
        let fields = held(args.expr_fields)?;
        Ok(Box::new(HeldRows::new(Arc::clone(&self.alignment), fields)))
    }
}

/// What is held of a row.
fn held(arguments: &[FieldRef]) -> Result<Fields> {
    let Some(held) = arguments.get(1..).filter(|held| held.len() > OWN) else {
        return internal_err!("{} arguments of an alignment", arguments.len());
    };
    let held = held.iter().enumerate().map(|(at, field)| {
        let name = at.to_string();
        Arc::new(Field::new(name, field.data_type().clone(), true))
    });
    Ok(held.collect())
}

/// A list of rows.
pub(super) fn list_of(fields: Fields) -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Struct(fields), true))
}

impl AggregateUDFImpl for Aligned {
    fn name(&self) -> &str {
        "interval_aligned"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(list_of(self.alignment.fields())))
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, _: &DataType) -> Result<ScalarValue> {
        let states = HeldRows::new(Arc::clone(&self.alignment), Fields::empty());
        Accumulator::evaluate(&mut Grouped::one(Box::new(states)))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let rows = DataType::List(list_of(held(args.input_fields)?));
        let name = format_state_name(args.name, "rows");
        Ok(vec![Arc::new(Field::new(name, rows, false))])
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

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}
