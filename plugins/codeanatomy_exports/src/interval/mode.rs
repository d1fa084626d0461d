//! Which right intervals a left one may have, and which of them is best.

use std::str::FromStr;

use datafusion_common::{DataFusionError, Result, plan_err};

/// How intervals are matched. Ends are exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Mode {
    /// Both start and end are the same.
    Exact,
    /// The right interval holds the left one; the shortest is best.
    ContainedBest,
    /// They have bytes in common; the most is best.
    OverlapMax,
}

impl FromStr for Mode {
    type Err = DataFusionError;

    fn from_str(name: &str) -> Result<Self> {
        match name.to_ascii_uppercase().as_str() {
            "EXACT" => Ok(Self::Exact),
            "CONTAINED_BEST" => Ok(Self::ContainedBest),
            "OVERLAP_MAX" => Ok(Self::OverlapMax),
            _ => plan_err!(
                "interval_align: the argument 'mode' is '{name}', expected EXACT, CONTAINED_BEST or \
                 OVERLAP_MAX"
            ),
        }
    }
}

/// An interval; the end is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) start: i64,
    pub(super) end: i64,
}

impl Interval {
    pub(super) fn length(self) -> i128 {
        i128::from(self.end) - i128::from(self.start)
    }

    /// How many bytes two intervals share; none or fewer where they are apart.
    pub(super) fn overlap(self, other: Self) -> i128 {
        let end = self.end.min(other.end);
        let start = self.start.max(other.start);
        i128::from(end) - i128::from(start)
    }

    pub(super) fn holds(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

impl Mode {
    /// The score of a match: bytes in common, or the right interval's length, negative.
    pub(super) fn score(self, left: Interval, right: Interval) -> f64 {
        match self {
            Self::OverlapMax => left.overlap(right) as f64,
            Self::Exact | Self::ContainedBest => -right.length() as f64,
        }
    }
}

/// What a match is, whichever mode found it.
pub(super) fn match_kind(left: Interval, right: Interval) -> &'static str {
    if left == right {
        "EXACT"
    } else if right.holds(left) {
        "CONTAINED"
    } else {
        "OVERLAP"
    }
}
