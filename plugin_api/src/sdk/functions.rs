//! The scalar functions of an activated plugin, by identity: its exports, and those that come to
//! light later, when a setting changes a function or a rewritten expression mentions another.

use std::sync::Arc;

use datafusion_expr::ScalarUDF;

use super::{plugin::ScalarEntry, scalar::ScalarExport};
#[cfg(feature = "simplify")]
use crate::df55::simplify::{answer_preimage, answer_simplify};
#[cfg(feature = "tables")]
use crate::{abi::message::ScanDescriptor, df55::plan_properties::ExpressionWriter};
use crate::{
    abi::{CallError, Parcel, ScalarFunctionObject},
    df55::function_table::FunctionTable,
};

pub(super) struct Functions {
    exports: Vec<ScalarEntry>,
    /// What is no export lives as long as the host has an object of it.
    table: FunctionTable,
    /// What the plugin makes on demand simplifies itself: its body is an expression.
    makes: bool,
}

impl Functions {
    pub(super) fn new(exports: Vec<ScalarEntry>, makes: bool) -> Self {
        let table = FunctionTable::new(exports.iter().map(|entry| Arc::clone(&entry.udf)));
        Self {
            exports,
            table,
            makes,
        }
    }

    pub(super) fn exports(&self) -> &[ScalarEntry] {
        &self.exports
    }

    fn entry(&self, identity: u64) -> Result<ScalarEntry, CallError> {
        let export = usize::try_from(identity)
            .ok()
            .and_then(|position| self.exports.get(position));
        if let Some(entry) = export {
            return Ok(entry.clone());
        }
        self.table
            .get(identity)
            .map(|udf| ScalarEntry {
                udf,
                asynchronous: None,
                reads_settings: None,
                simplifies: self.makes || self.exports.iter().any(|entry| entry.simplifies),
            })
            .ok_or_else(|| {
                CallError::contract(format!("no scalar function has identity {identity}"))
            })
    }

    pub(super) fn object_by_identity(
        self: &Arc<Self>,
        identity: u64,
    ) -> Result<ScalarFunctionObject, CallError> {
        let entry = self.entry(identity)?;
        let identity = self.table.identity(&entry.udf);
        let export = ScalarExport::new(entry, identity, Arc::clone(self));
        Ok(ScalarFunctionObject::new(export))
    }

    /// `udf` as an object.
    pub(super) fn object_of(
        self: &Arc<Self>,
        udf: &Arc<ScalarUDF>,
    ) -> Result<ScalarFunctionObject, CallError> {
        self.object_by_identity(self.table.identity(udf))
    }

    /// `udf`, which was just made, as an object.
    #[cfg(feature = "function-factory")]
    pub(super) fn created(
        self: &Arc<Self>,
        udf: &Arc<ScalarUDF>,
    ) -> Result<ScalarFunctionObject, CallError> {
        self.object_by_identity(self.table.add(udf))
    }

    #[cfg(feature = "expressions")]
    pub(super) fn table(&self) -> &FunctionTable {
        &self.table
    }

    /// Writes expressions for the host.
    ///
    /// # Errors
    /// "Not implemented" when one of them cannot cross.
    #[cfg(all(feature = "tables", feature = "expressions"))]
    pub(super) fn write_expressions(
        &self,
        exprs: &[&datafusion_expr::Expr],
        parcel: &mut crate::df55::parcel::ParcelBuilder,
    ) -> Result<(crate::abi::message::ExpressionList, Vec<u8>), CallError> {
        let reference = |function: &ScalarUDF| Some(self.table.reference(function));
        let written = crate::df55::expressions::pack_whole(exprs, &reference, parcel);
        match crate::df55::error::df(written)? {
            Some(written) => Ok(written),
            None => Err(uncarried(exprs, "has a part that cannot")),
        }
    }

    #[cfg(all(feature = "tables", not(feature = "expressions")))]
    pub(super) fn write_expressions(
        &self,
        exprs: &[&datafusion_expr::Expr],
        _: &mut crate::df55::parcel::ParcelBuilder,
    ) -> Result<(crate::abi::message::ExpressionList, Vec<u8>), CallError> {
        if exprs.is_empty() {
            return Ok(Default::default());
        }
        let why = "needs datafusion-plugin-api's feature table-expressions";
        Err(uncarried(exprs, why))
    }

    /// What `describe` makes of a scan of `schema`, and the bytes of the expressions in it.
    #[cfg(feature = "table-expressions")]
    pub(super) fn write_physical(
        &self,
        schema: &arrow::datatypes::Schema,
        context: &datafusion_execution::TaskContext,
        describe: impl FnOnce(&mut dyn ExpressionWriter) -> Result<ScanDescriptor, CallError>,
    ) -> Result<(ScanDescriptor, Vec<u8>), CallError> {
        let mut writer = crate::df55::expressions::PhysicalWriter::new(schema, context);
        let mut descriptor = describe(&mut writer)?;
        let (functions, blob) = writer.finish(&|function| self.table.reference(function));
        descriptor.functions = functions;
        Ok((descriptor, blob))
    }

    #[cfg(all(feature = "tables", not(feature = "table-expressions")))]
    pub(super) fn write_physical(
        &self,
        _: &arrow::datatypes::Schema,
        _: &datafusion_execution::TaskContext,
        describe: impl FnOnce(&mut dyn ExpressionWriter) -> Result<ScanDescriptor, CallError>,
    ) -> Result<(ScanDescriptor, Vec<u8>), CallError> {
        let mut columns = crate::df55::plan_properties::ColumnsOnly;
        Ok((describe(&mut columns)?, Vec::new()))
    }

    #[cfg(feature = "simplify")]
    pub(super) fn simplify(
        &self,
        udf: &Arc<ScalarUDF>,
        request: Parcel,
    ) -> Result<Parcel, CallError> {
        answer_simplify(request, udf, &self.table)
    }

    #[cfg(feature = "simplify")]
    pub(super) fn preimage(
        &self,
        udf: &Arc<ScalarUDF>,
        request: Parcel,
    ) -> Result<Parcel, CallError> {
        answer_preimage(request, udf, &self.table)
    }

    #[cfg(not(feature = "simplify"))]
    pub(super) fn simplify(&self, _: &Arc<ScalarUDF>, _: Parcel) -> Result<Parcel, CallError> {
        Parcel::of(&crate::abi::message::SimplifyReply::default())
    }

    #[cfg(not(feature = "simplify"))]
    pub(super) fn preimage(&self, _: &Arc<ScalarUDF>, _: Parcel) -> Result<Parcel, CallError> {
        Parcel::of(&crate::abi::message::PreimageReply::default())
    }
}

#[cfg(feature = "tables")]
fn uncarried(exprs: &[&datafusion_expr::Expr], why: &str) -> CallError {
    let exprs: Vec<_> = exprs.iter().map(ToString::to_string).collect();
    let message = format!("crossing to the host, {} {why}", exprs.join(", "));
    CallError::new(crate::abi::ErrorKind::NotImplemented, message)
}
