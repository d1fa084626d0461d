//! Qualified names.

use arrow::{array::ArrayRef, datatypes::DataType};
use datafusion_common::Result;
use datafusion_doc::Documentation;
use datafusion_macros::user_doc;

use super::unicode::{Normalizer, TextBuilder};
use crate::{
    Options,
    arguments::{Accepts, Argument},
    column::Text,
    kernel::{Call, Kernel},
};

#[user_doc(
    doc_section(label = "String Functions"),
    description = "A qualified name of symbol and module, both as utf8_normalize has them: module.symbol, or the symbol alone where it has a dot itself or the module is empty. The result has the type of the symbol.",
    syntax_example = "qname_normalize(symbol [, module [, lang]])",
    sql_example = "select qname_normalize('Join', 'os.path'); -- os.path.join",
    argument(name = "symbol", description = "The name."),
    argument(name = "module", description = "Where it is defined."),
    argument(
        name = "lang",
        description = "The language; every language is treated alike, but a null gives null."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct QnameNormalize {
    options: Options,
}

impl QnameNormalize {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
        }
    }
}

impl Kernel for QnameNormalize {
    fn name(&self) -> &'static str {
        "qname_normalize"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["qualname_normalize"]
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("symbol", Accepts::Text),
                Argument::new("module", Accepts::Text).optional(),
                Argument::new("lang", Accepts::Text).optional(),
            ]
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let mut normalizer = Normalizer::of(self.options.of(&call.args.config_options))?;
        let symbols = Text::of(&call.args.args[0])?;
        let optional = |at| match call.argument(at) {
            Some(texts) => Text::of(texts),
            None => Ok(Text::Constant(Some(""))),
        };
        let (modules, languages) = (optional(1)?, optional(2)?);
        let mut names = TextBuilder::of(call.return_type(), call.rows);
        let (mut symbol, mut name) = (String::new(), String::new());
        for row in 0..call.rows {
            let (Some(text), Some(module), Some(_)) =
                (symbols.get(row), modules.get(row), languages.get(row))
            else {
                names.append(None);
                continue;
            };
            symbol.clear();
            symbol.push_str(normalizer.normalized(text));
            name.clear();
            let module = normalizer.normalized(module);
            if !module.is_empty() && !symbol.contains('.') {
                name.push_str(module);
                name.push('.');
            }
            name.push_str(&symbol);
            names.append(Some(&name));
        }
        Ok(names.finish())
    }
}
