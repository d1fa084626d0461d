//! Prepared statements of a guarded session: kept as they were planned, decided on at each execution.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use datafusion::{
    arrow::datatypes::FieldRef,
    common::{ParamValues, Result, exec_err, metadata::ScalarAndMetadata, not_impl_err, plan_err},
    execution::SessionState,
    logical_expr::{Execute, Expr, LogicalPlan, Prepare, simplify::SimplifyContext},
    optimizer::simplify_expressions::ExprSimplifier,
};

use super::facts::Syntax;

/// A prepared statement.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// Over guarded tables, not yet restricted.
    plan: LogicalPlan,
    fields: Vec<FieldRef>,
    /// What its text said.
    pub(super) syntax: Option<Syntax>,
}

/// By name.
#[derive(Debug, Default)]
pub(super) struct PreparedStatements(Mutex<HashMap<String, Prepared>>);

impl PreparedStatements {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Prepared>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn store(&self, prepare: &Prepare, syntax: Option<&Syntax>) -> Result<()> {
        let Prepare {
            name,
            fields,
            input,
        } = prepare;
        let parameters = input.get_parameter_names()?.len();
        if !fields.is_empty() && fields.len() != parameters {
            return plan_err!(
                "Prepare specifies {} data types but query has {parameters} parameters",
                fields.len()
            );
        }
        let prepared = Prepared {
            plan: input.as_ref().clone(),
            fields: fields.clone(),
            syntax: syntax.cloned(),
        };
        let mut known = self.lock();
        if known.contains_key(name) {
            return exec_err!("Prepared statement '{name}' already exists");
        }
        known.insert(name.clone(), prepared);
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Result<Prepared> {
        match self.lock().get(name) {
            Some(prepared) => Ok(prepared.clone()),
            None => exec_err!("Prepared statement '{name}' does not exist"),
        }
    }

    pub(super) fn remove(&self, name: &str) -> Result<()> {
        match self.lock().remove(name) {
            Some(_) => Ok(()),
            None => exec_err!("Prepared statement '{name}' does not exist"),
        }
    }
}

impl Prepared {
    /// The plan with its parameters, which are constants, as DataFusion has it.
    pub(super) fn with_parameters(
        self,
        execute: Execute,
        state: &SessionState,
    ) -> Result<LogicalPlan> {
        let context = SimplifyContext::builder()
            .with_schema(self.plan.schema().clone())
            .with_config_options(state.config_options().clone())
            .with_query_execution_start_time(state.execution_props().query_execution_start_time)
            .build();
        let simplifier = ExprSimplifier::new(context);
        let parameters = execute.parameters.into_iter();
        let mut parameters = parameters
            .map(|expr| match simplifier.simplify(expr)? {
                Expr::Literal(value, metadata) => Ok(ScalarAndMetadata::new(value, metadata)),
                other => not_impl_err!("Unsupported parameter type: {other}"),
            })
            .collect::<Result<Vec<_>>>()?;
        if !self.fields.is_empty() {
            if parameters.len() != self.fields.len() {
                return exec_err!(
                    "Prepared statement '{}' expects {} parameters, but {} provided",
                    execute.name,
                    self.fields.len(),
                    parameters.len()
                );
            }
            parameters = parameters
                .into_iter()
                .zip(&self.fields)
                .map(|(value, field)| value.cast_storage_to(field.data_type()))
                .collect::<Result<_>>()?;
        }
        self.plan
            .replace_params_with_values(&ParamValues::List(parameters))
    }
}
