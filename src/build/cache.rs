//! The engine's cache of builds: how large it is, and making it smaller.
//!
//! BuildKit keeps no labels on it, so that it cannot be said whose it is: the limit is one for everybody who builds on
//! the engine. Only what can be made again goes.

use super::BuildError;
use super::docker::DockerBuilder;
use bollard::query_parameters::PruneBuildOptionsBuilder;
use serde::Deserialize;

/// The first version of Docker's API (29 of the engine was the first to insist on it) that says `reserved-space`.
const RENAMED_IN: (usize, usize) = (1, 48);

/// What the engine says of its disk, as far as it matters here: the old form (until API 1.51), or the new one.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DiskUsage {
    build_cache: Option<Vec<CacheRecord>>,
    build_cache_usage: Option<CacheTotal>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CacheRecord {
    #[serde(default)]
    size: u64,
    /// Its bytes are counted with an image.
    #[serde(default)]
    shared: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CacheTotal {
    #[serde(default)]
    total_size: u64,
}

impl DiskUsage {
    fn cache_bytes(&self) -> u64 {
        let total = self.build_cache_usage.as_ref().map(|usage| usage.total_size);
        let records = self.build_cache.iter().flatten().filter(|record| !record.shared);
        total.unwrap_or_else(|| records.map(|record| record.size).sum())
    }
}

impl DockerBuilder {
    /// Bytes of the cache, without what images have in common with it.
    pub(super) async fn measure_cache(&self) -> Result<u64, BuildError> {
        let body =
            self.connection.get("/system/df").await.map_err(|error| BuildError::EngineUnavailable {
                host: self.connection.host().to_owned(),
                reason: error.to_string(),
            })?;
        let usage: DiskUsage = serde_json::from_slice(&body).map_err(|error| BuildError::Other {
            message: format!("the use of the disk is not known: {error}"),
        })?;
        Ok(usage.cache_bytes())
    }

    /// Removes what was not used for longest until at most `keep_bytes` are left; answers with the bytes that became free.
    pub(super) async fn prune_cache(&self, keep_bytes: u64) -> Result<u64, BuildError> {
        let docker = self.client().await?;
        let version = docker.client_version();
        let renamed = (version.major_version, version.minor_version) >= RENAMED_IN;
        let docker = docker.as_ref().clone().with_request_modifier(move |mut request| {
            let uri = request.uri().to_string().replacen("reserved-space=", "keep-storage=", 1);
            if let (false, Ok(uri)) = (renamed, uri.parse()) {
                *request.uri_mut() = uri;
            }
            request
        });
        let keep = i64::try_from(keep_bytes).unwrap_or(i64::MAX);
        let options = PruneBuildOptionsBuilder::new().all(true).reserved_space(keep).build();
        let pruned = docker.prune_build(Some(options)).await;
        let pruned =
            pruned.map_err(|error| self.failed(&error, &super::transcript::Transcript::default()))?;
        Ok(pruned.space_reclaimed.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_answer_are_read() {
        let bytes = |text: &str| serde_json::from_str::<DiskUsage>(text).unwrap().cache_bytes();
        let old = r#"{"LayersSize":9,"BuildCache":[{"ID":"a","Size":5,"Shared":false},{"ID":"b","Size":7,"Shared":true}]}"#;
        assert_eq!(bytes(old), 5);
        assert_eq!(bytes(r#"{"LayersSize":9,"BuildCache":null}"#), 0);
        assert_eq!(bytes(r#"{"BuildCacheUsage":{"TotalSize":12,"TotalCount":2}}"#), 12);
    }
}
