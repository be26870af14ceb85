//! Sends what waits for one drain, in order, with growing pauses where that fails.

use super::Drains;
use super::destination::{Destination, Failure};
use super::ring::Batch;
use super::running::Running;
use futures_util::FutureExt;
use std::sync::Arc;
use std::time::Duration;

/// The first pause after a failure, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Sends for ever; to be aborted.
pub(super) async fn send(drains: Drains, running: Arc<Running>) {
    let mut destination = None;
    loop {
        let batch = running.ring.take().await;
        deliver(&drains, &running, &batch, &mut destination).await;
    }
}

/// Tries until a batch is sent or refused.
async fn deliver(drains: &Drains, running: &Running, batch: &Batch, destination: &mut Option<Destination>) {
    let mut pause = FIRST_PAUSE;
    loop {
        // It may lead elsewhere than when the last batch was sent.
        if redirected(running) {
            *destination = None;
        }
        match attempt(drains, running, batch, destination).await {
            Ok(()) => return running.succeeded(batch),
            Err(Failure::Refused(reason)) => return running.refused(batch, reason),
            Err(Failure::Again(reason)) => {
                tracing::debug!(drain = %running.drain().id, reason, "lines were not sent");
                running.failed(reason);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(jittered(pause)) => pause = LONGEST_PAUSE.min(pause * 2),
            () = running.redirected.notified() => {
                *destination = None;
                pause = FIRST_PAUSE;
            }
        }
    }
}

async fn attempt(
    drains: &Drains,
    running: &Running,
    batch: &Batch,
    destination: &mut Option<Destination>,
) -> Result<(), Failure> {
    let destination = if let Some(known) = destination {
        known
    } else {
        let drain = running.drain();
        let opened = drains.url_of(&drain).and_then(|url| Ok((url, drains.token_of(&drain)?)));
        let (url, token) = opened.map_err(|error| Failure::Again(format!("{error}.")))?;
        let certificates = drain.certificates.as_deref();
        let names = (&*drains.host, &running.slug);
        let new = Destination::of((&url, token), certificates, &drains.guard, names);
        destination.insert(new.map_err(Failure::Again)?)
    };
    destination.send(batch).await
}

/// Whether somebody has said since the last look that it leads elsewhere.
fn redirected(running: &Running) -> bool {
    running.redirected.notified().now_or_never().is_some()
}

/// A pause between half of it and the whole: those who failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(0.5..=1.0))
}
