//! Functions that break their word, and functions that panic.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, Int32Array},
        datatypes::{DataType, Field, FieldRef},
    },
    common::{Result, ScalarValue},
    logical_expr::{
        Accumulator, AggregateUDFImpl, PartitionEvaluator, Signature, Volatility, WindowUDFImpl,
        function::{AccumulatorArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs},
    },
    prelude::SessionContext,
};
use datafusion_plugin_api::sdk::Plugin;

use super::{MANY, Run, SMALL, aggregates, install, rows_of, windows};

/// Where a function misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    Nowhere,
    ReturnField,
    Make,
    Update,
    Merge,
    Retract,
    State,
    Evaluate,
    Type,
    Drop,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Misbehaving {
    at: At,
    signature: Signature,
}

impl Misbehaving {
    fn new(at: At) -> Self {
        let signature = Signature::exact(vec![DataType::Int64], Volatility::Immutable);
        Self { at, signature }
    }
}

fn reach(at: At, here: At) {
    assert!(at != here, "deliberate");
}

impl AggregateUDFImpl for Misbehaving {
    fn name(&self) -> &str {
        "misbehaving"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        reach(self.at, At::ReturnField);
        Ok(DataType::Int64)
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        reach(self.at, At::Make);
        Ok(Box::new(Counter(self.at, 0)))
    }
}

#[derive(Debug)]
struct Counter(At, i64);

impl Accumulator for Counter {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        reach(self.0, At::Update);
        self.1 += values[0].len() as i64;
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        reach(self.0, At::Evaluate);
        Ok(match self.0 {
            At::Type => ScalarValue::from("text"),
            _ => ScalarValue::from(self.1),
        })
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        reach(self.0, At::State);
        Ok(vec![ScalarValue::from(self.1)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        reach(self.0, At::Merge);
        let states = datafusion::common::cast::as_int64_array(&states[0])?;
        self.1 += states.iter().flatten().sum::<i64>();
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        reach(self.0, At::Retract);
        self.1 -= values[0].len() as i64;
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        reach(self.0, At::Drop);
    }
}

fn aggregate_session(at: At, run: Run) -> SessionContext {
    let ctx = super::session(run);
    install(&ctx, aggregates());
    install(&ctx, Plugin::new().aggregate_function(Misbehaving::new(at)));
    ctx
}

const GROUPED: &str = "SELECT g, p_misbehaving(x) FROM t GROUP BY g";
const WHOLE: &str = "SELECT p_misbehaving(x) FROM t";
const SLIDING: &str =
    "SELECT p_misbehaving(x) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t";

#[tokio::test]
async fn a_panic_anywhere_in_an_aggregate_is_an_error() {
    for (at, queries) in [
        (At::ReturnField, [GROUPED, WHOLE, SLIDING].as_slice()),
        (At::Make, &[GROUPED, WHOLE, SLIDING]),
        (At::Update, &[GROUPED, WHOLE, SLIDING]),
        (At::State, &[GROUPED, WHOLE]),
        (At::Merge, &[GROUPED, WHOLE]),
        (At::Evaluate, &[GROUPED, WHOLE, SLIDING]),
        (At::Retract, &[SLIDING]),
    ] {
        let ctx = aggregate_session(at, MANY);
        for sql in queries {
            let error = rows_of(&ctx, sql).await.expect_err("a panic").to_string();
            for part in ["test_plugin", "misbehaving", "deliberate", "panic"] {
                assert!(error.contains(part), "{at:?}, {sql}: {error}");
            }
            // The session and the other functions go on.
            rows_of(&ctx, "SELECT p_sum(x) FROM t").await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_panic_while_dropped_is_contained() {
    let ctx = aggregate_session(At::Drop, MANY);
    for sql in [WHOLE, SLIDING] {
        rows_of(&ctx, sql).await.unwrap();
    }
}

#[tokio::test]
async fn a_result_of_another_type_is_an_error() {
    let ctx = aggregate_session(At::Type, MANY);
    for sql in [GROUPED, WHOLE, SLIDING] {
        let error = rows_of(&ctx, sql)
            .await
            .expect_err("another type")
            .to_string();
        for part in ["test_plugin", "misbehaving", "Utf8", "Int64"] {
            assert!(error.contains(part), "{sql}: {error}");
        }
    }
}

#[tokio::test]
async fn without_misbehaviour_the_function_works() {
    let ctx = aggregate_session(At::Nowhere, MANY);
    for (ours, theirs) in [
        (GROUPED, "count(id)"),
        (WHOLE, "count(id)"),
        (SLIDING, "count(id)"),
    ] {
        let order = |sql: &str| format!("SELECT * FROM ({sql}) ORDER BY 1");
        let expected = order(&ours.replace("p_misbehaving(x)", theirs));
        let expected = rows_of(&ctx, &expected).await.unwrap();
        let found = rows_of(&ctx, &order(ours)).await.unwrap();
        let digits = |text: &str| {
            text.lines()
                .skip(3)
                .map(|l| l.replace([' ', '-', '+'], ""))
                .collect::<Vec<_>>()
        };
        assert_eq!(digits(&found), digits(&expected), "{ours}");
    }
}

/// A window function whose evaluator misbehaves.
#[derive(Debug, PartialEq, Eq, Hash)]
struct MisbehavingWindow {
    at: WindowAt,
    signature: Signature,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum WindowAt {
    Make,
    All,
    AllType,
    Row,
    RowType,
    FrameRow,
    FrameRowType,
    Drop,
}

impl WindowUDFImpl for MisbehavingWindow {
    fn name(&self) -> &str {
        "misbehaving_window"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(
        &self,
        _: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        assert!(self.at != WindowAt::Make, "deliberate");
        Ok(Box::new(Evaluator(self.at, 0)))
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Int64, true)))
    }
}

#[derive(Debug)]
struct Evaluator(WindowAt, usize);

impl PartitionEvaluator for Evaluator {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        assert!(self.0 != WindowAt::All, "deliberate");
        Ok(match self.0 {
            WindowAt::AllType => Arc::new(Int32Array::from(vec![0; rows])),
            _ => Arc::clone(&values[0]),
        })
    }

    fn evaluate(&mut self, _: &[ArrayRef], _: &std::ops::Range<usize>) -> Result<ScalarValue> {
        self.1 += 1;
        let late = self.1 > 70;
        assert!(
            !(late && matches!(self.0, WindowAt::Row | WindowAt::FrameRow)),
            "deliberate"
        );
        Ok(match self.0 {
            WindowAt::RowType | WindowAt::FrameRowType => ScalarValue::from(1_i32),
            _ => ScalarValue::from(1_i64),
        })
    }

    fn supports_bounded_execution(&self) -> bool {
        !matches!(self.0, WindowAt::All | WindowAt::AllType)
    }

    fn uses_window_frame(&self) -> bool {
        matches!(self.0, WindowAt::FrameRow | WindowAt::FrameRowType)
    }
}

impl Drop for Evaluator {
    fn drop(&mut self) {
        assert!(self.0 != WindowAt::Drop, "deliberate");
    }
}

fn window_session(at: WindowAt) -> SessionContext {
    let ctx = super::session(SMALL);
    let signature = Signature::exact(vec![DataType::Int64], Volatility::Immutable);
    install(&ctx, windows());
    install(
        &ctx,
        Plugin::new().window_function(MisbehavingWindow { at, signature }),
    );
    ctx
}

const WINDOW: &str = "SELECT p_misbehaving_window(x) OVER \
    (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM sorted";

#[tokio::test]
async fn a_misbehaving_window_function_is_an_error() {
    for (at, parts) in [
        (WindowAt::Make, ["deliberate", "panic"]),
        (WindowAt::All, ["deliberate", "panic"]),
        (WindowAt::Row, ["deliberate", "panic"]),
        (WindowAt::FrameRow, ["deliberate", "panic"]),
        (WindowAt::AllType, ["Int32", "Int64"]),
        (WindowAt::RowType, ["Int32", "Int64"]),
        (WindowAt::FrameRowType, ["Int32", "Int64"]),
    ] {
        let ctx = window_session(at);
        let error = rows_of(&ctx, WINDOW)
            .await
            .expect_err("misbehaviour")
            .to_string();
        for part in parts
            .into_iter()
            .chain(["test_plugin", "misbehaving_window"])
        {
            assert!(error.contains(part), "{at:?}: {error}");
        }
        rows_of(&ctx, "SELECT p_lag(x) OVER (ORDER BY id) FROM sorted")
            .await
            .unwrap();
    }
    rows_of(&window_session(WindowAt::Drop), WINDOW)
        .await
        .unwrap();
}
