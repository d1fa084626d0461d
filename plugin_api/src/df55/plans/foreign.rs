//! Stand-ins for objects of the other side.

mod aggregate;
pub(super) mod descriptor;
mod kept;
mod node;
mod scalar;
mod source;
mod window;

pub(super) use aggregate::ForeignAggregate;
pub(super) use kept::KeptExpr;
pub(super) use node::ForeignNode;
pub(super) use scalar::ForeignScalar;
pub(super) use source::ForeignSource;
pub(super) use window::ForeignWindow;

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::datatypes::{DataType, FieldRef};
use datafusion_common::{DFSchema, Result};
use datafusion_expr::Expr;
use serde::Serialize;

use super::{
    plugin::{HostConnection, PluginObjects},
    write::PlanWriter,
};
use crate::{
    abi::{
        Parcel,
        message::{
            CallName, FieldsReply, FunctionDescriptor, FunctionKind, NameReply, PlanQuestion,
        },
    },
    df55::{
        error::from_call_error,
        parcel::{ParcelBuilder, ParcelContent},
    },
};

/// One object of the host's.
#[derive(Clone)]
pub(super) struct Foreign {
    pub(super) objects: PluginObjects,
    pub(super) number: u64,
}

impl std::fmt::Debug for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Foreign({})", self.number)
    }
}

impl PartialEq for Foreign {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number && self.objects.same_call(&other.objects)
    }
}

impl Eq for Foreign {}

impl Hash for Foreign {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl Foreign {
    fn host(&self) -> &dyn HostConnection {
        self.objects.host()
    }

    fn ask<M: serde::de::DeserializeOwned>(&self, request: Parcel) -> Result<ParcelContent<M>> {
        let reply = self.host().ask(request).map_err(from_call_error)?;
        ParcelContent::read_signature(reply).map_err(from_call_error)
    }

    fn finished(builder: ParcelBuilder, question: &impl Serialize) -> Result<Parcel> {
        builder.finish(question).map_err(from_call_error)
    }

    /// The field that the answer to a question is, where the types are `arguments`.
    fn field(&self, arguments: &[FieldRef], question: &PlanQuestion) -> Result<FieldRef> {
        let request = Self::finished(ParcelBuilder::new().fields(arguments), question)?;
        let reply = self.ask::<FieldsReply>(request)?;
        reply.only_field().map_err(from_call_error)
    }

    /// The fields that the answer to a question is, where the types are `fields`.
    fn fields<'a>(
        &self,
        fields: impl IntoIterator<Item = &'a FieldRef>,
        question: &PlanQuestion,
    ) -> Result<Vec<FieldRef>> {
        let request = Self::finished(ParcelBuilder::new().fields(fields), question)?;
        Ok(self.ask::<FieldsReply>(request)?.fields)
    }

    fn coerced(&self, kind: FunctionKind, types: &[DataType]) -> Result<Vec<DataType>> {
        let function = self.number;
        let question = PlanQuestion::Coerced { kind, function };
        let request = Self::finished(ParcelBuilder::new().types(types), &question)?;
        Ok(self.ask::<FieldsReply>(request)?.types())
    }

    /// A name of `call`, which is a call of this function.
    fn name(&self, name: CallName, call: &Expr) -> Result<String> {
        let mut writer = PlanWriter::new(&self.objects);
        writer.exprs([call], &DFSchema::empty())?;
        let request = writer.finish(|call| PlanQuestion::Name { name, call })?;
        Ok(self.ask::<NameReply>(request)?.message.name)
    }
}

/// What is known of a function without asking.
#[derive(Debug, Clone)]
pub(super) struct Described {
    pub(super) descriptor: Arc<FunctionDescriptor>,
    pub(super) signature: datafusion_expr::Signature,
}

/// `Debug` text, `Eq` and `Hash` of a stand-in for a function.
macro_rules! identified {
    ($type:ident) => {
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.described.descriptor.debug)
            }
        }
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.foreign == other.foreign
            }
        }
        impl Eq for $type {}
        impl std::hash::Hash for $type {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.foreign.hash(state);
            }
        }
    };
}
use identified;
