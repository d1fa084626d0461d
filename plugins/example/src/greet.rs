//! `greet(name)`, a scalar function.

use std::sync::{Arc, LazyLock};

use arrow::{
    array::{Array, AsArray, StringBuilder},
    datatypes::DataType,
};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
    scalar_doc_sections::DOC_SECTION_STRING,
};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        DOC_SECTION_STRING,
        "Greets a person by name.",
        "greet(name)",
    )
    .with_argument("name", "Who is greeted.")
    .with_sql_example("select greet('Ada'); -- Hello, Ada!")
    .build()
});

/// Greets by name; null for null.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Greet {
    signature: Signature,
}

impl Greet {
    /// The function.
    pub fn new() -> Self {
        let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable)
            .with_parameter_names(vec!["name"])
            .unwrap_or_else(|_| Signature::exact(vec![DataType::Utf8], Volatility::Immutable));
        Self { signature }
    }
}

impl Default for Greet {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalarUDFImpl for Greet {
    fn name(&self) -> &str {
        "greet"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match &args.args[0] {
            // A constant stays a constant.
            ColumnarValue::Scalar(name) => {
                let greeting = name
                    .try_as_str()
                    .flatten()
                    .map(|name| format!("Hello, {name}!"));
                Ok(ColumnarValue::Scalar(ScalarValue::Utf8(greeting)))
            }
            ColumnarValue::Array(names) => {
                let names = names.as_string::<i32>();
                let mut greetings = StringBuilder::with_capacity(
                    names.len(),
                    names.values().len() + 8 * names.len(),
                );
                for name in names {
                    match name {
                        None => greetings.append_null(),
                        Some(name) => {
                            use std::fmt::Write;
                            write!(greetings, "Hello, {name}!")?;
                            greetings.append_value("");
                        }
                    }
                }
                Ok(ColumnarValue::Array(Arc::new(greetings.finish())))
            }
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}
