//! The packed description: what only a running plugin can say, for people and for later hosts.

mod difference;
pub(super) mod record;
mod signature;

pub use difference::{ChangedItem, Difference};

use arrow_schema::DataType;
use datafusion_plugin_api::abi::message::{
    Documentation, Exports, FunctionDescriptor, FunctionKind, OptionDescriptor, PlannerDescriptor,
    RuleStage, TableFunctionDescriptor, Volatility,
};
use serde::{Deserialize, Serialize};

/// Everything that a plugin exports, as text. Keys that a reader does not know are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Description {
    /// Scalar, aggregate and window functions, in the order of export.
    pub functions: Vec<FunctionEntry>,
    /// Table functions, in the order of export.
    pub table_functions: Vec<TableFunctionEntry>,
    /// Tables, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<String>,
    /// Table factories, by the word after `STORED AS`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub table_factories: Vec<String>,
    /// Catalogs, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub catalogs: Vec<String>,
    /// Relation planners, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relation_planners: Vec<String>,
    /// Expression planners, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expression_planners: Vec<String>,
    /// Type planners, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub type_planners: Vec<String>,
    /// Policies, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Analyzer rules, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub analyzer_rules: Vec<String>,
    /// Optimizer rules, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optimizer_rules: Vec<String>,
    /// Physical optimizer rules, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub physical_optimizer_rules: Vec<String>,
    /// Function factories, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub function_factories: Vec<String>,
    /// Session options, in the order of export.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OptionEntry>,
}

/// A session option.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct OptionEntry {
    /// What `SET` calls it, with the namespace.
    pub name: String,
    /// `boolean`, `integer`, `unsigned_integer`, `number`, `text` or `other`.
    pub kind: String,
    /// The value that a session begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What it says of itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// A function.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FunctionEntry {
    /// Its name.
    pub name: String,
    /// `scalar`, `async_scalar`, `aggregate` or `window`.
    pub kind: String,
    /// Other names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What it accepts, for people: `sha2(Binary|Utf8, Int32)`, one per alternative.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<String>,
    /// `immutable`, `stable` or `volatile`.
    pub volatility: String,
    /// What it says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documentation: Option<Documentation>,
}

/// A table function.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TableFunctionEntry {
    /// Its name.
    pub name: String,
    /// How it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syntax: Option<String>,
    /// What it says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documentation: Option<Documentation>,
}

impl Description {
    /// Describes exports; `types` are those of the parcel that carried them.
    pub fn of(exports: &Exports, types: &[DataType]) -> Self {
        let functions = exports
            .scalar_functions
            .iter()
            .chain(&exports.aggregate_functions)
            .chain(&exports.window_functions)
            .map(|function| FunctionEntry::of(function, types))
            .collect();
        let table_functions = exports
            .table_functions
            .iter()
            .map(TableFunctionEntry::of)
            .collect();
        let planners = |planners: &[PlannerDescriptor]| -> Vec<String> {
            planners
                .iter()
                .map(|planner| planner.name.clone())
                .collect()
        };
        let rules = |stage| -> Vec<String> {
            let of_stage = exports.rules.iter().filter(|rule| rule.stage == stage);
            of_stage.map(|rule| rule.name.clone()).collect()
        };
        Self {
            functions,
            table_functions,
            tables: exports.tables.clone(),
            table_factories: exports.table_factories.clone(),
            catalogs: exports.catalogs.clone(),
            relation_planners: planners(&exports.relation_planners),
            expression_planners: planners(&exports.expression_planners),
            type_planners: planners(&exports.type_planners),
            policies: exports.policies.clone(),
            analyzer_rules: rules(RuleStage::Analyzer),
            optimizer_rules: rules(RuleStage::Optimizer),
            physical_optimizer_rules: rules(RuleStage::Physical),
            function_factories: exports.function_factories.clone(),
            options: exports.options.as_ref().map_or_else(Vec::new, |options| {
                let entry = |option| OptionEntry::of(&options.namespace, option);
                options.options.iter().map(entry).collect()
            }),
        }
    }

    /// How many items there are, of all kinds.
    pub fn count(&self) -> usize {
        let named = self.named().into_iter().map(|(_, names)| names.len());
        let listed = self.functions.len() + self.table_functions.len() + self.options.len();
        listed + named.sum::<usize>()
    }

    /// What is no function, by kind.
    fn named(&self) -> [(&'static str, &[String]); 11] {
        [
            ("table provider", &self.tables),
            ("table factory", &self.table_factories),
            ("catalog", &self.catalogs),
            ("relation planner", &self.relation_planners),
            ("expression planner", &self.expression_planners),
            ("type planner", &self.type_planners),
            ("policy", &self.policies),
            ("analyzer rule", &self.analyzer_rules),
            ("optimizer rule", &self.optimizer_rules),
            ("physical optimizer rule", &self.physical_optimizer_rules),
            ("function factory", &self.function_factories),
        ]
    }

    /// The first fact in which this description, packed, differs from what activation yields.
    ///
    /// Names, kinds, aliases and volatility are facts. Signatures and documentation are text
    /// that a later host may write differently, so they are not compared.
    pub fn disagreement(&self, activated: &Self) -> Option<String> {
        type Fact<'a> = (String, &'a str, &'a [String], &'a str);
        fn facts(description: &Description) -> Vec<Fact<'_>> {
            let functions = description.functions.iter().map(|entry| {
                (
                    format!("{} function", entry.kind),
                    entry.name.as_str(),
                    entry.aliases.as_slice(),
                    entry.volatility.as_str(),
                )
            });
            let table_functions = description.table_functions.iter();
            let table_functions =
                table_functions.map(|entry| ("table function", entry.name.as_str()));
            let named = description.named().into_iter();
            let named =
                named.flat_map(|(kind, names)| names.iter().map(move |name| (kind, name.as_str())));
            let options = description.options.iter();
            let options = options.map(|option| ("option", option.name.as_str()));
            let others = table_functions.chain(named).chain(options);
            functions
                .chain(others.map(|(kind, name)| (kind.to_owned(), name, &[][..], "")))
                .collect()
        }
        let text = |(kind, name, aliases, volatility): &Fact<'_>| {
            let mut text = format!("{kind} '{name}'");
            if !volatility.is_empty() {
                text += &format!(" ({volatility})");
            }
            if !aliases.is_empty() {
                text += &format!(" with aliases {}", aliases.join(", "));
            }
            text
        };
        let (packed, activated) = (facts(self), facts(activated));
        if let Some(gone) = packed.iter().find(|fact| !activated.contains(fact)) {
            return Some(format!("packed but not exported: {}", text(gone)));
        }
        if let Some(new) = activated.iter().find(|fact| !packed.contains(fact)) {
            return Some(format!("exported but not packed: {}", text(new)));
        }
        (packed.len() != activated.len()).then(|| {
            let (packed, activated) = (packed.len(), activated.len());
            format!("{packed} items are packed, {activated} are exported")
        })
    }
}

impl OptionEntry {
    fn of(namespace: &str, option: &OptionDescriptor) -> Self {
        Self {
            name: format!("{namespace}.{}", option.key),
            kind: option.kind.name().to_owned(),
            default: option.default.clone(),
            description: option.description.clone(),
        }
    }
}

impl FunctionEntry {
    fn of(function: &FunctionDescriptor, types: &[DataType]) -> Self {
        Self {
            name: function.name.clone(),
            kind: kind_name(function.kind).to_owned(),
            aliases: function.aliases.clone(),
            signatures: signature::render(&function.name, &function.signature, types),
            volatility: match function.signature.volatility {
                Volatility::Immutable => "immutable",
                Volatility::Stable => "stable",
                Volatility::Volatile => "volatile",
            }
            .to_owned(),
            documentation: function.documentation.clone(),
        }
    }
}

/// The name of a kind in descriptions.
fn kind_name(kind: FunctionKind) -> &'static str {
    match kind {
        FunctionKind::Scalar => "scalar",
        FunctionKind::AsyncScalar => "async_scalar",
        FunctionKind::Aggregate => "aggregate",
        FunctionKind::Window => "window",
        _ => "unknown",
    }
}

impl TableFunctionEntry {
    fn of(function: &TableFunctionDescriptor) -> Self {
        Self {
            name: function.name.clone(),
            syntax: function.syntax.clone(),
            documentation: function.documentation.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn entry(name: &str, volatility: &str) -> FunctionEntry {
        FunctionEntry {
            name: name.to_owned(),
            kind: "scalar".to_owned(),
            volatility: volatility.to_owned(),
            ..FunctionEntry::default()
        }
    }

    fn description(functions: Vec<FunctionEntry>) -> Description {
        Description {
            functions,
            ..Description::default()
        }
    }

    #[test]
    fn disagreement_names_the_function() {
        let packed = description(vec![entry("a", "immutable"), entry("b", "stable")]);
        assert_eq!(packed.disagreement(&packed), None);
        let less = description(vec![entry("a", "immutable")]);
        let gone = packed.disagreement(&less).unwrap();
        assert_eq!(
            gone,
            "packed but not exported: scalar function 'b' (stable)"
        );
        let new = less.disagreement(&packed).unwrap();
        assert_eq!(new, "exported but not packed: scalar function 'b' (stable)");
        let other = description(vec![entry("a", "volatile"), entry("b", "stable")]);
        assert!(packed.disagreement(&other).unwrap().contains("'a'"));
        let twice = description(vec![entry("a", "immutable"), entry("a", "immutable")]);
        assert_eq!(
            less.disagreement(&twice).unwrap(),
            "1 items are packed, 2 are exported"
        );
    }

    #[test]
    fn a_description_of_a_later_host_is_read() {
        let text = r#"{"functions":[{"name":"f","later":[1]}],"planners":["x"]}"#;
        let read: Description = serde_json::from_str(text).unwrap();
        assert_eq!(read.functions[0].name, "f");
    }
}
