//! Every scalar function on constants, columns, nulls, no rows, slices and all types of strings.

mod cases;
mod errors;
mod more;
mod texts;

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, RecordBatch, new_null_array},
        compute::{cast, concat},
        datatypes::{DataType, FieldRef},
    },
    common::DFSchema,
    logical_expr::ColumnarValue,
    prelude::SessionContext,
};

use crate::{batches, register, rows};

/// A call, what it gives, and what it gives with a null.
struct Case {
    function: &'static str,
    /// In SQL.
    arguments: &'static [&'static str],
    /// The arguments that are literals in every call.
    literal: &'static [usize],
    expected: &'static str,
    /// Arguments whose null does not give null, and what it gives.
    lenient: &'static [(usize, &'static str)],
}

impl Case {
    const fn new(
        function: &'static str,
        arguments: &'static [&'static str],
        expected: &'static str,
    ) -> Self {
        Self {
            function,
            arguments,
            literal: &[],
            expected,
            lenient: &[],
        }
    }

    const fn literal(mut self, literal: &'static [usize]) -> Self {
        self.literal = literal;
        self
    }

    const fn lenient(mut self, lenient: &'static [(usize, &'static str)]) -> Self {
        self.lenient = lenient;
        self
    }

    /// What the call gives when the argument `at` is null.
    fn with_null(&self, at: usize) -> &str {
        let lenient = self.lenient.iter().find(|(argument, _)| *argument == at);
        lenient.map_or("NULL", |(_, expected)| expected)
    }

    fn call(&self, argument: impl Fn(usize) -> String) -> String {
        let arguments: Vec<_> = (0..self.arguments.len())
            .map(|at| match self.literal.contains(&at) {
                true => self.arguments[at].to_owned(),
                false => argument(at),
            })
            .collect();
        format!("{}({})", self.function, arguments.join(", "))
    }

    async fn check(&self, context: &SessionContext) {
        let constant = self.call(|at| self.arguments[at].to_owned());
        assert_eq!(
            rows(context, &format!("SELECT {constant}")).await,
            [self.expected],
            "{constant}"
        );

        let values = self.arguments.iter().enumerate();
        let values: Vec<_> = values
            .map(|(at, value)| format!("{value} AS a{at}"))
            .collect();
        let values = format!("SELECT {}", values.join(", "));
        let values = batches(context, &values).await.unwrap();
        for text in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View] {
            let columns: Vec<_> = values[0]
                .columns()
                .iter()
                .map(|c| with_text(c, &text))
                .collect();
            self.check_columns(context, &columns).await;
        }
        self.check_nulls(context, values[0].columns()).await;
    }

    /// A slice out of the middle of a batch: the values, nulls, the values.
    async fn check_columns(&self, context: &SessionContext, columns: &[ArrayRef]) {
        let columns = columns.iter().enumerate().map(|(at, value)| {
            let null = new_null_array(value.data_type(), 1);
            let parts: [&dyn Array; 5] = [&null, value, &null, value, &null];
            (format!("a{at}"), concat(&parts).unwrap(), true)
        });
        let batch = RecordBatch::try_from_iter_with_nullable(columns)
            .unwrap()
            .slice(1, 3);
        register(context, "input", batch.clone());
        let call = self.call(|at| format!("a{at}"));
        let nulls = (0..self.arguments.len()).filter(|at| !self.literal.contains(at));
        let several = nulls.clone().count() > 1;
        let of_nulls = nulls
            .map(|at| self.with_null(at))
            .find(|&value| value == "NULL");
        let found = rows(context, &format!("SELECT {call} FROM input")).await;
        assert_eq!(
            (&*found[0], &*found[2]),
            (self.expected, self.expected),
            "{call}"
        );
        if let (Some(null), true) = (of_nulls, self.lenient.is_empty() || !several) {
            assert_eq!(found[1], null, "{call} of nulls");
        }
        // A query without rows would not get as far as the function.
        let schema = DFSchema::try_from(batch.schema()).unwrap();
        let expr = context.parse_sql_expr(&call, &schema).unwrap();
        let expr = context.create_physical_expr(expr, &schema).unwrap();
        let ColumnarValue::Array(none) = expr.evaluate(&batch.slice(0, 0)).unwrap() else {
            panic!("{call} of no rows is a constant");
        };
        let data_type = expr.data_type(&batch.schema()).unwrap();
        assert_eq!(
            (none.len(), none.data_type()),
            (0, &data_type),
            "{call} of no rows"
        );
    }

    /// Each argument null on its own: as a constant and in a column.
    async fn check_nulls(&self, context: &SessionContext, values: &[ArrayRef]) {
        let columns = values.iter().enumerate();
        let columns = columns.map(|(at, value)| (format!("a{at}"), Arc::clone(value), true));
        register(
            context,
            "input",
            RecordBatch::try_from_iter_with_nullable(columns).unwrap(),
        );
        let arguments = (0..self.arguments.len()).filter(|at| !self.literal.contains(at));
        for null in arguments {
            let value = |at: usize, value: String| match at == null {
                true => format!("nullif({value}, {value})"),
                false => value,
            };
            let expected = self.with_null(null);
            let data_type = values[null].data_type();
            if data_type.is_nested() {
                let call = self.call(|at| match at == null {
                    true => "(SELECT a FROM nulls)".replace("nulls", "nothing"),
                    false => format!("a{at}"),
                });
                let nothing = [("a", new_null_array(data_type, 1), true)];
                let nothing = RecordBatch::try_from_iter_with_nullable(nothing).unwrap();
                register(context, "nothing", nothing);
                let sql = format!("SELECT {call} FROM input");
                assert_eq!(rows(context, &sql).await, [expected], "{call}");
                continue;
            }
            let call = self.call(|at| value(at, format!("a{at}")));
            let sql = format!("SELECT {call} FROM input");
            assert_eq!(rows(context, &sql).await, [expected], "{call}");
            let call = self.call(|at| value(at, self.arguments[at].to_owned()));
            assert_eq!(
                rows(context, &format!("SELECT {call}")).await,
                [expected],
                "{call}"
            );
        }
    }
}

/// Strings in another type, those in lists and maps too; anything else as it is.
fn with_text(column: &ArrayRef, text: &DataType) -> ArrayRef {
    cast(column, &type_with_text(column.data_type(), text)).unwrap()
}

fn type_with_text(found: &DataType, text: &DataType) -> DataType {
    let with_text = |field: &FieldRef| {
        let field = field.as_ref().clone();
        let data_type = type_with_text(field.data_type(), text);
        Arc::new(field.with_data_type(data_type))
    };
    match found {
        found if found.is_string() => text.clone(),
        DataType::List(item) => DataType::List(with_text(item)),
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(fields) => {
                let entry = DataType::Struct(fields.iter().map(with_text).collect());
                let entries = entries.as_ref().clone().with_data_type(entry);
                DataType::Map(Arc::new(entries), *sorted)
            }
            other => panic!("entries of type {other}"),
        },
        other => other.clone(),
    }
}

#[tokio::test]
async fn on_every_kind_of_input() {
    let context = crate::session();
    for case in cases::CASES {
        case.check(&context).await;
    }
}

#[test]
fn every_function_has_cases() {
    let cased: Vec<_> = cases::CASES.iter().map(|case| case.function).collect();
    // These two are about fields and not values, and are tested on their own.
    let other = ["arrow_metadata", "semantic_tag"];
    for function in datafusion_codeanatomy::scalar_functions(&Default::default()) {
        let name = function.name();
        assert!(
            cased.contains(&name) || other.contains(&name),
            "{name} has no case"
        );
    }
}
