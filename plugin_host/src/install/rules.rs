//! Rules of plugins in a session, live or being built.

use std::sync::Arc;

use datafusion::{
    execution::{SessionState, session_state::SessionStateBuilder},
    optimizer::{AnalyzerRule, OptimizerRule, analyzer::Analyzer, optimizer::Optimizer},
    physical_optimizer::{PhysicalOptimizerRule, optimizer::PhysicalOptimizer},
};
use datafusion_plugin_api::abi::message::{RulePosition, RuleStage};

use super::{
    planners::{rebuild, same},
    replace::Swap,
    session::Functions,
};
use crate::{
    import::{
        imported::Named,
        rule::{PluginPhysicalRule, PluginRule},
    },
    policy::plain,
};

type AnalyzerRules = Vec<Arc<dyn AnalyzerRule + Send + Sync>>;
type OptimizerRules = Vec<Arc<dyn OptimizerRule + Send + Sync>>;
type PhysicalRules = Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>;

/// What an install adds, in the order of the plugins and inside of a plugin that of its exports.
#[derive(Debug, Default)]
pub(super) struct NewRules {
    logical: Vec<Arc<PluginRule>>,
    physical: Vec<Arc<PluginPhysicalRule>>,
}

impl NewRules {
    pub(super) fn of(registrations: &[Named]) -> Self {
        let mut rules = Self::default();
        for named in registrations {
            match named {
                Named::Rule(rule) => rules.logical.push(Arc::clone(rule)),
                Named::PhysicalRule(rule) => rules.physical.push(Arc::clone(rule)),
                _ => {}
            }
        }
        rules
    }

    pub(super) fn is_empty(&self) -> bool {
        self.logical.is_empty() && self.physical.is_empty()
    }

    /// Into a live session.
    pub(super) fn register_live(self, state: &mut SessionState) {
        if self.physical.is_empty() && self.logical.iter().all(|rule| is_appended(rule)) {
            for rule in self.logical {
                state.add_analyzer_rule(rule);
            }
            return;
        }
        rebuild(state, |builder| self.place(builder));
    }

    /// Among the rules of a builder.
    fn place(self, builder: &mut SessionStateBuilder) {
        let mut rules = BuildingRules::take(builder);
        self.place_among(&mut rules);
        rules.put_back(builder);
    }

    /// Among rules that stand apart.
    pub(super) fn place_among(self, building: &mut BuildingRules) {
        // What a builder was given one by one comes behind what it was given as a whole.
        let analyzer = building.analyzer.get_or_insert_default();
        analyzer.rules.append(&mut building.analyzer_rules);
        let mut rules = Rules::of(&mut analyzer.rules);
        for rule in self.of_stage(RuleStage::Analyzer) {
            rules.insert(rule.position(), |rule| rule.name(), Arc::clone(rule) as _);
        }
        let optimizer = building.optimizer.get_or_insert_default();
        optimizer.rules.append(&mut building.optimizer_rules);
        let mut rules = Rules::of(&mut optimizer.rules);
        for rule in self.of_stage(RuleStage::Optimizer) {
            rules.insert(rule.position(), |rule| rule.name(), Arc::clone(rule) as _);
        }
        let physical = building.physical.get_or_insert_default();
        physical.rules.append(&mut building.physical_rules);
        let mut rules = Rules::of(&mut physical.rules);
        for rule in &self.physical {
            rules.insert(rule.position(), |rule| rule.name(), Arc::clone(rule) as _);
        }
    }

    fn of_stage(&self, stage: RuleStage) -> impl Iterator<Item = &Arc<PluginRule>> {
        self.logical
            .iter()
            .filter(move |rule| rule.stage() == stage)
    }
}

/// Whether a live session takes the rule as it is.
pub(super) fn is_appended(rule: &PluginRule) -> bool {
    rule.stage() == RuleStage::Analyzer && *rule.position() == RulePosition::Last
}

/// The rules of a builder, taken out of it.
#[derive(Default)]
pub(super) struct BuildingRules {
    analyzer: Option<Analyzer>,
    optimizer: Option<Optimizer>,
    physical: Option<PhysicalOptimizer>,
    analyzer_rules: AnalyzerRules,
    optimizer_rules: OptimizerRules,
    physical_rules: PhysicalRules,
}

impl BuildingRules {
    pub(super) fn take(builder: &mut SessionStateBuilder) -> Self {
        Self {
            analyzer: builder.analyzer().take(),
            optimizer: builder.optimizer().take(),
            physical: builder.physical_optimizers().take(),
            analyzer_rules: builder.analyzer_rules().take().unwrap_or_default(),
            optimizer_rules: builder.optimizer_rules().take().unwrap_or_default(),
            physical_rules: builder
                .physical_optimizer_rules()
                .take()
                .unwrap_or_default(),
        }
    }

    pub(super) fn put_back(self, builder: &mut SessionStateBuilder) {
        *builder.analyzer() = self.analyzer;
        *builder.optimizer() = self.optimizer;
        *builder.physical_optimizers() = self.physical;
        *builder.analyzer_rules() = Some(self.analyzer_rules);
        *builder.optimizer_rules() = Some(self.optimizer_rules);
        *builder.physical_optimizer_rules() = Some(self.physical_rules);
    }

    /// Adds a rule behind all others, once.
    pub(super) fn append(&mut self, rule: Arc<dyn AnalyzerRule + Send + Sync>) {
        if !self.analyzer().any(|known| Arc::ptr_eq(known, &rule)) {
            self.analyzer_rules.push(rule);
        }
    }

    fn analyzer(&self) -> impl Iterator<Item = &Arc<dyn AnalyzerRule + Send + Sync>> {
        let whole = self.analyzer.iter().flat_map(|analyzer| &analyzer.rules);
        whole.chain(&self.analyzer_rules)
    }

    fn optimizer(&self) -> impl Iterator<Item = &Arc<dyn OptimizerRule + Send + Sync>> {
        let whole = self.optimizer.iter().flat_map(|optimizer| &optimizer.rules);
        whole.chain(&self.optimizer_rules)
    }

    fn physical(&self) -> impl Iterator<Item = &Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
        let whole = self.physical.iter().flat_map(|physical| &physical.rules);
        whole.chain(&self.physical_rules)
    }

    pub(super) fn has(&self, rule: &Named) -> bool {
        is_among(rule, self.analyzer(), self.optimizer(), self.physical())
    }

    /// Whether a rule of this stage will stand there under this name: of what the builder was not
    /// given, it builds DataFusion's own.
    pub(super) fn has_named(&self, stage: RuleStage, name: &str) -> bool {
        let defaults = Self {
            analyzer: self.analyzer.is_none().then(Analyzer::new),
            optimizer: self.optimizer.is_none().then(Optimizer::new),
            physical: self.physical.is_none().then(PhysicalOptimizer::new),
            ..Self::default()
        };
        is_named(
            stage,
            name,
            self.analyzer().chain(defaults.analyzer()),
            self.optimizer().chain(defaults.optimizer()),
            self.physical().chain(defaults.physical()),
        )
    }
}

/// Whether one of these rules of `stage` has this name.
pub(super) fn is_named<'a>(
    stage: RuleStage,
    name: &str,
    analyzer: impl IntoIterator<Item = &'a Arc<dyn AnalyzerRule + Send + Sync>>,
    optimizer: impl IntoIterator<Item = &'a Arc<dyn OptimizerRule + Send + Sync>>,
    physical: impl IntoIterator<Item = &'a Arc<dyn PhysicalOptimizerRule + Send + Sync>>,
) -> bool {
    match stage {
        RuleStage::Analyzer => analyzer.into_iter().any(|rule| rule.name() == name),
        RuleStage::Physical => physical.into_iter().any(|rule| rule.name() == name),
        _ => optimizer.into_iter().any(|rule| rule.name() == name),
    }
}

/// The rule beside which `rule` is to stand, if neither the session nor what is installed before it
/// has one of that name.
pub(super) fn missing_neighbour(
    rule: &Named,
    session: &impl Functions,
    installed: &[Named],
) -> Option<String> {
    let placed = Placed::of(rule)?;
    let (RulePosition::Before(wanted) | RulePosition::After(wanted)) = placed.position else {
        return None;
    };
    let mut installed = installed.iter().filter_map(Placed::of);
    let found = session.has_rule_named(placed.stage, wanted)
        || installed.any(|rule| rule.stage == placed.stage && rule.name == wanted);
    if found {
        return None;
    }
    tracing::warn!(
        rule = placed.name,
        neighbour = wanted,
        "the session has no such neighbour; the rule stands last"
    );
    Some(wanted.clone())
}

/// A rule of any stage, as it is placed.
struct Placed<'a> {
    stage: RuleStage,
    name: &'a str,
    position: &'a RulePosition,
}

impl<'a> Placed<'a> {
    fn of(named: &'a Named) -> Option<Self> {
        match named {
            Named::Rule(rule) => Some(Self {
                stage: rule.stage(),
                name: AnalyzerRule::name(rule.as_ref()),
                position: rule.position(),
            }),
            Named::PhysicalRule(rule) => Some(Self {
                stage: RuleStage::Physical,
                name: rule.name(),
                position: rule.position(),
            }),
            _ => None,
        }
    }
}

/// Puts the rule that asks policies behind all others again, where the session can be built anew.
pub(super) fn policies_last(state: &mut SessionState) {
    let is_guard = |rule: &Arc<dyn AnalyzerRule + Send + Sync>| rule.name() == plain::RULE;
    let place = state.analyzer().rules.iter().position(is_guard);
    let last = place.is_none_or(|place| place + 1 == state.analyzer().rules.len());
    if last || state.has_prepared_statements() {
        return;
    }
    rebuild(state, |builder| {
        let analyzer = builder.analyzer().get_or_insert_default();
        let (guard, others) = std::mem::take(&mut analyzer.rules)
            .into_iter()
            .partition::<AnalyzerRules, _>(is_guard);
        analyzer.rules = others.into_iter().chain(guard).collect();
    });
}

/// Puts successors into the places of rules in a builder.
pub(super) fn exchange(builder: &mut SessionStateBuilder, swaps: &[Swap]) {
    let mut rules = BuildingRules::take(builder);
    let analyzer = rules.analyzer.as_mut().map(|analyzer| &mut analyzer.rules);
    for list in analyzer.into_iter().chain([&mut rules.analyzer_rules]) {
        Swap::within(swaps, list, |named| match named {
            Named::Rule(rule) => Some(Arc::clone(rule) as _),
            _ => None,
        });
    }
    let optimizer = rules
        .optimizer
        .as_mut()
        .map(|optimizer| &mut optimizer.rules);
    for list in optimizer.into_iter().chain([&mut rules.optimizer_rules]) {
        Swap::within(swaps, list, |named| match named {
            Named::Rule(rule) => Some(Arc::clone(rule) as _),
            _ => None,
        });
    }
    let physical = rules.physical.as_mut().map(|physical| &mut physical.rules);
    for list in physical.into_iter().chain([&mut rules.physical_rules]) {
        Swap::within(swaps, list, |named| match named {
            Named::PhysicalRule(rule) => Some(Arc::clone(rule) as _),
            _ => None,
        });
    }
    rules.put_back(builder);
}

/// Whether `rule` is one of these.
pub(super) fn is_among<'a>(
    rule: &Named,
    analyzer: impl IntoIterator<Item = &'a Arc<dyn AnalyzerRule + Send + Sync>>,
    optimizer: impl IntoIterator<Item = &'a Arc<dyn OptimizerRule + Send + Sync>>,
    physical: impl IntoIterator<Item = &'a Arc<dyn PhysicalOptimizerRule + Send + Sync>>,
) -> bool {
    match rule {
        Named::Rule(rule) => {
            analyzer.into_iter().any(|known| same(known, rule))
                || optimizer.into_iter().any(|known| same(known, rule))
        }
        Named::PhysicalRule(rule) => physical.into_iter().any(|known| same(known, rule)),
        _ => false,
    }
}

/// Rules of one stage, in their order.
struct Rules<'a, T: ?Sized> {
    rules: &'a mut Vec<Arc<T>>,
    /// So many were put before all others.
    first: usize,
}

impl<'a, T: ?Sized> Rules<'a, T> {
    fn of(rules: &'a mut Vec<Arc<T>>) -> Self {
        Self { rules, first: 0 }
    }

    fn insert(&mut self, position: &RulePosition, name: impl Fn(&T) -> &str, rule: Arc<T>) {
        let find = |wanted: &str| self.rules.iter().position(|rule| name(rule) == wanted);
        let place = match position {
            RulePosition::First => {
                self.first += 1;
                Some(self.first - 1)
            }
            RulePosition::Before(wanted) => find(wanted),
            RulePosition::After(wanted) => find(wanted).map(|place| place + 1),
            _ => None,
        };
        // The report tells of a neighbour that is missing.
        let place = place.unwrap_or(self.rules.len());
        self.rules.insert(place, rule);
    }
}
