//! The scalar functions.

mod change;
mod hash;
mod identifier;
mod list;
mod map;
mod metadata;
mod name;
mod pick;
mod position;
mod spans;
mod unicode;

use std::sync::Arc;

use datafusion_expr::ScalarUDF;

use crate::{Options, kernel::function};

pub(crate) use position::check_unit;
pub(crate) use unicode::check_form;

/// All scalar functions, with the defaults of `options`.
pub fn scalar_functions(options: &Options) -> Vec<Arc<ScalarUDF>> {
    vec![
        function(hash::StableHash64),
        function(hash::StableHash128),
        function(hash::PrefixedHash64),
        function(hash::StableHashAny::new(options)),
        function(identifier::StableId),
        function(identifier::StableIdParts),
        function(identifier::PrefixedHashParts64),
        function(identifier::SpanId),
        function(spans::SpanMake::new(options)),
        function(spans::SpanLen),
        function(spans::SpanOverlaps),
        function(spans::SpanContains),
        function(spans::IntervalAlignScore),
        function(unicode::Utf8Normalize::new(options)),
        function(unicode::Utf8NullIfBlank),
        function(name::QnameNormalize::new(options)),
        function(map::MapGetDefault),
        function(map::MapNormalize),
        function(list::ListCompact),
        function(list::ListUniqueSorted),
        function(pick::StructPick),
        function(change::CdfChangeRank),
        function(change::CdfIsUpsert),
        function(change::CdfIsDelete),
        function(position::PositionEncodingNorm),
        function(position::ColToByte),
        function(position::CanonicalizeByteSpan),
        function(metadata::ArrowMetadata),
        function(metadata::SemanticTag),
        function(metadata::CpgScore),
    ]
}
