//! Data classes as parameters of uploads.

use serde_json::{Value, json};
use studio_kernel::{Code, DataClass};

use crate::ApiError;

/// The class that a parameter named `dataClass` names, or `BAD_REQUEST`.
pub fn data_class(given: &str) -> Result<DataClass, ApiError> {
    given.parse().map_err(|error| ApiError::new(Code::BadRequest, format!("dataClass: {error}.")))
}

/// What OpenAPI says of it.
pub fn data_class_schema() -> Value {
    json!({ "type": "string", "enum": DataClass::ALL.map(DataClass::wire) })
}
