//! Arrow's arrays and fields through the contract's C data structs and back.

use arrow::array::{Array, StructArray};
use arrow::datatypes::Fields;
use datafusion_plugin_api::abi::{export_array, export_fields, import_array, import_fields};
use plugin_tests::data;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_column_comes_back_equal((field, column) in data::field_and_array()) {
        let back = import_array(export_array(&column), field.data_type()).unwrap();
        prop_assert_eq!(back.to_data().validate_full().map_err(|error| error.to_string()), Ok(()));
        prop_assert_eq!(&back, &column);
    }

    #[test]
    fn fields_come_back_with_their_metadata(batch in data::record_batch(0..=3)) {
        let fields: Fields = batch.schema().fields().clone();
        prop_assert_eq!(import_fields(&export_fields(&fields).unwrap()).unwrap(), fields);
    }

    /// Arguments of several columns cross as one struct.
    #[test]
    fn a_struct_of_columns_comes_back_equal(batch in data::record_batch(1..=4)) {
        let columns = StructArray::from(batch);
        let back = import_array(export_array(&columns), columns.data_type()).unwrap();
        prop_assert_eq!(back.as_ref(), &columns as &dyn Array);
    }
}
