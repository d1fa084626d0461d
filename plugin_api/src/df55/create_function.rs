//! `CREATE FUNCTION` as a message and back.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::{DFSchema, Result};
use datafusion_expr::{CreateFunction, CreateFunctionBody, OperateFunctionArg};
use sqlparser::{ast::Ident, tokenizer::Span};

use super::{
    expressions::breach,
    parcel::ParcelContent,
    plans::{Arriving, Leaving, PlanWriter, read_plans},
    signature::{volatility_from_message, volatility_to_message},
};
use crate::abi::{
    Parcel,
    message::{CreateFunctionArgument, CreateFunctionRequest, PlanList, QuotedName, Settings},
};

/// What a factory learns beside the statement.
#[derive(Debug, Clone, Default)]
pub struct Creating {
    /// The session's id.
    pub session: String,
    /// The session's settings.
    pub settings: Settings,
    /// The host's number for the creation.
    pub creation: u64,
}

/// The request that has `statement`.
///
/// # Errors
/// Names what cannot cross.
pub fn create_function_to_message(
    statement: &CreateFunction,
    creating: Creating,
    objects: &dyn Leaving,
) -> Result<Parcel> {
    let mut writer = PlanWriter::new(objects);
    let args = statement.args.as_ref();
    let defaults = args.into_iter().flatten();
    let defaults = defaults.filter_map(|argument| argument.default_expr.as_ref());
    let body = &statement.params.function_body;
    writer.exprs(defaults.chain(body), &DFSchema::empty())?;
    let args = args.map(|args| {
        let args = args.iter().map(|argument| CreateFunctionArgument {
            name: argument.name.as_ref().map(quoted_name),
            data_type: writer.data_type(&argument.data_type),
            has_default: argument.default_expr.is_some(),
        });
        args.collect()
    });
    let return_type = statement.return_type.as_ref();
    let return_type = return_type.map(|data_type| writer.data_type(data_type));
    let Creating {
        session,
        settings,
        creation,
    } = creating;
    writer.finish(|list: PlanList| CreateFunctionRequest {
        name: statement.name.clone(),
        or_replace: statement.or_replace,
        temporary: statement.temporary,
        args,
        return_type,
        language: statement.params.language.as_ref().map(quoted_name),
        behavior: statement.params.behavior.map(volatility_to_message),
        has_body: body.is_some(),
        session,
        settings,
        creation,
        list,
    })
}

/// The statement of a request.
///
/// # Errors
/// A breach of the contract: positions that do not exist, unknown handles.
pub fn create_function_from_message(
    content: &ParcelContent<CreateFunctionRequest>,
    objects: &dyn Arriving,
) -> Result<CreateFunction> {
    let message = &content.message;
    let exprs = read_plans(content, &message.list, objects)?.exprs;
    let mut exprs = exprs.into_iter();
    let mut next = || {
        exprs
            .next()
            .ok_or_else(|| breach("fewer expressions than were announced".to_owned()))
    };
    let data_type = |position: usize| -> Result<DataType> {
        let field = content.fields.get(position);
        let field = field.ok_or_else(|| breach(format!("type {position} of a statement")))?;
        Ok(field.data_type().clone())
    };
    let args = message.args.as_ref().map(|args| {
        let args = args.iter().map(|argument| {
            Ok(OperateFunctionArg {
                name: argument.name.as_ref().map(ident),
                data_type: data_type(argument.data_type)?,
                default_expr: argument.has_default.then(&mut next).transpose()?,
            })
        });
        args.collect::<Result<Vec<_>>>()
    });
    let args = args.transpose()?;
    let function_body = message.has_body.then(next).transpose()?;
    Ok(CreateFunction {
        or_replace: message.or_replace,
        temporary: message.temporary,
        name: message.name.clone(),
        args,
        return_type: message.return_type.map(data_type).transpose()?,
        params: CreateFunctionBody {
            language: message.language.as_ref().map(ident),
            behavior: message.behavior.map(volatility_from_message),
            function_body,
        },
        schema: Arc::new(DFSchema::empty()),
    })
}

fn quoted_name(ident: &Ident) -> QuotedName {
    QuotedName {
        name: ident.value.clone(),
        quote: ident.quote_style,
    }
}

/// Places in the SQL text do not cross.
fn ident(name: &QuotedName) -> Ident {
    Ident {
        value: name.name.clone(),
        quote_style: name.quote,
        span: Span::empty(),
    }
}
