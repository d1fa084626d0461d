//! The rows of one file.

use std::borrow::Cow;

use datafusion_common::Result;
use tree_sitter::Node;

use super::{
    column::Column,
    grammar::{GRAMMAR, Grammar, NodeKind, Role},
    kind::Kind,
    names::{content, docstring, dotted, identifier, text},
    parse::{Parsed, Steps},
    rows::{Place, Row, Rows},
};

/// A definition around what is being looked at.
struct Scope {
    id: i64,
    /// How deep in the tree its node is.
    depth: usize,
    qualname: String,
    class: bool,
}

/// Where the walk is.
struct Walk<'a> {
    grammar: &'static Grammar,
    path: &'a str,
    source: &'a [u8],
    parsed: &'a Parsed,
    kind: Kind,
    scopes: Vec<Scope>,
    /// Of the last `type(a).b = c`: where its parentheses start, and the statement.
    call_of_type: Option<(usize, Place)>,
    rows: &'a mut Rows,
}

/// Pushes the rows of a file that has been parsed.
pub(super) fn walk(
    path: &str,
    source: &[u8],
    parsed: &Parsed,
    kind: Kind,
    rows: &mut Rows,
) -> Result<()> {
    let grammar = &*GRAMMAR;
    let mut walk = Walk {
        grammar,
        path,
        source,
        parsed,
        kind,
        scopes: Vec::new(),
        call_of_type: None,
        rows,
    };
    if kind == Kind::Errors && !parsed.tree.root_node().has_error() {
        return Ok(());
    }
    let mut steps = Steps::new(&parsed.tree);
    // Of kinds that ask for it, ids and types of the nodes from the root down to the current one.
    let mut above: Vec<(i64, &'static str)> = Vec::new();
    loop {
        let node = steps.cursor.node();
        let node_kind = grammar.kind(node);
        let named = node.is_named();
        while walk
            .scopes
            .last()
            .is_some_and(|scope| scope.depth >= steps.depth)
        {
            walk.scopes.pop();
        }
        let id = steps.cursor.descendant_index() as i64;
        above.truncate(steps.depth);
        if named || (kind == Kind::Errors && node.is_missing()) {
            walk.visit(&steps, node, node_kind, id, above.last().copied())?;
        }
        if kind.is_of_nodes() {
            above.push((id, node_kind.name));
        }
        let inside = match kind {
            Kind::Errors => node.has_error(),
            _ if kind.is_of_statements() => node_kind.has_statements || node.has_error(),
            // Tokens have nothing in them that has a row.
            _ => named,
        };
        if walk.rows.is_full() || !steps.next(inside) {
            return Ok(());
        }
    }
}

fn place(node: Node) -> Place {
    let (start, end) = (node.start_position(), node.end_position());
    Place {
        bytes: (node.start_byte(), node.end_byte()),
        start: (start.row, start.column),
        end: (end.row, end.column),
    }
}

impl Walk<'_> {
    fn visit(
        &mut self,
        steps: &Steps,
        node: Node,
        node_kind: NodeKind,
        id: i64,
        parent: Option<(i64, &str)>,
    ) -> Result<()> {
        match (self.kind, node_kind.role) {
            (Kind::Nodes | Kind::Edges, role) => {
                if self.kind == Kind::Edges && parent.is_none() {
                    return Ok(());
                }
                let name = role == Role::Identifier && self.rows.wants(Column::Name);
                let name = name.then(|| identifier(node, self.source));
                let field = steps.cursor.field_id();
                let row = Row {
                    id: Some(id),
                    parent: parent.map(|(id, _)| id),
                    node_type: node_kind.name,
                    name: name.as_deref(),
                    place: self.place(node),
                    field: field.and_then(|field| self.grammar.field_name(field.get())),
                    parent_type: parent.map(|(_, node_type)| node_type),
                    ..Row::default()
                };
                self.rows.push(self.path, &row)
            }
            (Kind::Errors, _) => self.error(node, id),
            (_, Role::Function) => self.definition(node, false, id, steps.depth),
            (_, Role::Class) => self.definition(node, true, id, steps.depth),
            (Kind::Docstrings, Role::Module) => self.docstring_of(node, "module"),
            (Kind::Calls, Role::Call) => self.call(node, id),
            (Kind::Calls, Role::TypeAlias) => self.call_of_type(node, id),
            (Kind::Imports, Role::Import) => self.import(node, id),
            _ => Ok(()),
        }
    }

    fn place(&self, node: Node) -> Place {
        self.parsed.located(place(node))
    }

    fn scope(&self) -> (Option<i64>, Option<&str>) {
        let scope = self.scopes.last();
        (
            scope.map(|scope| scope.id),
            scope.map(|scope| scope.qualname.as_str()),
        )
    }

    /// A row of its own, or the scope of other rows.
    fn definition(&mut self, node: Node, class: bool, id: i64, depth: usize) -> Result<()> {
        let Some(name) = node.child_by_field_id(self.grammar.field.name) else {
            return Ok(());
        };
        let name = identifier(name, self.source);
        let qualname = match self.scopes.last() {
            None => name.clone().into_owned(),
            Some(scope) if scope.class => format!("{}.{name}", scope.qualname),
            Some(scope) => format!("{}.<locals>.{name}", scope.qualname),
        };
        let node_type = match node.child(0) {
            _ if class => "class",
            Some(first) if first.kind() == "async" => "async_function",
            _ => "function",
        };
        if self.kind == Kind::Definitions {
            let docstring = match self.rows.wants(Column::Docstring) {
                true => body(node).and_then(|body| docstring(body, self.source)),
                false => None,
            };
            let row = Row {
                id: Some(id),
                parent: self.scope().0,
                node_type,
                name: Some(&name),
                place: self.parsed.located(definition_place(node)),
                qualname: Some(&qualname),
                docstring: docstring.as_ref().map(|(_, text)| text.as_str()),
                ..Row::default()
            };
            self.rows.push(self.path, &row)?;
        }
        self.scopes.push(Scope {
            id,
            depth,
            qualname,
            class,
        });
        match (self.kind, body(node)) {
            (Kind::Docstrings, Some(body)) => self.docstring_of(body, node_type),
            _ => Ok(()),
        }
    }

    /// The docstring of the innermost scope, or of the module.
    fn docstring_of(&mut self, body: Node, node_type: &str) -> Result<()> {
        let Some((string, text)) = docstring(body, self.source) else {
            return Ok(());
        };
        let (scope, qualname) = self.scope();
        let name = qualname.map(|name| name.rsplit('.').next().unwrap_or(name).to_owned());
        let qualname = qualname.map(str::to_owned);
        let row = Row {
            id: Some(scope.unwrap_or(0)),
            parent: self
                .scopes
                .len()
                .checked_sub(2)
                .map(|at| self.scopes[at].id),
            node_type,
            name: name.as_deref(),
            place: self.place(string),
            qualname: qualname.as_deref(),
            docstring: Some(&text),
            ..Row::default()
        };
        self.rows.push(self.path, &row)
    }

    fn call(&mut self, node: Node, id: i64) -> Result<()> {
        let field = &self.grammar.field;
        let callee = node.child_by_field_id(field.function);
        let of_type = self.call_of_type;
        let of_type = of_type.filter(|(parentheses, _)| *parentheses == node.start_byte());
        // What `type(a)` gives has no name.
        let named = callee.filter(|_| of_type.is_none() && self.rows.wants(Column::Name));
        let name = named.and_then(|callee| dotted(callee, self.source));
        let counted = self.rows.wants(Column::Arguments);
        let arguments = counted.then(|| node.child_by_field_id(field.arguments));
        let arguments = arguments.flatten();
        let mut place = place(node);
        if let Some(first) = callee.and_then(behind_asterisk) {
            let start = first.start_position();
            place.bytes.0 = first.start_byte();
            place.start = (start.row, start.column);
        }
        if let Some((_, statement)) = of_type {
            place.bytes.0 = statement.bytes.0;
            place.start = statement.start;
        }
        self.push_call(id, name.as_deref(), place, arguments.map(count))
    }

    /// `type(a).b = c` is a type alias to the grammar; that of an alias is a name.
    fn call_of_type(&mut self, node: Node, id: i64) -> Result<()> {
        let mut arguments = node.child_by_field_id(self.grammar.field.left);
        while let Some(inner) = arguments {
            if matches!(
                inner.kind(),
                "parenthesized_expression" | "tuple" | "generator_expression"
            ) {
                let end = inner.end_position();
                let mut place = place(node);
                self.call_of_type = Some((inner.start_byte(), place));
                place.bytes.1 = inner.end_byte();
                place.end = (end.row, end.column);
                return self.push_call(id, Some("type"), place, Some(count(inner)));
            }
            arguments = inner.named_child(0);
        }
        Ok(())
    }

    fn push_call(
        &mut self,
        id: i64,
        name: Option<&str>,
        place: Place,
        arguments: Option<i32>,
    ) -> Result<()> {
        let scope = self.scopes.last();
        let row = Row {
            id: Some(id),
            parent: scope.map(|scope| scope.id),
            node_type: "call",
            name,
            place: self.parsed.located(place),
            qualname: scope.map(|scope| scope.qualname.as_str()),
            arguments,
            ..Row::default()
        };
        self.rows.push(self.path, &row)
    }

    /// A row for every name that is imported, with the id of the name's node.
    fn import(&mut self, node: Node, id: i64) -> Result<()> {
        let source = self.source;
        let parent = self.scope().0;
        let from = node.kind() != "import_statement";
        let mut level = 0;
        let module: Option<Cow<str>> = match node.kind() {
            "future_import_statement" => Some("__future__".into()),
            "import_from_statement" => {
                let module = node.child_by_field_id(self.grammar.field.module_name);
                let (dots, name) = module.map_or((0, None), |module| relative(module, source));
                level = dots;
                name
            }
            _ => None,
        };
        let mut cursor = node.walk();
        if !cursor.goto_first_child() {
            return Ok(());
        }
        loop {
            let child = cursor.node();
            let star = child.kind() == "wildcard_import";
            if star || cursor.field_name() == Some("name") {
                let (name, alias) = match child.kind() {
                    "aliased_import" => (
                        child.child_by_field_id(self.grammar.field.name),
                        child.child_by_field_id(self.grammar.field.alias),
                    ),
                    _ => (Some(child), None),
                };
                let name = match name {
                    _ if star => Some(Cow::Borrowed("*")),
                    Some(name) => dotted(name, source),
                    None => None,
                };
                let alias = alias.map(|alias| identifier(alias, source));
                let row = Row {
                    id: Some(id + cursor.descendant_index() as i64),
                    parent,
                    node_type: if from { "from" } else { "import" },
                    name: if from { name.as_deref() } else { None },
                    place: self.place(node),
                    module: if from {
                        module.as_deref()
                    } else {
                        name.as_deref()
                    },
                    alias: alias.as_deref(),
                    level: Some(level),
                    ..Row::default()
                };
                self.rows.push(self.path, &row)?;
            }
            if !cursor.goto_next_sibling() {
                return Ok(());
            }
        }
    }

    fn error(&mut self, node: Node, id: i64) -> Result<()> {
        let message: Cow<str> = if node.is_missing() {
            format!("{} is missing", node.kind()).into()
        } else if node.is_error() {
            let text = text(node, self.source);
            // A long stretch that is not understood is one whose start tells enough.
            let start: String = text.chars().take(40).collect();
            format!("not understood: {start}").into()
        } else {
            return Ok(());
        };
        let row = Row {
            id: Some(id),
            node_type: if node.is_missing() {
                "missing"
            } else {
                "error"
            },
            place: self.place(node),
            message: Some(&message),
            ..Row::default()
        };
        self.rows.push(self.path, &row)
    }
}

/// Dots and name of a module that is imported from.
fn relative<'a>(module: Node, source: &'a [u8]) -> (i32, Option<Cow<'a, str>>) {
    if module.kind() != "relative_import" {
        return (0, dotted(module, source));
    }
    let mut cursor = module.walk();
    let mut level = 0;
    let mut name = None;
    for child in module.named_children(&mut cursor) {
        match child.kind() {
            "import_prefix" => {
                let dots = text(child, source);
                level = dots.chars().filter(|&dot| dot == '.').count() as i32;
            }
            "dotted_name" => name = dotted(child, source),
            _ => {}
        }
    }
    (level, name)
}

/// How many arguments stand in parentheses.
fn count(arguments: Node) -> i32 {
    if arguments.kind() == "generator_expression" {
        return 1;
    }
    let mut cursor = arguments.walk();
    let arguments = arguments.named_children(&mut cursor);
    arguments.filter(|node| !node.is_extra()).count() as i32
}

/// What a call starts with where the grammar takes `*f(x)` for a call of `*f`.
fn behind_asterisk(callee: Node) -> Option<Node> {
    let grammar = &*GRAMMAR;
    let mut first = callee;
    loop {
        first = first.child_by_field_id(match grammar.kind(first).role {
            Role::ListSplat => return content(first),
            Role::Attribute => grammar.field.object,
            Role::Call => grammar.field.function,
            Role::Subscript => grammar.field.value,
            _ => return None,
        })?;
    }
}

fn body(definition: Node) -> Option<Node> {
    definition.child_by_field_id(GRAMMAR.field.body)
}

/// From the first keyword, behind decorators, to the end of the last statement, before comments.
fn definition_place(definition: Node) -> Place {
    let mut place = place(definition);
    let mut last = definition;
    loop {
        let mut cursor = last.walk();
        let child = last
            .children(&mut cursor)
            .filter(|node| node.kind() != "comment")
            .last();
        match child {
            // Only blocks end with comments, and only what ends with a block ends with them.
            Some(child) if child.kind() == "block" || last.kind() == "block" => last = child,
            Some(child) if child.end_byte() == last.end_byte() && GRAMMAR.kind(child).has_block => {
                last = child
            }
            _ => break,
        }
    }
    let end = last.end_position();
    place.bytes.1 = last.end_byte();
    place.end = (end.row, end.column);
    place
}
