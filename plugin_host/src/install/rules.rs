//! Rules of plugins in a session, live or being built.

use std::sync::Arc;

use datafusion::{
    execution::{SessionState, session_state::SessionStateBuilder},
    optimizer::{AnalyzerRule, OptimizerRule, analyzer::Analyzer, optimizer::Optimizer},
};
use datafusion_plugin_api::abi::message::{RulePosition, RuleStage};

use super::planners::{rebuild, same};
use crate::import::{imported::Named, rule::PluginRule};

type AnalyzerRules = Vec<Arc<dyn AnalyzerRule + Send + Sync>>;
type OptimizerRules = Vec<Arc<dyn OptimizerRule + Send + Sync>>;

/// What an install adds, in the order of the plugins and inside of a plugin that of its exports.
#[derive(Debug, Default)]
pub(super) struct NewRules(Vec<Arc<PluginRule>>);

impl NewRules {
    pub(super) fn of(registrations: &[Named]) -> Self {
        let rules = registrations.iter().filter_map(|named| match named {
            Named::Rule(rule) => Some(Arc::clone(rule)),
            _ => None,
        });
        Self(rules.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Into a live session.
    pub(super) fn register_live(self, state: &mut SessionState) {
        let appended = |rule: &Arc<PluginRule>| {
            rule.stage() == RuleStage::Analyzer && *rule.position() == RulePosition::Last
        };
        if self.0.iter().all(appended) {
            for rule in self.0 {
                state.add_analyzer_rule(rule);
            }
            return;
        }
        rebuild(state, "rules", |builder| self.place(builder));
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
            rules.insert(rule, |rule| rule.name(), |rule| rule);
        }
        let optimizer = building.optimizer.get_or_insert_default();
        optimizer.rules.append(&mut building.optimizer_rules);
        let mut rules = Rules::of(&mut optimizer.rules);
        for rule in self.of_stage(RuleStage::Optimizer) {
            rules.insert(rule, |rule| rule.name(), |rule| rule);
        }
    }

    fn of_stage(&self, stage: RuleStage) -> impl Iterator<Item = &Arc<PluginRule>> {
        self.0.iter().filter(move |rule| rule.stage() == stage)
    }
}

/// The rules of a builder, taken out of it.
#[derive(Default)]
pub(super) struct BuildingRules {
    analyzer: Option<Analyzer>,
    optimizer: Option<Optimizer>,
    analyzer_rules: AnalyzerRules,
    optimizer_rules: OptimizerRules,
}

impl BuildingRules {
    pub(super) fn take(builder: &mut SessionStateBuilder) -> Self {
        Self {
            analyzer: builder.analyzer().take(),
            optimizer: builder.optimizer().take(),
            analyzer_rules: builder.analyzer_rules().take().unwrap_or_default(),
            optimizer_rules: builder.optimizer_rules().take().unwrap_or_default(),
        }
    }

    pub(super) fn put_back(self, builder: &mut SessionStateBuilder) {
        *builder.analyzer() = self.analyzer;
        *builder.optimizer() = self.optimizer;
        *builder.analyzer_rules() = Some(self.analyzer_rules);
        *builder.optimizer_rules() = Some(self.optimizer_rules);
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

    pub(super) fn has(&self, rule: &Arc<PluginRule>) -> bool {
        is_among(rule, self.analyzer(), self.optimizer())
    }
}

/// Whether `rule` is one of these.
pub(super) fn is_among<'a>(
    rule: &Arc<PluginRule>,
    analyzer: impl IntoIterator<Item = &'a Arc<dyn AnalyzerRule + Send + Sync>>,
    optimizer: impl IntoIterator<Item = &'a Arc<dyn OptimizerRule + Send + Sync>>,
) -> bool {
    analyzer.into_iter().any(|known| same(known, rule))
        || optimizer.into_iter().any(|known| same(known, rule))
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

    fn insert(
        &mut self,
        rule: &Arc<PluginRule>,
        name: impl Fn(&T) -> &str,
        coerce: impl FnOnce(Arc<PluginRule>) -> Arc<T>,
    ) {
        let find = |wanted: &str| {
            let found = self.rules.iter().position(|rule| name(rule) == wanted);
            if found.is_none() {
                tracing::warn!(
                    rule = ?rule.position(),
                    "the session has no such rule; what stands beside it comes last"
                );
            }
            found
        };
        let place = match rule.position() {
            RulePosition::First => {
                self.first += 1;
                Some(self.first - 1)
            }
            RulePosition::Before(wanted) => find(wanted),
            RulePosition::After(wanted) => find(wanted).map(|place| place + 1),
            _ => None,
        };
        let place = place.unwrap_or(self.rules.len());
        self.rules.insert(place, coerce(Arc::clone(rule)));
    }
}
