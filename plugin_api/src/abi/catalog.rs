//! Catalogs of tables.

use abi_stable::std_types::{ROption, RString, RVec};

use super::TableOpeningObject;

interface! {
    /// A catalog: schemas by name.
    Shared trait Catalog / CatalogVTable / CatalogVTableRef / CatalogObject;
    ref {
        /// The names of its schemas.
        fn schema_names() -> RVec<RString>;
        /// A schema, if there is one of the name.
        fn schema(name: RString) -> ROption<CatalogSchemaObject>;
    }
}

interface! {
    /// A schema of a catalog: tables by name.
    Shared trait CatalogSchema / CatalogSchemaVTable / CatalogSchemaVTableRef / CatalogSchemaObject;
    ref {
        /// Whose it is.
        fn owner_name() -> ROption<RString>;
        /// The names of its tables.
        fn table_names() -> RVec<RString>;
        /// Whether there is a table of the name.
        fn has_table(name: RString) -> bool;
        /// Starts to look a table up.
        fn table(name: RString) -> TableOpeningObject;
        /// Removes a table; whether there was one.
        fn remove_table(name: RString) -> bool;
    }
}
