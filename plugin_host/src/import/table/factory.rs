//! A plugin's table factory as a [`TableProviderFactory`].

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    catalog::{Session, TableProvider, TableProviderFactory},
    common::{Result, not_impl_err},
    logical_expr::{CreateExternalTable, Expr},
};
use datafusion_plugin_api::{
    abi::{
        TableFactoryObject,
        message::{CreateTable, SortDirection},
    },
    df55::{names::table_name, parcel::ParcelBuilder, plan_properties::constraints_to_message},
};

use super::{filters::write, opening::open};
use crate::import::{origin::Origin, settings::settings_in};

/// A table factory of a plugin.
#[derive(Debug)]
pub(crate) struct PluginTableFactory {
    origin: Origin,
    object: Arc<TableFactoryObject>,
}

impl PluginTableFactory {
    pub(crate) fn new(origin: Origin, object: TableFactoryObject) -> Self {
        let object = Arc::new(object);
        Self { origin, object }
    }
}

#[async_trait]
impl TableProviderFactory for PluginTableFactory {
    async fn create(
        &self,
        session: &dyn Session,
        command: &CreateExternalTable,
    ) -> Result<Arc<dyn TableProvider>> {
        let origin = &self.origin;
        let sorts = command.order_exprs.iter().flatten();
        let mut defaults: Vec<(&String, &Expr)> = command.column_defaults.iter().collect();
        defaults.sort_by_key(|(column, _)| *column);
        let exprs: Vec<&Expr> = sorts
            .map(|sort| &sort.expr)
            .chain(defaults.iter().map(|(_, default)| *default))
            .collect();
        let mut parcel = ParcelBuilder::new();
        let (expressions, blob) = if exprs.is_empty() {
            Default::default()
        } else if origin.plugin().takes_table_expressions()
            && let Some(written) = write(origin, exprs.into_iter(), &mut parcel)?
        {
            written
        } else {
            return not_impl_err!(
                "orders and defaults of a table of plugin '{}'",
                origin.plugin().name()
            );
        };
        let direction = |sort: &datafusion::logical_expr::SortExpr| SortDirection {
            descending: !sort.asc,
            nulls_first: sort.nulls_first,
        };
        let orderings = command.order_exprs.iter();
        let message = CreateTable {
            name: table_name(Some(&command.name)),
            locations: command.locations.clone(),
            file_type: command.file_type.clone(),
            partition_columns: command.table_partition_cols.clone(),
            if_not_exists: command.if_not_exists,
            or_replace: command.or_replace,
            temporary: command.temporary,
            unbounded: command.unbounded,
            definition: command.definition.clone(),
            options: command.options.clone().into_iter().collect(),
            constraints: constraints_to_message(&command.constraints),
            expressions,
            orderings: orderings
                .map(|ordering| ordering.iter().map(direction).collect())
                .collect(),
            defaults: defaults
                .into_iter()
                .map(|(column, _)| column.clone())
                .collect(),
            settings: settings_in(session),
        };
        let parcel = parcel.schema(command.schema.as_arrow()).blob(blob);
        let opening = origin.call(|| {
            let request = parcel.finish(&message)?;
            origin.plan(&self.object, TableFactoryObject::create, request)
        })?;
        match open(origin, opening).await? {
            Some(table) => Ok(table),
            None => Err(origin.breach("made no table".to_owned())),
        }
    }
}
