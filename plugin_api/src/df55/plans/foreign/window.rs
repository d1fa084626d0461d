//! A window function of the host.

use arrow::{
    compute::SortOptions,
    datatypes::{DataType, FieldRef},
};
use datafusion_common::{Result, not_impl_err};
use datafusion_expr::{
    PartitionEvaluator, Signature, WindowUDFImpl,
    function::{PartitionEvaluatorArgs, WindowUDFFieldArgs},
};

use super::{Described, Foreign, identified};
use crate::{
    abi::message::{FunctionKind, PlanQuestion},
    df55::properties::sort_options_from_message,
};

/// Knows what planning asks; the host runs it.
#[derive(Clone)]
pub(in crate::df55::plans) struct ForeignWindow {
    pub(in crate::df55::plans) foreign: Foreign,
    pub(in crate::df55::plans) described: Described,
}

identified!(ForeignWindow);

impl WindowUDFImpl for ForeignWindow {
    fn name(&self) -> &str {
        &self.described.descriptor.name
    }

    fn aliases(&self) -> &[String] {
        &self.described.descriptor.aliases
    }

    fn signature(&self) -> &Signature {
        &self.described.signature
    }

    fn partition_evaluator(
        &self,
        _: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        not_impl_err!(
            "'{}' is a function of the host: it can be planned here, not run",
            self.name()
        )
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let question = PlanQuestion::WindowField {
            function: self.foreign.number,
            name: args.name().to_owned(),
        };
        self.foreign.field(args.input_fields(), &question)
    }

    fn sort_options(&self) -> Option<SortOptions> {
        let direction = self.described.descriptor.sort_options?;
        Some(sort_options_from_message(direction))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.foreign.coerced(FunctionKind::Window, types)
    }
}
