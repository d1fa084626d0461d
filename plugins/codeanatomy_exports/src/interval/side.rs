//! The two relations of a call, and how a row of both holds a row of either.

use arrow::datatypes::{DataType, FieldRef};
use datafusion_common::{Column, DFSchema, Result, ScalarValue, plan_err};
use datafusion_expr::{Expr, LogicalPlan, cast, lit, type_coercion::binary::comparison_coercion};

use super::{
    aligned::{END, START},
    call::Call,
};

pub(super) const PATH: &str = "__path";
pub(super) const OF_RIGHT: &str = "__of_right";
/// The same for every row. With it beside the path, DataFusion does not take a path for a key of the
/// result, as it would do because it believes that unnesting a group's list leaves the group's key unique.
pub(super) const CONSTANT: &str = "__constant";

/// One of the two relations. Columns are known by their positions.
pub(super) struct Side {
    pub(super) plan: LogicalPlan,
    pub(super) path: usize,
    pub(super) start: usize,
    end: usize,
}

impl Side {
    pub(super) fn new(side: &str, plan: LogicalPlan, call: &Call) -> Result<Self> {
        let schema = plan.schema();
        let path = column(side, schema, &call.path)?;
        let whole_number = |name: &str| {
            let at = column(side, schema, name)?;
            let data_type = schema.field(at).data_type();
            match data_type.is_integer() {
                true => Ok(at),
                false => plan_err!(
                    "interval_align: column '{name}' of the {side} relation is of type {data_type}, \
                     expected an integer type"
                ),
            }
        };
        let (start, end) = (whole_number(&call.start)?, whole_number(&call.end)?);
        Ok(Self {
            path,
            start,
            end,
            plan,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.plan.schema().fields().len()
    }

    pub(super) fn field(&self, at: usize) -> &FieldRef {
        self.plan.schema().field(at)
    }

    pub(super) fn column(&self, at: usize) -> Expr {
        Expr::Column(Column::from(self.plan.schema().qualified_field(at)))
    }

    /// The rows of this side among those of both.
    pub(super) fn row(&self, of_right: bool, places: &Places) -> Result<Vec<Expr>> {
        let of_type =
            |at: usize, data_type: &DataType| match self.field(at).data_type() == data_type {
                true => self.column(at),
                false => cast(self.column(at), data_type.clone()),
            };
        let mut row = vec![
            of_type(self.path, &places.path).alias(PATH),
            lit(true).alias(CONSTANT),
            lit(of_right).alias(OF_RIGHT),
        ];
        for (at, data_type) in places.types.iter().enumerate() {
            let columns = match of_right {
                false => &places.left,
                true => &places.right,
            };
            let expr = match (at, columns.iter().position(|place| *place == Some(at))) {
                (START, _) => of_type(self.start, data_type),
                (END, _) => of_type(self.end, data_type),
                (_, Some(column)) => self.column(column),
                (_, None) => lit(ScalarValue::try_new_null(data_type)?),
            };
            row.push(expr.alias(Places::name(at)));
        }
        Ok(row)
    }
}

/// The position of a column.
pub(super) fn column(side: &str, schema: &DFSchema, name: &str) -> Result<usize> {
    let named = |field: &FieldRef| field.name() == name;
    let mut found = (0..schema.fields().len()).filter(|&at| named(schema.field(at)));
    match (found.next(), found.next()) {
        (Some(at), None) => Ok(at),
        (Some(_), Some(_)) => {
            plan_err!("interval_align: the {side} relation has several columns '{name}'")
        }
        (None, _) => {
            let names: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
            plan_err!(
                "interval_align: the {side} relation has no column '{name}', expected one of {}",
                names.join(", ")
            )
        }
    }
}

/// Where a row of both sides has the columns of each. A left and a right column of one type share a
/// place, so that what is sorted is hardly wider than either side.
pub(super) struct Places {
    /// What paths are compared as.
    pub(super) path: DataType,
    /// Of each place.
    pub(super) types: Vec<DataType>,
    /// Of each left column; a path that is compared as it is has none.
    pub(super) left: Vec<Option<usize>>,
    /// Of each right column; a path that is compared as it is has none.
    pub(super) right: Vec<Option<usize>>,
}

impl Places {
    pub(super) fn new(left: &Side, right: &Side) -> Result<Self> {
        let path = path_type(
            left.field(left.path).data_type(),
            right.field(right.path).data_type(),
        )?;
        // Start and end, as they are compared.
        let mut types = vec![DataType::Int64; 2];
        let left = places(left, &path, &mut types);
        let right = places(right, &path, &mut types);
        Ok(Self {
            path,
            types,
            left,
            right,
        })
    }

    pub(super) fn name(at: usize) -> String {
        format!("__column_{at}")
    }
}

/// What paths are compared as: as they are where they can be, and else as `=` compares them.
fn path_type(left: &DataType, right: &DataType) -> Result<DataType> {
    fn value(data_type: &DataType) -> &DataType {
        match data_type {
            DataType::Dictionary(_, values) => values,
            other => other,
        }
    }
    let wide = |data_type: &DataType| match is_small_dictionary(data_type) {
        true => value(data_type).clone(),
        false => data_type.clone(),
    };
    let (own, other) = (wide(left), wide(right));
    if own == other || (value(&own).is_string() && value(&other).is_string()) {
        return Ok(own);
    }
    match comparison_coercion(value(&own), value(&other)) {
        Some(data_type) => Ok(data_type),
        None => plan_err!(
            "interval_align: paths of type {left} in the left relation and {right} in the right one are \
             not compared"
        ),
    }
}

/// Whether a dictionary, as its keys are of 8 bits, may have no room for what both sides have.
fn is_small_dictionary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Dictionary(keys, _) if keys.primitive_width() == Some(1))
}

fn places(side: &Side, path: &DataType, types: &mut Vec<DataType>) -> Vec<Option<usize>> {
    let mut taken = vec![true; 2];
    let fields = side.plan.schema().fields().iter().enumerate();
    let places = fields.map(|(at, field)| {
        let data_type = field.data_type();
        if at == side.path && data_type == path {
            return None;
        }
        for (own, place) in [(side.start, START), (side.end, END)] {
            if at == own && *data_type == types[place] {
                return Some(place);
            }
        }
        taken.resize(types.len(), false);
        let free = (0..types.len()).find(|&at| !taken[at] && types[at] == *data_type);
        let free = free.filter(|_| !is_small_dictionary(data_type));
        let place = free.unwrap_or_else(|| {
            types.push(data_type.clone());
            taken.push(true);
            types.len() - 1
        });
        taken[place] = true;
        Some(place)
    });
    places.collect()
}
