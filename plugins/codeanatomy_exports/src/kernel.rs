//! Scalar functions from what differs between them.

use std::{any::Any, fmt::Debug, hash::Hash, sync::Arc};

use arrow::{
    array::{Array, ArrayRef},
    datatypes::{DataType, Field, FieldRef},
};
use datafusion_common::{Result, ScalarValue, internal_err};
use datafusion_doc::Documentation;
use datafusion_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
    sort_properties::{ExprProperties, SortProperties},
};

use crate::arguments::{Argument, coerce};

/// What differs between scalar functions. All of them are immutable.
pub(crate) trait Kernel: Any + Debug + PartialEq + Eq + Hash + Send + Sync {
    fn name(&self) -> &'static str;

    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    fn documentation(&self) -> Option<&Documentation>;

    fn arguments(&self) -> &'static [Argument];

    /// Null whenever an argument is.
    fn strict(&self) -> bool {
        true
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType>;

    /// Nullable where an argument is, unless a function says otherwise.
    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<_> = args
            .arg_fields
            .iter()
            .map(|f| f.data_type().clone())
            .collect();
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        let field = Field::new(self.name(), self.return_type(&types)?, nullable);
        Ok(Arc::new(field))
    }

    /// The argument whose values the function hands on unchanged.
    fn passes_through(&self) -> Option<usize> {
        None
    }

    /// One value per row. With constants alone there is one row.
    fn invoke(&self, call: &Call) -> Result<ArrayRef>;
}

/// A call on a batch.
pub(crate) struct Call<'a> {
    pub(crate) args: &'a ScalarFunctionArgs,
    pub(crate) rows: usize,
}

impl Call<'_> {
    /// The arguments beyond `at` may be absent.
    pub(crate) fn argument(&self, at: usize) -> Option<&ColumnarValue> {
        self.args.args.get(at)
    }

    /// An argument as an array of all rows.
    pub(crate) fn array(&self, at: usize) -> Result<ArrayRef> {
        match &self.args.args[at] {
            ColumnarValue::Array(array) => Ok(Arc::clone(array)),
            ColumnarValue::Scalar(value) => value.to_array_of_size(self.rows),
        }
    }

    /// An argument as an array of all rows, or of one where it is a constant.
    pub(crate) fn unexpanded(&self, at: usize) -> Result<Unexpanded> {
        let (array, constant) = match &self.args.args[at] {
            ColumnarValue::Array(array) => (Arc::clone(array), false),
            ColumnarValue::Scalar(value) => (value.to_array_of_size(1)?, true),
        };
        Ok(Unexpanded { array, constant })
    }

    pub(crate) fn return_type(&self) -> &DataType {
        self.args.return_field.data_type()
    }
}

/// An argument whose constant is not repeated for every row.
pub(crate) struct Unexpanded {
    pub(crate) array: ArrayRef,
    constant: bool,
}

impl Unexpanded {
    /// Where the array has the value of a row.
    pub(crate) fn at(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }
}

/// The function of a kernel.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Function<K> {
    kernel: K,
    aliases: Vec<String>,
    signature: Signature,
}

/// The function of `kernel`.
pub(crate) fn function(kernel: impl Kernel) -> Arc<ScalarUDF> {
    let aliases = kernel.aliases().iter().map(|&alias| alias.to_owned());
    Arc::new(ScalarUDF::from(Function {
        aliases: aliases.collect(),
        signature: Signature::user_defined(Volatility::Immutable),
        kernel,
    }))
}

impl<K: Kernel> ScalarUDFImpl for Function<K> {
    fn name(&self) -> &str {
        self.kernel.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        coerce(self.name(), self.kernel.arguments(), arg_types)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.kernel.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.kernel.return_field(&args)
    }

    fn is_strict(&self) -> bool {
        self.kernel.strict()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args
            .args
            .iter()
            .all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let result = self.kernel.invoke(&Call { args: &args, rows })?;
        if result.len() != rows {
            return internal_err!("{} made {} rows of {rows}", self.name(), result.len());
        }
        Ok(match constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?),
            false => ColumnarValue::Array(result),
        })
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        let passed = self.kernel.passes_through().and_then(|at| inputs.get(at));
        Ok(match passed {
            Some(input) => input.sort_properties,
            None if inputs
                .iter()
                .all(|input| input.sort_properties == SortProperties::Singleton) =>
            {
                SortProperties::Singleton
            }
            None => SortProperties::Unordered,
        })
    }

    fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        Ok(self.kernel.passes_through().is_some() && !inputs.is_empty())
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.kernel.documentation()
    }
}
