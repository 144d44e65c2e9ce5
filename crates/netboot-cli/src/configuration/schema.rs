//! The JSON Schema of the file, for editors.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Configuration;

impl Configuration {
    /// The JSON Schema of `netboot.toml` (draft 2020-12). Editors complete and check a file that
    /// begins with `#:schema` and the place of the schema.
    ///
    /// ```
    /// use netboot_cli::configuration::Configuration;
    ///
    /// let schema = Configuration::json_schema();
    /// assert!(schema["properties"]["targets"].is_object());
    /// ```
    pub fn json_schema() -> Value {
        let generator = SchemaSettings::draft2020_12().into_generator();
        let mut schema = generator.into_root_schema_for::<Self>().to_value();
        close(&mut schema);
        schema
    }
}

/// Makes each table of known keys refuse others.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("properties").is_some_and(Value::is_object) {
                object.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}
