//! Nothing gets round a policy through a guarded session.

use datafusion::{arrow::array::RecordBatch, common::Result};
use datafusion_plugin_host::{PluginHost, PolicyRefusal, Subject};

use super::{
    attempts::{HARMLESS, PART, REFUSED},
    standard,
    world::{World, leak, run, shown},
};

/// The answers of an attempt's statements, in a world of its own.
struct Attempt {
    world: World,
    answers: Vec<Result<Vec<RecordBatch>>>,
    before: String,
}

impl Attempt {
    async fn make(host: &PluginHost, text: &str) -> Self {
        let world = World::new().await;
        let session = world.guarded(host);
        let before = world.state().await;
        let mut answers = Vec::new();
        for sql in text.split(";;") {
            answers.push(run(&session, &world.fill(sql.trim())).await);
        }
        Self {
            world,
            answers,
            before,
        }
    }

    /// What showed, was changed or was left behind that must not.
    async fn breach(&self, text: &str) -> Option<String> {
        for answer in &self.answers {
            let seen = match answer {
                Ok(batches) => shown(batches),
                Err(error) => error.to_string(),
            };
            if let Some(line) = leak(&seen, text) {
                return Some(format!("shows {line}"));
            }
        }
        if let Some(line) = leak(&self.world.left_behind().await, text) {
            return Some(format!("left behind {line}"));
        }
        let after = self.world.state().await;
        (after != self.before).then(|| format!("changed\n{}\nto\n{after}", self.before))
    }
}

/// Makes each attempt with each host; what is wrong with any of them.
async fn all<'a, T: Copy>(
    attempts: &'a [T],
    text: impl Fn(T) -> &'a str,
    expected: impl Fn(T, &Attempt) -> Option<String>,
) {
    let mut wrong = Vec::new();
    for attempt in attempts {
        let text = text(*attempt);
        for (name, host) in standard() {
            let made = Attempt::make(host, text).await;
            let problem = match expected(*attempt, &made) {
                Some(problem) => Some(problem),
                None => made.breach(text).await,
            };
            wrong.extend(problem.map(|problem| format!("{text}\n  ({name}) {problem}")));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn there_are_enough_attempts() {
    assert!(REFUSED.len() >= 150, "{}", REFUSED.len());
    let mut sorted = REFUSED.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), REFUSED.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forbidden_is_refused() {
    all(
        REFUSED,
        |text| text,
        |_, made| match made.answers.last() {
            Some(Err(error)) if PolicyRefusal::of(error).is_some() => None,
            other => Some(format!("not refused: {other:?}")),
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_restricted_yields_its_part() {
    all(
        PART,
        |(text, _)| text,
        |(_, expected), made| {
            let (_, before) = made.answers.split_last().unwrap();
            if let Some(Err(error)) = before.iter().find(|answer| answer.is_err()) {
                return Some(format!("before it: {error}"));
            }
            let found = match made.answers.last() {
                Some(Ok(batches)) => rows(batches),
                Some(Err(error)) if expected == "error" && PolicyRefusal::of(error).is_none() => {
                    "error".to_owned()
                }
                other => format!("{other:?}"),
            };
            (found != expected).then(|| format!("expected\n{expected}\nfound\n{found}"))
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_is_what_may_be_seen() {
    all(HARMLESS, |text| text, |_, _| None).await;
}

/// The same queries as plans that were made elsewhere, by the owner's session.
#[tokio::test(flavor = "multi_thread")]
async fn plans_from_elsewhere_are_guarded_alike() {
    let mut wrong = Vec::new();
    let queries = |text: &&str| {
        [
            "select", "with", "table", "values", "copy", "insert", "update", "delete",
        ]
        .iter()
        .any(|word| text.starts_with(word))
            && !text.contains(";;")
    };
    // By the time that there is a plan, its functions in `FROM` were called and its views opened by
    // whoever made it.
    let gone = |text: &&str| !text.contains("generate_series") && !text.contains("parts_");
    let refused = REFUSED.iter().map(|text| (*text, None));
    let part = PART.iter().map(|(text, rows)| (*text, Some(*rows)));
    for (text, expected) in refused
        .chain(part)
        .filter(|(text, _)| queries(text) && gone(text))
    {
        let world = World::new().await;
        let [(_, host), _] = standard();
        let session = host.guarded(&world.owner, Subject::user("eve").with_role("guest"));
        let state = world.owner.state();
        let Ok(plan) = state.create_logical_plan(&world.fill(text)).await else {
            continue;
        };
        let answer = async |plan| session.execute_logical_plan(plan).await?.collect().await;
        let found = match (answer(plan.clone()).await, expected) {
            (Ok(batches), Some(_)) => rows(&batches),
            (Err(error), None) if PolicyRefusal::of(&error).is_some() => String::new(),
            (other, _) => format!("{other:?}"),
        };
        if found != expected.unwrap_or_default() {
            wrong.push(format!("{text}\n  expected {expected:?}, found {found}"));
        }
        // Optimized plans have conditions inside their scans, and no longer what comes to nothing.
        let Ok(plan) = state.optimize(&plan) else {
            continue;
        };
        let reads = plan.display_indent().to_string().contains("TableScan");
        let found = match (answer(plan).await, expected) {
            (Ok(batches), Some(expected)) => rows(&batches) == expected,
            (Ok(batches), None) => !reads && leak(&shown(&batches), text).is_none(),
            (Err(error), None) => PolicyRefusal::of(&error).is_some(),
            (Err(_), Some(_)) => false,
        };
        if !found {
            wrong.push(format!("{text}\n  optimized, expected {expected:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Rows as text: one line each, sorted.
pub(super) fn rows(batches: &[RecordBatch]) -> String {
    use datafusion::arrow::util::display::array_value_to_string;

    let mut lines = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter();
            let values = values.map(|column| array_value_to_string(column, row).unwrap());
            lines.push(values.collect::<Vec<_>>().join("|"));
        }
    }
    lines.sort();
    lines.join("\n")
}
