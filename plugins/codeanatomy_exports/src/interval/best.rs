//! The best right interval of each left one.

use std::cmp::Reverse;

use super::mode::{Interval, Mode};

/// A right interval, and its place among those that are equally good: the least wins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Right {
    pub(super) interval: Interval,
    pub(super) rank: u32,
}

/// For each left interval the position of the best right one. Takes time like sorting both sides.
pub(super) fn best(mode: Mode, left: &[Interval], right: &[Right]) -> Vec<Option<usize>> {
    match mode {
        Mode::Exact => exact(left, right),
        Mode::ContainedBest => contained(left, right),
        Mode::OverlapMax => overlapping(left, right),
    }
}

/// What is compared: the less the better, and of equals the lesser rank.
type Key = (i128, u32);
type Candidate = (Key, usize);

/// The least candidate of a prefix of slots: a Fenwick tree of minima.
struct Prefixes(Vec<Option<Candidate>>);

impl Prefixes {
    fn new(slots: usize) -> Self {
        Self(vec![None; slots + 1])
    }

    fn insert(&mut self, slot: usize, candidate: Candidate) {
        let mut at = slot + 1;
        while at < self.0.len() {
            let least = &mut self.0[at];
            if least.is_none_or(|least| candidate.0 < least.0) {
                *least = Some(candidate);
            }
            at += at & at.wrapping_neg();
        }
    }

    /// Of the first `slots` slots.
    fn least(&self, slots: usize) -> Option<Candidate> {
        let mut least: Option<Candidate> = None;
        let mut at = slots;
        while at > 0 {
            if let Some(candidate) = self.0[at]
                && least.is_none_or(|least| candidate.0 < least.0)
            {
                least = Some(candidate);
            }
            at -= at & at.wrapping_neg();
        }
        least
    }
}

fn exact(left: &[Interval], right: &[Right]) -> Vec<Option<usize>> {
    let both = |interval: Interval| (interval.start, interval.end);
    let mut order: Vec<_> = (0..right.len()).collect();
    order.sort_unstable_by_key(|&at| (both(right[at].interval), right[at].rank));
    let of = |interval: &Interval| {
        let first = order.partition_point(|&at| both(right[at].interval) < both(*interval));
        let found = *order.get(first)?;
        (right[found].interval == *interval).then_some(found)
    };
    left.iter().map(of).collect()
}

/// Slots for the ends of right intervals, in order.
struct Ends(Vec<i64>);

impl Ends {
    fn of(right: &[Right]) -> Self {
        let mut ends: Vec<_> = right.iter().map(|right| right.interval.end).collect();
        ends.sort_unstable();
        ends.dedup();
        Self(ends)
    }

    fn slots(&self) -> usize {
        self.0.len()
    }

    /// How many ends are less.
    fn before(&self, end: i64) -> usize {
        self.0.partition_point(|&other| other < end)
    }

    /// The slot of an end when the greatest comes first.
    fn reversed(&self, end: i64) -> usize {
        self.slots() - 1 - self.before(end)
    }

    /// How many ends are as great or greater.
    fn not_before(&self, end: i64) -> usize {
        self.slots() - self.before(end)
    }
}

/// Positions by start.
fn by_start<T>(items: &[T], start: impl Fn(&T) -> i64) -> Vec<usize> {
    let mut order: Vec<_> = (0..items.len()).collect();
    order.sort_by_key(|&at| start(&items[at]));
    order
}

/// Goes through left intervals by start, after all right ones that start no later.
fn ascending(
    left: &[Interval],
    right: &[Right],
    tree: &mut [Prefixes],
    mut insert: impl FnMut(&mut [Prefixes], usize),
    mut visit: impl FnMut(&[Prefixes], usize),
) {
    let mut rights = by_start(right, |right| right.interval.start)
        .into_iter()
        .peekable();
    for at in by_start(left, |left| left.start) {
        while let Some(next) = rights.next_if(|&r| right[r].interval.start <= left[at].start) {
            insert(tree, next);
        }
        visit(tree, at);
    }
}

fn contained(left: &[Interval], right: &[Right]) -> Vec<Option<usize>> {
    let ends = Ends::of(right);
    let mut found = vec![None; left.len()];
    let insert = |trees: &mut [Prefixes], at: usize| {
        let Right { interval, rank } = right[at];
        let slot = ends.reversed(interval.end);
        trees[0].insert(slot, ((interval.length(), rank), at));
    };
    let visit = |trees: &[Prefixes], at: usize| {
        let least = trees[0].least(ends.not_before(left[at].end));
        found[at] = least.map(|(_, right)| right);
    };
    let mut trees = [Prefixes::new(ends.slots())];
    ascending(left, right, &mut trees, insert, visit);
    found
}

/// A right interval starts before a left one or behind its start, and ends before its end or not. In
/// each of these four cases what they share grows with one number, so the best of the case is the
/// least of a prefix or suffix of ends.
fn overlapping(left: &[Interval], right: &[Right]) -> Vec<Option<usize>> {
    let ends = Ends::of(right);
    let mut found: Vec<Option<usize>> = vec![None; left.len()];
    let mut better = |at: usize, candidate: Option<Candidate>| {
        let Some((_, candidate)) = candidate else {
            return;
        };
        let key = |r: usize| (Reverse(left[at].overlap(right[r].interval)), right[r].rank);
        if left[at].overlap(right[candidate].interval) > 0
            && found[at].is_none_or(|known| key(candidate) < key(known))
        {
            found[at] = Some(candidate);
        }
    };

    // Starting no later: whole where it ends no earlier, and else the more the later it ends.
    let insert = |trees: &mut [Prefixes], at: usize| {
        let Right { interval, rank } = right[at];
        trees[0].insert(ends.reversed(interval.end), ((0, rank), at));
        let late = -i128::from(interval.end);
        trees[1].insert(ends.before(interval.end), ((late, rank), at));
    };
    let visit = |trees: &[Prefixes], at: usize| {
        better(at, trees[0].least(ends.not_before(left[at].end)));
        better(at, trees[1].least(ends.before(left[at].end)));
    };
    let mut trees = [Prefixes::new(ends.slots()), Prefixes::new(ends.slots())];
    ascending(left, right, &mut trees, insert, visit);

    // Starting later: the more the earlier it starts where it ends no earlier, and else its length.
    let mut trees = [Prefixes::new(ends.slots()), Prefixes::new(ends.slots())];
    let mut rights = by_start(right, |right| right.interval.start);
    for at in by_start(left, |left| left.start).into_iter().rev() {
        while let Some(&next) = rights.last()
            && right[next].interval.start > left[at].start
        {
            rights.pop();
            let Right { interval, rank } = right[next];
            let early = i128::from(interval.start);
            trees[0].insert(ends.reversed(interval.end), ((early, rank), next));
            trees[1].insert(
                ends.before(interval.end),
                ((-interval.length(), rank), next),
            );
        }
        better(at, trees[0].least(ends.not_before(left[at].end)));
        better(at, trees[1].least(ends.before(left[at].end)));
    }
    found
}
