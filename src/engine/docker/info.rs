//! Who the engine is.

use super::Shared;
use crate::engine::{EngineError, EngineInfo};
use bollard::models::{SystemInfo, SystemVersion};

impl Shared {
    pub(super) async fn info(&self) -> Result<EngineInfo, EngineError> {
        let docker = self.client().await?;
        let (version, info) = tokio::try_join!(docker.version(), docker.info())
            .map_err(|error| self.failed("say who it is", &error))?;
        Ok(describe(docker.client_version().to_string(), version, info))
    }
}

fn describe(api_version: String, version: SystemVersion, info: SystemInfo) -> EngineInfo {
    let components = version.components.unwrap_or_default();
    // Speaks Docker's API, and builds with something else.
    let is_podman = components.iter().any(|component| component.name.starts_with("Podman"));
    let runc = components.into_iter().find(|component| component.name == "runc");
    let options = info.security_options.unwrap_or_default();
    EngineInfo {
        version: version.version.unwrap_or_default(),
        api_version,
        runc_version: runc.map(|component| component.version),
        // Part of every engine on Linux since 18.09 (API 1.39), older than what this server supports.
        buildkit: version.os.as_deref() == Some("linux") && !is_podman,
        rootless: options.iter().any(|option| option.contains("rootless")),
        limits: info.memory_limit == Some(true)
            && info.cpu_cfs_quota == Some(true)
            && info.pids_limit == Some(true),
        data_directory: info.docker_root_dir.unwrap_or_default(),
        cpus: info.ncpu.and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
        memory_bytes: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
    }
}
