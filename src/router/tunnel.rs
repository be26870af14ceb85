//! Connections that have stopped being HTTP: websockets and whatever else was agreed on.

use crate::router::handle::{Phase, Shared};
use crate::router::target::InFlight;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::sync::watch;

/// How many connections are tunnels at the moment.
#[derive(Debug, Default)]
pub(super) struct Tunnels(watch::Sender<usize>);

impl Tunnels {
    /// Returns when there is none.
    pub(super) async fn all_closed(&self) {
        // Its sender lives in `self`, so there is no other outcome.
        drop(self.0.subscribe().wait_for(|open| *open == 0).await);
    }
}

/// Joins the client's connection and the instance's until one of them closes, or the router has stopped. The request
/// stays in flight meanwhile, so that a drain waits for it.
pub(super) fn join(client: OnUpgrade, app: OnUpgrade, in_flight: InFlight, shared: Arc<Shared>) {
    shared.tunnels.0.send_modify(|open| *open += 1);
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
        shared.tunnels.0.send_modify(|open| *open -= 1);
    });
}
