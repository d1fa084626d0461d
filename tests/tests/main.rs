//! The project's integration tests: one binary, one module per concern.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod main {
    mod arrow_exchange;
    mod cli;
    mod codeanatomy;
    mod concurrency;
    mod conformance;
    mod crossing;
    mod delta;
    mod end_to_end;
    mod errors;
    mod fidelity;
    mod hostile;
    mod limits;
    mod logging;
    mod metrics;
    mod names;
    mod panics;
    mod planners;
    mod planning;
    mod plugins;
    mod policy;
    mod quarantine;
    mod refusals;
    mod reload;
    mod rules;
    mod settings;
    mod spark_sqllogictest;
    mod tables;
    mod trust;
    mod twins;
}
