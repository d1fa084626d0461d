//! Change types of Delta Lake's change data feed.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanBuilder, Int32Builder},
    datatypes::DataType,
};
use datafusion_common::Result;
use datafusion_doc::Documentation;
use datafusion_macros::user_doc;

use crate::{
    arguments::{Accepts, Argument},
    column::Text,
    kernel::{Call, Kernel},
};

const CHANGE_TYPE: &[Argument] = &[Argument::new("change_type", Accepts::Text)];

/// Higher ranks win where one row changed several times in one commit; -1 is no change type.
fn rank(change_type: &str) -> i32 {
    let change_type = change_type.trim();
    let known = ["update_preimage", "delete", "insert", "update_postimage"];
    let ranks = 0..;
    let rank = ranks
        .zip(known)
        .find(|(_, known)| change_type.eq_ignore_ascii_case(known));
    rank.map_or(-1, |(rank, _)| rank)
}

fn is(call: &Call, ranks: &[i32]) -> Result<ArrayRef> {
    let types = Text::of(&call.args.args[0])?;
    let mut flags = BooleanBuilder::with_capacity(call.rows);
    for row in 0..call.rows {
        flags.append_option(types.get(row).map(|text| ranks.contains(&rank(text))));
    }
    Ok(Arc::new(flags.finish()))
}

#[user_doc(
    doc_section(label = "Change Functions"),
    description = "The rank of a Delta change type: update_postimage 3, insert 2, delete 1, update_preimage 0, anything else -1.",
    syntax_example = "cdf_change_rank(change_type)",
    sql_example = "select cdf_change_rank('insert'); -- 2",
    argument(
        name = "change_type",
        description = "What _change_type says, in any case."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CdfChangeRank;

impl Kernel for CdfChangeRank {
    fn name(&self) -> &'static str {
        "cdf_change_rank"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        CHANGE_TYPE
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let types = Text::of(&call.args.args[0])?;
        let mut ranks = Int32Builder::with_capacity(call.rows);
        for row in 0..call.rows {
            ranks.append_option(types.get(row).map(rank));
        }
        Ok(Arc::new(ranks.finish()))
    }
}

#[user_doc(
    doc_section(label = "Change Functions"),
    description = "Whether a Delta change type leaves a row behind: insert or update_postimage.",
    syntax_example = "cdf_is_upsert(change_type)",
    sql_example = "select cdf_is_upsert('update_postimage'); -- true",
    argument(
        name = "change_type",
        description = "What _change_type says, in any case."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CdfIsUpsert;

impl Kernel for CdfIsUpsert {
    fn name(&self) -> &'static str {
        "cdf_is_upsert"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        CHANGE_TYPE
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        is(call, &[2, 3])
    }
}

#[user_doc(
    doc_section(label = "Change Functions"),
    description = "Whether a Delta change type is delete.",
    syntax_example = "cdf_is_delete(change_type)",
    sql_example = "select cdf_is_delete('delete'); -- true",
    argument(
        name = "change_type",
        description = "What _change_type says, in any case."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CdfIsDelete;

impl Kernel for CdfIsDelete {
    fn name(&self) -> &'static str {
        "cdf_is_delete"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        CHANGE_TYPE
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        is(call, &[1])
    }
}
