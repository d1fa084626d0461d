//! What a session had under the names that plugins take.

use async_trait::async_trait;
use datafusion::{
    arrow::{
        array::{Int64Array, RecordBatch},
        datatypes::DataType,
    },
    catalog::{
        CatalogProvider, MemTable, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider,
        Session, TableFunctionArgs, TableFunctionImpl, TableProvider, TableProviderFactory,
    },
    common::ScalarValue,
    execution::session_state::SessionStateBuilder,
    logical_expr::{ColumnarValue, CreateExternalTable, ScalarUDF, Volatility, create_udf},
};

use super::*;

const REPLACES: &str = "[plugins.changing]\nreplace_builtins = true";

/// What the application's own things tell.
const OWN: i64 = 40;

fn own_function(told: i64) -> ScalarUDF {
    let tell = move |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(ScalarValue::from(told)));
    create_udf(
        "pi",
        vec![],
        DataType::Int64,
        Volatility::Volatile,
        Arc::new(tell),
    )
}

#[derive(Debug)]
struct Own;

impl Own {
    fn table() -> Arc<dyn TableProvider> {
        let versions = Arc::new(Int64Array::from(vec![OWN]));
        let batch = RecordBatch::try_from_iter([("version", versions as _)]).unwrap();
        Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap())
    }

    fn catalog() -> Arc<dyn CatalogProvider> {
        let shelf = MemorySchemaProvider::new();
        shelf
            .register_table("versions".to_owned(), Self::table())
            .unwrap();
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema("shelf", Arc::new(shelf)).unwrap();
        Arc::new(catalog)
    }
}

impl TableFunctionImpl for Own {
    fn call_with_args(&self, _: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        Ok(Self::table())
    }
}

#[async_trait]
impl TableProviderFactory for Own {
    async fn create(
        &self,
        _: &dyn Session,
        _: &CreateExternalTable,
    ) -> Result<Arc<dyn TableProvider>> {
        Ok(Self::table())
    }
}

/// A session with things of its own by the plugin's names. `only_one` is an alias.
fn own_session() -> SessionContext {
    let context = SessionContext::new();
    context.register_udf(own_function(OWN).with_aliases(["only_one"]));
    context.register_udtf("versions", Arc::new(Own));
    context.register_catalog("editions", Own::catalog());
    let state = context.state_ref();
    let mut state = state.write();
    let factories = state.table_factories_mut();
    factories.insert("EDITION".to_owned(), Arc::new(Own));
    drop(state);
    context
}

async fn tells(context: &SessionContext, version: i64, only_one: i64) {
    let told = async |sql: &str| numbers(context, sql).await.unwrap();
    for (sql, expected) in [
        ("select pi()", version),
        ("select only_one()", only_one),
        ("select min(version) from versions()", version),
        ("select min(version) from editions.shelf.versions", version),
    ] {
        assert_eq!(told(sql).await, [expected], "{sql}");
    }
    told("create external table made stored as edition location 'here'").await;
    assert_eq!(told("select min(version) from made").await, [version]);
    context.deregister_table("made").unwrap();
}

/// Guards that what goes leaves behind what it had displaced, in live sessions and in those of builders.
#[tokio::test]
async fn an_applications_own_have_their_names_back() {
    for built in [false, true] {
        let place = Place::with(ONE);
        let host = place.load(REPLACES);
        let mut context = own_session();
        if built {
            let builder = SessionStateBuilder::new_from_existing(context.state());
            context = SessionContext::new_with_state(host.install_into(builder).0.build());
        }
        host.install(&context);
        tells(&context, 1, 1).await;
        place.put(TWO);
        host.reload().unwrap();
        tells(&context, 2, OWN).await;
        // What comes of the session's state has it too.
        let state = SessionStateBuilder::new_from_existing(context.state()).build();
        let copied = SessionContext::new_with_state(state);
        fs::remove_file(place.file()).unwrap();
        for _ in 0..2 {
            host.reload().unwrap();
            host.install(&copied);
            for context in [&context, &copied] {
                tells(context, OWN, OWN).await;
                assert!(numbers(context, "select only_two()").await.is_err());
            }
        }
    }
}

/// Guards that a built-in that an application has taken out does not come back with a reload, and its name stays with
/// the plugin that has it.
#[tokio::test]
async fn what_was_taken_out_stays_out() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = SessionContext::new();
    context.deregister_udf("pi");
    context.deregister_udaf("sum");
    host.install(&context);
    let pi = async || numbers(&context, "select pi()").await;
    assert_eq!(pi().await.unwrap(), [1]);
    place.put(TWO);
    host.reload().unwrap();
    assert_eq!(pi().await.unwrap(), [2]);
    let sum = async || numbers(&context, "select sum(version) from versions()").await;
    assert_eq!(sum().await.unwrap(), [20]);
    fs::remove_file(place.file()).unwrap();
    host.reload().unwrap();
    for found in [
        pi().await,
        numbers(&context, "select sum(column1) from (values (3))").await,
    ] {
        let gone = found.unwrap_err().strip_backtrace();
        assert!(gone.contains("Invalid function"), "{gone}");
    }
}

/// What an application puts into a plugin's place is its own from then on.
#[tokio::test]
async fn what_comes_later_is_displaced_too() {
    let place = Place::with(ONE);
    let host = place.load(REPLACES);
    let context = own_session();
    host.install(&context);
    context.register_udf(own_function(41));
    let pi = async || numbers(&context, "select pi()").await.unwrap();
    assert_eq!(pi().await, [41]);
    place.put(TWO);
    host.reload().unwrap();
    assert_eq!(pi().await, [2]);
    context.register_udf(own_function(42));
    fs::remove_file(place.file()).unwrap();
    host.reload().unwrap();
    assert_eq!(pi().await, [42]);
    // A plugin that comes anew.
    place.put(ONE);
    host.reload().unwrap();
    assert_eq!(pi().await, [1]);
    fs::remove_file(place.file()).unwrap();
    host.reload().unwrap();
    assert_eq!(pi().await, [42]);
}
