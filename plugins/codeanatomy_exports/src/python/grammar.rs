//! Python's grammar by its numbers.
//!
//! The parser knows names of node kinds and fields as C strings, whose length is counted each time one is asked for, and a walk
//! asks about every node of a file. Numbers are looked up here once.

use std::sync::LazyLock;

use tree_sitter::{Language, Node};

/// What a node is to the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Function,
    Class,
    Call,
    TypeAlias,
    Import,
    Module,
    Identifier,
    Attribute,
    DottedName,
    ListSplat,
    Parenthesized,
    Subscript,
    Other,
}

/// What is asked of a node's kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeKind {
    pub(super) name: &'static str,
    pub(super) role: Role,
    /// Statements may stand in it.
    pub(super) has_statements: bool,
    /// It may end with a block.
    pub(super) has_block: bool,
}

pub(super) struct Grammar {
    kinds: Vec<NodeKind>,
    fields: Vec<Option<&'static str>>,
    pub(super) field: Fields,
}

/// Numbers of fields.
pub(super) struct Fields {
    pub(super) alias: u16,
    pub(super) arguments: u16,
    pub(super) attribute: u16,
    pub(super) body: u16,
    pub(super) function: u16,
    pub(super) left: u16,
    pub(super) module_name: u16,
    pub(super) name: u16,
    pub(super) object: u16,
    pub(super) value: u16,
}

/// What is not understood has a number beyond those of the grammar.
const ERROR: NodeKind = NodeKind {
    name: "ERROR",
    role: Role::Other,
    has_statements: true,
    has_block: false,
};

pub(super) static GRAMMAR: LazyLock<Grammar> =
    LazyLock::new(|| Grammar::of(&tree_sitter_python::LANGUAGE.into()));

impl Grammar {
    fn of(language: &Language) -> Self {
        let kinds = (0..language.node_kind_count()).map(|id| {
            // There are fewer kinds than 2^16: their numbers have 16 bits.
            let id = id as u16;
            let name = language.node_kind_for_id(id).unwrap_or_default();
            NodeKind::of(name, language.node_kind_is_named(id))
        });
        let fields = 0..=language.field_count() as u16;
        // Nothing has the field 0, and so nothing is found by a name that the grammar does not have.
        let field = |name| language.field_id_for_name(name).map_or(0, |id| id.get());
        Self {
            kinds: kinds.collect(),
            fields: fields.map(|id| language.field_name_for_id(id)).collect(),
            field: Fields {
                alias: field("alias"),
                arguments: field("arguments"),
                attribute: field("attribute"),
                body: field("body"),
                function: field("function"),
                left: field("left"),
                module_name: field("module_name"),
                name: field("name"),
                object: field("object"),
                value: field("value"),
            },
        }
    }

    pub(super) fn kind(&self, node: Node) -> NodeKind {
        *self
            .kinds
            .get(usize::from(node.kind_id()))
            .unwrap_or(&ERROR)
    }

    pub(super) fn field_name(&self, id: u16) -> Option<&'static str> {
        self.fields.get(usize::from(id)).copied().flatten()
    }
}

impl NodeKind {
    fn of(name: &'static str, named: bool) -> Self {
        // A keyword has the name of a node now and then, and nothing in it.
        let (role, has_block) = match name {
            _ if !named => (Role::Other, false),
            "function_definition" => (Role::Function, true),
            "class_definition" => (Role::Class, true),
            "call" => (Role::Call, false),
            "type_alias_statement" => (Role::TypeAlias, false),
            "import_statement" | "import_from_statement" | "future_import_statement" => {
                (Role::Import, false)
            }
            "module" => (Role::Module, false),
            "identifier" => (Role::Identifier, false),
            "attribute" => (Role::Attribute, false),
            "dotted_name" => (Role::DottedName, false),
            "list_splat" => (Role::ListSplat, false),
            "parenthesized_expression" => (Role::Parenthesized, false),
            "subscript" => (Role::Subscript, false),
            "if_statement"
            | "elif_clause"
            | "else_clause"
            | "for_statement"
            | "while_statement"
            | "try_statement"
            | "except_clause"
            | "except_group_clause"
            | "finally_clause"
            | "with_statement"
            | "match_statement"
            | "case_clause"
            | "decorated_definition" => (Role::Other, true),
            _ => (Role::Other, false),
        };
        Self {
            name,
            role,
            has_statements: has_block || (named && matches!(name, "module" | "block")),
            has_block,
        }
    }
}
