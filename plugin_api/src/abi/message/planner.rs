//! Planners. Syntax trees are JSON of `sqlparser`'s types, in blobs or as texts in messages.

use serde::{Deserialize, Serialize};

use super::{FunctionKind, PlanList, TableName};

/// A relation, expression or type planner as exported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannerDescriptor {
    /// The name.
    pub name: String,
    /// What it is asked about: kinds of relations or hooks; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interests: Option<Vec<String>>,
}

/// What a relation planner made of a relation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RelationReply {
    /// Its plan; absent where it declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<PlanList>,
    /// The alias that the host is to apply: a syntax tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
}

/// What an expression planner is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExpressionHookRequest {
    /// Which hook.
    pub hook: ExpressionHook,
    /// The expressions, and the schema where the hook has one.
    pub list: PlanList,
}

/// A hook of expression planning, with what it says beside expressions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpressionHook {
    /// Left, right.
    BinaryOp {
        /// The operator's syntax tree.
        operator: String,
    },
    /// The expression, then the name as a literal, the key, or start, stop and stride.
    FieldAccess(FieldAccess),
    /// The elements.
    ArrayLiteral,
    /// The arguments.
    Position,
    /// Keys, then as many values.
    DictionaryLiteral,
    /// The arguments.
    Extract,
    /// The arguments.
    Substring,
    /// The fields.
    StructLiteral {
        /// Whether names stand between them.
        named: bool,
    },
    /// The arguments.
    Overlay,
    /// The arguments.
    MakeMap,
    /// No expressions; the schema is the field with its table.
    CompoundIdentifier {
        /// The names below the field.
        nested: Vec<String>,
    },
    /// The call, as an aggregate.
    Aggregate,
    /// The call, as a window function.
    Window,
}

/// How a field is accessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "as DataFusion names them")]
pub enum FieldAccess {
    NamedStructField,
    ListIndex,
    ListRange,
}

/// What an expression planner made of its request.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ExpressionHookReply {
    /// The expression; absent where it declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<PlanList>,
}

/// What a planner asks of the session. Syntax trees are texts here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContextQuestion {
    /// The plan of a relation, by all planners.
    Plan {
        /// Its syntax tree.
        relation: String,
    },
    /// The expression of a syntax tree.
    Expression {
        /// The syntax tree.
        syntax: String,
        /// Whether DataFusion's rewrites are applied.
        rewritten: bool,
        /// The schema of what it is over.
        schema: PlanList,
    },
    /// An identifier by the session's settings.
    NormalizeIdent {
        /// Its syntax tree.
        ident: String,
    },
    /// The table that a name means.
    TableReference {
        /// Its syntax tree.
        name: String,
    },
    /// A table of the session.
    Table {
        /// Its name.
        name: TableName,
    },
    /// What a table function of the session yields.
    TableFunction {
        /// Its name.
        name: String,
        /// Its arguments.
        args: PlanList,
    },
    /// The table that stands for a recursive query inside itself; the schema is the types.
    WorkTable {
        /// Its name.
        name: String,
    },
    /// A function of the session.
    Function {
        /// What kind.
        kind: FunctionKind,
        /// Its name.
        name: String,
    },
    /// The names of the session's functions.
    FunctionNames {
        /// What kind.
        kind: FunctionKind,
    },
    /// The field of a variable.
    Variable {
        /// Its name in parts.
        names: Vec<String>,
    },
    /// The settings that differ from DataFusion's defaults.
    Settings,
}

/// Answers with the name of a table.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TableNameReply {
    /// The name.
    pub name: TableName,
}

/// Answers with names.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NamesReply {
    /// The names.
    pub names: Vec<String>,
}
