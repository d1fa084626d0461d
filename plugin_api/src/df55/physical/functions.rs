//! The functions of a physical plan's nodes.

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use datafusion_common::Result;

use super::codec::{FunctionLists, NodeCodec};
use crate::{
    abi::message::PhysicalList,
    df55::{
        parcel::{ParcelBuilder, ParcelContent},
        plans::{Arriving, FunctionWriter, Leaving, Types},
    },
};

/// Adds the functions that nodes were written with to their list; the parcel gets the types that
/// these speak of.
pub(super) fn describe(
    list: &mut PhysicalList,
    codec: NodeCodec,
    objects: &dyn Leaving,
) -> Result<ParcelBuilder> {
    let FunctionLists {
        scalars,
        aggregates,
        windows,
    } = codec.into_functions();
    let mut writer = FunctionWriter::new(objects);
    for function in &scalars {
        list.scalars.push(writer.scalar(function)?);
    }
    for function in &aggregates {
        list.aggregates.push(writer.aggregate(function)?);
    }
    for function in &windows {
        list.windows.push(writer.window(function)?);
    }
    let (fields, types) = writer.into_types();
    list.signature_types = fields.len();
    let fields: Vec<FieldRef> = fields;
    Ok(ParcelBuilder::new().fields(&fields).types(&types))
}

/// What reads the nodes of a list.
pub(super) fn codec<M>(
    content: &ParcelContent<M>,
    list: &PhysicalList,
    objects: &dyn Arriving,
) -> Result<NodeCodec> {
    let all = content.types();
    let types = Types {
        signatures: all.get(list.signature_types..).unwrap_or_default(),
        fields: &content.fields,
    };
    fn each<R, T>(references: &[R], read: impl Fn(&R) -> Result<Arc<T>>) -> Result<Vec<Arc<T>>> {
        references.iter().map(read).collect()
    }
    Ok(NodeCodec::reading(FunctionLists {
        scalars: each(&list.scalars, |reference| objects.scalar(reference, types))?,
        aggregates: each(&list.aggregates, |reference| {
            objects.aggregate(reference, types)
        })?,
        windows: each(&list.windows, |reference| objects.window(reference, types))?,
    }))
}
