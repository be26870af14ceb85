//! `/webhooks/:provider/:hook`: what providers send when somebody has pushed. It proves itself by its signature.

use crate::api::Api;
use crate::api::error::{ApiError, Code};
use crate::api::hooks::outcome;
use crate::api::reply::Answer;
use crate::api::request::Request;
use crate::hooks::{HookError, Incoming, Received};
use crate::model::admission::Place;
use crate::model::hook::Provider;
use std::collections::BTreeMap;
use std::sync::Arc;
use warp::http::HeaderMap;

/// Most bytes of a delivery.
const BODY_LIMIT: usize = 5 * 1024 * 1024;
/// Bytes of deliveries that are in memory at a time.
pub(super) const IN_HAND: usize = 64 * 1024 * 1024;
/// Those of one peer that have not arrived as a whole: whoever sends slowly leaves room to the others.
pub(super) const ARRIVING_OF_PEER: usize = 8 * 1024 * 1024;

pub(super) async fn receive(api: Arc<Api>, mut request: Request) -> Answer {
    api.rates.admit_delivery(request.origin).map_err(ApiError::rate_limited)?;
    let (body, _room) = read(&api, &mut request).await?;
    // What names nothing is answered as what is signed wrongly, after as long.
    let provider = request.parameters.first().and_then(|word| word.parse::<Provider>().ok());
    let id = request.parameters.get(1).and_then(|id| id.parse().ok());
    let incoming = Incoming { headers: texts(&request.headers), body };
    match Box::pin(api.ports.hooks.receive(provider, id, incoming)).await {
        Ok(Received { delivery, is_replay }) => Ok(outcome(delivery, is_replay)),
        Err(error @ HookError::NotProved) => {
            // One that is not proved counts as a request too: whoever guesses soon has an answer to nothing.
            api.rates.admit_peer(request.origin).map_err(ApiError::rate_limited)?;
            Err(error.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The body, and the room that it takes until it is let go: nobody has proved anything yet.
async fn read(api: &Api, request: &mut Request) -> Result<(Vec<u8>, Place), ApiError> {
    let peer = request.origin.peer;
    // A loopback address is a proxy on this machine that speaks for everybody.
    let room = if peer.is_loopback() { api.deliveries.admit_proxy() } else { api.deliveries.admit(peer) };
    let mut room = room.map_err(|_| too_much())?;
    let body = request.read_within(BODY_LIMIT, |bytes| room.grow(bytes).map_err(|_| too_much())).await?;
    room.leave_shares();
    Ok((body, room))
}

fn too_much() -> ApiError {
    let message = "Too much is being delivered at once. Send it again in a minute.";
    ApiError::new(Code::Unavailable, message)
}

/// The headers that are text. One that is sent twice is the first.
fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    let names = headers.keys();
    names
        .filter_map(|name| Some((name.as_str().to_owned(), headers.get(name)?.to_str().ok()?.to_owned())))
        .collect()
}
