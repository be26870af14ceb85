//! Connections that have stopped being HTTP: websockets and whatever else was agreed on.

use crate::router::handle::{Phase, Shared};
use crate::router::target::InFlight;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::sync::Arc;

/// Joins the client's connection and the instance's until one of them closes, or the router has stopped. The request
/// stays in flight meanwhile, so that a drain waits for it.
pub(super) fn join(client: OnUpgrade, app: OnUpgrade, in_flight: InFlight, shared: Arc<Shared>) {
    tokio::spawn(async move {
        let copying = async {
            if let (Ok(client), Ok(app)) = tokio::join!(client, app) {
                let (mut client, mut app) = (TokioIo::new(client), TokioIo::new(app));
                // An error here is a connection that broke: the same to the other side as one that closed.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut app).await;
            }
        };
        tokio::select! {
            () = copying => {}
            () = shared.reached(Phase::Stopped) => {}
        }
        drop(in_flight);
    });
}
