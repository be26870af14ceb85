//! How much is in each volume.

use super::{Shared, labels};
use crate::engine::EngineError;
use crate::model::volume::Volume;
use serde::Deserialize;
use std::collections::HashMap;

/// What is wanted to be known of the engine's disk; `verbose` since API 1.52, which names no volume otherwise.
const QUESTION: &str = "/system/df?type=volume&verbose=1";

/// What the engine says of its disk, as far as it matters here: the old form (until API 1.51), or the new one.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DiskUsage {
    volumes: Option<Vec<VolumeUsage>>,
    volume_usage: Option<VolumesUsage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VolumesUsage {
    items: Option<Vec<VolumeUsage>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VolumeUsage {
    labels: Option<HashMap<String, String>>,
    usage_data: Option<UsageData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UsageData {
    /// -1: not known.
    size: i64,
}

impl DiskUsage {
    fn volumes(self) -> impl Iterator<Item = VolumeUsage> {
        let new = self.volume_usage.and_then(|usage| usage.items);
        new.or(self.volumes).into_iter().flatten()
    }
}

impl Shared {
    pub(super) async fn volume_sizes(&self) -> Result<Vec<(Volume, Option<u64>)>, EngineError> {
        let body = self.connection.get(QUESTION).await.map_err(|error| EngineError::Unavailable {
            host: self.connection.host().to_owned(),
            reason: error.to_string(),
        })?;
        let usage: DiskUsage = serde_json::from_slice(&body).map_err(|error| EngineError::Other {
            action: "say how much is in the volumes",
            reason: error.to_string(),
        })?;
        let of_this_server = usage.volumes().filter_map(|found| {
            let its_labels = found.labels.filter(|its| labels::is_of(its, self.server_id))?;
            let (project_id, environment_id, name) = labels::volume(&its_labels)?;
            let volume = Volume { project_id, environment_id, name, created_at: None };
            Some((volume, found.usage_data.and_then(|usage| u64::try_from(usage.size).ok())))
        });
        Ok(of_this_server.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_answer_are_read() {
        let sizes = |text: &str| {
            let usage: DiskUsage = serde_json::from_str(text).unwrap();
            usage.volumes().map(|volume| volume.usage_data.unwrap().size).collect::<Vec<_>>()
        };
        let volume = r#"{"Name":"a","Labels":null,"UsageData":{"RefCount":1,"Size":5}}"#;
        assert_eq!(sizes(&format!(r#"{{"LayersSize":9,"Volumes":[{volume}]}}"#)), [5]);
        assert_eq!(sizes(&format!(r#"{{"VolumeUsage":{{"TotalSize":5,"Items":[{volume}]}}}}"#)), [5]);
        assert!(sizes(r#"{"Volumes":null}"#).is_empty());
    }
}
