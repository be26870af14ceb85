//! Body of how new instances are tried out.

use crate::model::volume::CanaryOptions;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// New instances get a part of the requests for a while before they get all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CanaryBody {
    /// Of the requests, from 1 to 99.
    pub percent: u8,
    pub seconds: u16,
}

impl Default for CanaryBody {
    fn default() -> Self {
        CanaryOptions::default().into()
    }
}

impl From<CanaryOptions> for CanaryBody {
    fn from(options: CanaryOptions) -> Self {
        let CanaryOptions { percent, seconds } = options;
        Self { percent, seconds }
    }
}
