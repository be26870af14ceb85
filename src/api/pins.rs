//! `/api/environments/:id/pins`.

use crate::api::Api;
use crate::api::reply::{Answer, ok};
use crate::api::request::Request;
use crate::wire::pins::PinsBody;
use std::sync::Arc;

pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    request.query()?.finish()?;
    let pins = api.store.pinned(environment.id).await?.pins();
    Ok(ok(&PinsBody::from(pins)))
}

/// Lets go of them; answers with what they were.
pub(super) async fn let_go(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    request.query()?.finish()?;
    let pinned = api.store.pinned(environment.id).await?.pins();
    request.unless_changed(&PinsBody::from(pinned))?;
    let pins = api.store.let_go_of_pins(environment.id).await?;
    Ok(ok(&PinsBody::from(pins)))
}
