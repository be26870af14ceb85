//! The JSON Schema of `gilgal.toml`: made of the keys themselves, so that it cannot say anything else.

use super::ProjectFile;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The schema (draft 2020-12), for editors and for the check of unknown keys.
#[must_use]
pub fn schema() -> Value {
    let generator =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).into_generator();
    generator.into_root_schema_for::<ProjectFile>().to_value()
}
