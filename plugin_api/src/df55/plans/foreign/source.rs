//! A table of the host.

use std::borrow::Cow;

use arrow::datatypes::SchemaRef;
use datafusion_common::{Constraints, DFSchema, Result};
use datafusion_expr::{Expr, LogicalPlan, TableProviderFilterPushDown, TableSource, TableType};

use super::Foreign;
use crate::{
    abi::message::{PlanQuestion, PlanReply, Pushdown, PushdownReply},
    df55::{
        parcel::ParcelBuilder,
        plans::{read::read_plans, write::PlanWriter},
    },
};

/// Knows what planning asks.
#[derive(Debug)]
pub(in crate::df55::plans) struct ForeignSource {
    pub(in crate::df55::plans) foreign: Foreign,
    pub(in crate::df55::plans) schema: SchemaRef,
    pub(in crate::df55::plans) table_type: TableType,
    pub(in crate::df55::plans) constraints: Option<Constraints>,
    pub(in crate::df55::plans) view: bool,
}

impl ForeignSource {
    fn pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let mut writer = PlanWriter::new(&self.foreign.objects);
        writer.exprs(filters.iter().copied(), &DFSchema::empty())?;
        let source = self.foreign.number;
        let request = writer.finish(|filters| PlanQuestion::Pushdown { source, filters })?;
        let reply = self.foreign.ask::<PushdownReply>(request)?;
        let answers = reply.message.filters.iter();
        let answers = answers.map(|pushdown| match pushdown {
            Pushdown::Exact => TableProviderFilterPushDown::Exact,
            Pushdown::Inexact => TableProviderFilterPushDown::Inexact,
            _ => TableProviderFilterPushDown::Unsupported,
        });
        Ok(answers.collect())
    }

    fn plan(&self) -> Result<LogicalPlan> {
        let source = self.foreign.number;
        let request = Foreign::finished(ParcelBuilder::new(), &PlanQuestion::View { source })?;
        let reply = self.foreign.ask::<PlanReply>(request)?;
        read_plans(&reply, &reply.message.list, &self.foreign.objects)?.only_plan()
    }
}

impl TableSource for ForeignSource {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn constraints(&self) -> Option<&Constraints> {
        self.constraints.as_ref()
    }

    fn table_type(&self) -> TableType {
        self.table_type
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        self.pushdown(filters)
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        if !self.view {
            return None;
        }
        // DataFusion has no error here; without its plan the view is scanned, which is the same.
        match self.plan() {
            Ok(plan) => Some(Cow::Owned(plan)),
            Err(error) => {
                tracing::warn!(%error, "a view's plan did not cross");
                None
            }
        }
    }
}
