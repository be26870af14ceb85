//! The body of every failure.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// `{"error": {…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorDetail {
    /// A stable word for programs: `project_not_found`.
    pub code: String,
    /// A sentence for people; may change.
    pub message: String,
    /// What belongs to the code: `{"fields": {"name": "…"}}` with `invalid_fields`.
    pub details: Map<String, Value>,
    /// The same as the header `X-Request-Id`.
    pub request_id: String,
}
