//! Source code parsed, with lines that the grammar does not take for what they are.

use std::borrow::Cow;

use tree_sitter::{Parser, Tree, TreeCursor};

use super::rows::Place;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A tree, and where its nodes are.
pub(super) struct Parsed {
    pub(super) tree: Tree,
    /// The file begins with a byte order mark.
    marked: bool,
    /// There where the parser has not seen the lines as they are.
    lines: Option<Lines>,
}

impl Parsed {
    /// Nothing where the parser gives up.
    ///
    /// Inside of brackets the grammar takes a line with less indentation than its statement for
    /// the end of a block, unless a closing bracket may stand there: `(a.` must not go on further to
    /// the left. What is not understood is read again with such lines joined, and kept if more of it is
    /// understood then.
    pub(super) fn of(parser: &mut Parser, source: &[u8]) -> Option<Self> {
        let source = &*with_line_feeds(source);
        let tree = parser.parse(source, None)?;
        let marked = source.starts_with(BYTE_ORDER_MARK);
        if tree.root_node().has_error()
            && let Some(joined) = joined(source)
            && let Some(again) = parser.parse(&joined, None)
            && errors(&again) < errors(&tree)
        {
            return Some(Self {
                tree: again,
                marked,
                lines: Some(Lines::of(source)),
            });
        }
        Some(Self {
            tree,
            marked,
            lines: None,
        })
    }

    /// A place in the lines of the file. Its bytes are right in any case.
    pub(super) fn located(&self, place: Place) -> Place {
        let mut place = match &self.lines {
            None => place,
            Some(lines) => Place {
                start: lines.position(place.bytes.0),
                end: lines.position(place.bytes.1),
                ..place
            },
        };
        // To Python the mark has no columns.
        for (line, column) in [&mut place.start, &mut place.end] {
            if self.marked && *line == 0 {
                *column = column.saturating_sub(BYTE_ORDER_MARK.len());
            }
        }
        place
    }
}

/// The source with a line feed for every carriage return that has none behind it. To Python, and not to the
/// grammar, it ends a line. Every byte keeps its place.
fn with_line_feeds(source: &[u8]) -> Cow<'_, [u8]> {
    if !source.contains(&b'\r') {
        return Cow::Borrowed(source);
    }
    let mut copy = Cow::Borrowed(source);
    for (at, byte) in source.iter().enumerate() {
        if *byte == b'\r' && source.get(at + 1) != Some(&b'\n') {
            copy.to_mut()[at] = b'\n';
        }
    }
    copy
}

/// How many nodes of a tree are errors or missing.
fn errors(tree: &Tree) -> usize {
    let mut steps = Steps::new(tree);
    let mut errors = 0;
    loop {
        let node = steps.cursor.node();
        if node.is_error() || node.is_missing() {
            errors += 1;
        }
        if !steps.next(node.has_error()) {
            return errors;
        }
    }
}

/// The nodes of a tree, parents before children.
pub(super) struct Steps<'a> {
    pub(super) cursor: TreeCursor<'a>,
    /// Of the present node, below the root.
    pub(super) depth: usize,
}

impl<'a> Steps<'a> {
    pub(super) fn new(tree: &'a Tree) -> Self {
        Self {
            cursor: tree.walk(),
            depth: 0,
        }
    }

    /// Goes to the next node; false behind the last. Unless it goes `inside`, what is in the present one is passed
    /// over.
    pub(super) fn next(&mut self, inside: bool) -> bool {
        if inside && self.cursor.goto_first_child() {
            self.depth += 1;
            return true;
        }
        while !self.cursor.goto_next_sibling() {
            if !self.cursor.goto_parent() {
                return false;
            }
            self.depth -= 1;
        }
        true
    }
}

/// Where the lines of a file start.
struct Lines(Vec<usize>);

impl Lines {
    fn of(source: &[u8]) -> Self {
        let ends = source
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1));
        Self(starts.collect())
    }

    /// Line and column of a byte, both from 0.
    fn position(&self, byte: usize) -> (usize, usize) {
        // The first line starts at 0, so there is always one before.
        let line = self.0.partition_point(|start| *start <= byte) - 1;
        (line, byte - self.0[line])
    }
}

/// The source with blanks for line breaks, and comments before them, in front of lines inside of
/// brackets that stand further to the left than their statement; nothing if there are none. Every byte keeps its
/// place.
fn joined(source: &[u8]) -> Option<Vec<u8>> {
    let mut joined = None;
    let mut depth = 0_usize;
    // Of the statement, and the least of the lines since the last token.
    let (mut indent, mut least) = (0, usize::MAX);
    let mut token_end = 0;
    let mut at = 0;
    let mut line_starts = true;
    while at < source.len() {
        if std::mem::take(&mut line_starts) {
            let (width, first) = indentation(source, at);
            at = first;
            match source.get(at) {
                None | Some(b'\n' | b'\r') => {}
                Some(_) if depth > 0 => least = least.min(width),
                Some(b'#') => {}
                Some(_) => indent = width,
            }
            continue;
        }
        let start = at;
        at = match source[at] {
            b'\n' => {
                line_starts = true;
                at + 1
            }
            b' ' | b'\t' | b'\r' | b'\x0c' => at + 1,
            b'#' => rest_of_line(source, at),
            b'\\' if source[at + 1..].starts_with(b"\n") => at + 2,
            b'\\' if source[at + 1..].starts_with(b"\r\n") => at + 3,
            other => {
                if depth > 0 && least < indent {
                    let joined = joined.get_or_insert_with(|| source.to_vec());
                    joined[token_end..start].fill(b' ');
                }
                least = usize::MAX;
                token_end = match other {
                    b'"' | b'\'' => end_of_string(source, at),
                    _ => at + 1,
                };
                match other {
                    b'(' | b'[' | b'{' => depth += 1,
                    b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                token_end
            }
        };
    }
    joined
}

/// Width of the white space at the start of a line, and what comes behind it. A tab counts 8, as in the grammar.
fn indentation(source: &[u8], start: usize) -> (usize, usize) {
    let mut width = 0;
    for (at, byte) in source.iter().enumerate().skip(start) {
        match byte {
            b' ' => width += 1,
            b'\t' => width += 8,
            b'\x0c' => width = 0,
            _ => return (width, at),
        }
    }
    (width, source.len())
}

fn rest_of_line(source: &[u8], start: usize) -> usize {
    let rest = source[start..].iter().position(|byte| *byte == b'\n');
    rest.map_or(source.len(), |length| start + length)
}

/// The byte behind a string that starts with its quote at `start`.
fn end_of_string(source: &[u8], start: usize) -> usize {
    let quote = source[start];
    let triple = source[start..].starts_with(&[quote; 3]);
    let mut at = if triple { start + 3 } else { start + 1 };
    while at < source.len() {
        match source[at] {
            b'\\' => at += 2,
            b'\n' if !triple => return at,
            byte if byte == quote && !triple => return at + 1,
            byte if byte == quote && source[at..].starts_with(&[quote; 3]) => return at + 3,
            _ => at += 1,
        }
    }
    source.len()
}
