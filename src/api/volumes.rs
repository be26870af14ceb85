//! `/api/environments/:id/volumes`.

use crate::api::Api;
use crate::api::reply::{self, Answer};
use crate::api::request::Request;
use crate::processes::VolumeEntry;
use crate::wire::volume::VolumeBody;
use std::sync::Arc;

/// All of them: an environment has few.
pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    request.query()?.finish()?;
    let volumes = api.ports.processes.volumes(&environment).await?;
    Ok(reply::list(volumes.into_iter().map(shown).collect(), None::<String>))
}

fn shown(entry: VolumeEntry) -> VolumeBody {
    VolumeBody {
        name: entry.volume.name,
        read_only: entry.mount.as_ref().is_some_and(|mount| mount.read_only),
        path: entry.mount.map(|mount| mount.path),
        created_at: entry.volume.created_at,
    }
}
