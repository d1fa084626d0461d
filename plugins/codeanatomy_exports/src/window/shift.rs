//! DataFusion's `lag`, `lead` and `row_number` under names that no other system's functions have.

use std::sync::Arc;

use arrow::{
    compute::SortOptions,
    datatypes::{DataType, FieldRef},
};
use datafusion_common::Result;
use datafusion_doc::Documentation;
use datafusion_expr::{
    LimitEffect, PartitionEvaluator, ReversedUDWF, Signature, WindowUDF, WindowUDFImpl,
    function::{ExpressionArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs},
};
use datafusion_functions_window::{
    lead_lag::{lag_udwf, lead_udwf},
    row_number::row_number_udwf,
};
use datafusion_macros::user_doc;
use datafusion_physical_expr::PhysicalExpr;

use crate::arguments::{Accepts, Argument, coerce};

#[user_doc(
    doc_section(label = "Window Functions"),
    description = "The value some rows before the current one; DataFusion's lag.",
    syntax_example = "lag_window(value [, offset [, default]])",
    sql_example = "select lag_window(bstart) over (partition by path order by bstart) from nodes;",
    argument(name = "value", description = "What is looked up."),
    argument(
        name = "offset",
        description = "How many rows before, a literal; 1 without it."
    ),
    argument(
        name = "default",
        description = "What stands for a value where there is no such row, a literal; null without it."
    )
)]
struct Lag;

#[user_doc(
    doc_section(label = "Window Functions"),
    description = "The value some rows after the current one; DataFusion's lead.",
    syntax_example = "lead_window(value [, offset [, default]])",
    sql_example = "select lead_window(bstart) over (partition by path order by bstart) from nodes;",
    argument(name = "value", description = "What is looked up."),
    argument(
        name = "offset",
        description = "How many rows after, a literal; 1 without it."
    ),
    argument(
        name = "default",
        description = "What stands for a value where there is no such row, a literal; null without it."
    )
)]
struct Lead;

#[user_doc(
    doc_section(label = "Window Functions"),
    description = "The number of the current row in its partition, from 1; DataFusion's row_number.",
    syntax_example = "row_number_window()",
    sql_example = "select row_number_window() over (partition by path order by bstart) from nodes;"
)]
struct RowNumber;

/// One of DataFusion's functions with another name.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Renamed {
    name: &'static str,
    inner: Arc<WindowUDF>,
}

impl Renamed {
    fn arguments(&self) -> &'static [Argument] {
        match self.name {
            "row_number_window" => &[],
            _ => {
                const {
                    &[
                        Argument::new("value", Accepts::Any),
                        Argument::new("offset", Accepts::Integer).optional(),
                        Argument::new("default", Accepts::Any).optional(),
                    ]
                }
            }
        }
    }

    pub(super) fn lag() -> Self {
        Self {
            name: "lag_window",
            inner: lag_udwf(),
        }
    }

    pub(super) fn lead() -> Self {
        Self {
            name: "lead_window",
            inner: lead_udwf(),
        }
    }

    pub(super) fn row_number() -> Self {
        Self {
            name: "row_number_window",
            inner: row_number_udwf(),
        }
    }
}

impl WindowUDFImpl for Renamed {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn expressions(&self, args: ExpressionArgs) -> Vec<Arc<dyn PhysicalExpr>> {
        self.inner.expressions(args)
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        self.inner.partition_evaluator_factory(args)
    }

    /// The signature takes any types; that an offset is no number would show when the query runs.
    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let types = args.input_fields().iter();
        let types: Vec<_> = types.map(|field| field.data_type().clone()).collect();
        coerce(self.name, self.arguments(), &types)?;
        self.inner.field(args)
    }

    fn sort_options(&self) -> Option<SortOptions> {
        self.inner.sort_options()
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        let reversed = match (self.name, self.inner.reverse_expr()) {
            ("lag_window", ReversedUDWF::Reversed(inner)) => ("lead_window", inner),
            ("lead_window", ReversedUDWF::Reversed(inner)) => ("lag_window", inner),
            (_, ReversedUDWF::Identical) => return ReversedUDWF::Identical,
            _ => return ReversedUDWF::NotSupported,
        };
        let (name, inner) = reversed;
        ReversedUDWF::Reversed(Arc::new(WindowUDF::from(Self { name, inner })))
    }

    fn documentation(&self) -> Option<&Documentation> {
        match self.name {
            "lag_window" => Lag.doc(),
            "lead_window" => Lead.doc(),
            _ => RowNumber.doc(),
        }
    }

    fn limit_effect(&self, args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        self.inner.inner().limit_effect(args)
    }
}
