//! Whether something can begin that needs room on the engine's disk.

use super::BuildError;
use bollard::Docker;
use std::path::Path;

/// Refuses what needs `least_bytes` where the engine's disk has less free. A disk that cannot be seen from here, as that of an
/// engine elsewhere, has room.
pub(super) async fn check(docker: &Docker, what: &'static str, least_bytes: u64) -> Result<(), BuildError> {
    let Ok(Some(folder)) = docker.info().await.map(|info| info.docker_root_dir) else { return Ok(()) };
    match crate::config::free_bytes(Path::new(&folder)) {
        Ok(free_bytes) if free_bytes < least_bytes => {
            Err(BuildError::NoRoom { what, folder, free_bytes, least_bytes })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}
