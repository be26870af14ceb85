//! Bodies of the volumes of an environment.

use crate::model::name::{FilePath, VolumeName};
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A volume of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VolumeBody {
    pub name: VolumeName,
    /// Where it is in the instances of what is live; `null`: they do not have it.
    pub path: Option<FilePath>,
    /// Whether they only read it.
    pub read_only: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
}
