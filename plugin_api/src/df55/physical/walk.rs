//! Walks over physical plans without recursion: a plan may be deeper than a stack.

use std::{collections::HashMap, sync::Arc};

use datafusion_common::{Result, internal_datafusion_err};
use datafusion_physical_plan::ExecutionPlan;

/// The address of a node, which is its own while the node is held.
pub(super) fn address(node: &Arc<dyn ExecutionPlan>) -> usize {
    Arc::as_ptr(node).cast::<()>().addr()
}

/// Visits each node once, children first: with what the visits of its children yielded. Below a node
/// that `enters` refuses nothing is visited. Yields what the root's visit does.
pub(super) fn post_order(
    root: &Arc<dyn ExecutionPlan>,
    mut enters: impl FnMut(&Arc<dyn ExecutionPlan>) -> Result<bool>,
    mut visit: impl FnMut(&Arc<dyn ExecutionPlan>, Vec<usize>) -> Result<usize>,
) -> Result<usize> {
    let mut visited: HashMap<usize, usize> = HashMap::new();
    let mut stack = vec![(root, false)];
    let mut done: Vec<usize> = Vec::new();
    while let Some((node, entered)) = stack.pop() {
        if let Some(known) = visited.get(&address(node)) {
            done.push(*known);
            continue;
        }
        let mut yielded = Vec::new();
        if entered {
            yielded = done.split_off(done.len() - node.children().len());
        } else if enters(node)? {
            stack.push((node, true));
            let children = node.children().into_iter().rev();
            stack.extend(children.map(|child| (child, false)));
            continue;
        }
        let result = visit(node, yielded)?;
        visited.insert(address(node), result);
        done.push(result);
    }
    done.pop()
        .ok_or_else(|| internal_datafusion_err!("a plan without nodes"))
}

/// How often each node stands in a plan.
pub(super) fn occurrences(root: &Arc<dyn ExecutionPlan>) -> HashMap<usize, usize> {
    let mut counts = HashMap::new();
    let mut stack = vec![root];
    while let Some(node) = stack.pop() {
        let count = counts.entry(address(node)).or_insert(0_usize);
        *count += 1;
        // What is below is counted once: its place is below this one.
        if *count == 1 {
            stack.extend(node.children());
        }
    }
    counts
}
