//! Starting and stopping in order.
//!
//! The router comes first and goes last: it serves the last good table from disk before the database is asked, and is
//! the last to be stopped, so that apps are reachable for as long as the process lives.

use crate::app::{App, Sockets, StartError};
use crate::config::Settings;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Time that running deployments get to end; what has not ended goes on at the next start.
const DEPLOYMENTS_GRACE: Duration = Duration::from_secs(30);
/// Time that open SSH connections get: a little more, so that a pusher sees the end of a deployment.
const CONNECTIONS_GRACE: Duration = Duration::from_secs(32);

/// Runs the server until SIGTERM or SIGINT, then drains it.
///
/// # Errors
/// When it cannot start; never after it is ready.
pub async fn serve(settings: &Settings) -> Result<(), StartError> {
    let sockets = Sockets::bind(settings).await?;
    let (stop_sender, stop) = watch::channel(false);
    let stopped = || until(stop.clone());
    let (stop_router_sender, stop_router) = watch::channel(false);
    // The table on disk is served from here on, whatever the database takes.
    let handle = sockets.router.handle();
    let address = sockets.public_address(settings);
    let Sockets { home, router, ssh, api, hooks } = sockets;
    let router_address = router.local_addr();
    let serving_router = tokio::spawn(router.serve(until(stop_router)));
    let app = App::build(settings, &home, handle, address).await?;

    tracing::info!(
        ssh = %ssh.local_addr(), host_key = ssh.fingerprint(), api = %api.address(), http = %router_address,
        home = %settings.home.display(), "gilgal is ready"
    );
    let front_doors = async {
        tokio::join!(
            ssh.serve(app.front, stopped(), CONNECTIONS_GRACE),
            app.runner.run(stopped(), DEPLOYMENTS_GRACE),
            api.serve(app.api, stopped()),
            app.reconciler.run(stopped()),
        )
    };
    let serving_hooks = tokio::spawn(hooks.serve(app.receiver, std::future::pending()));
    tokio::join!(front_doors, async {
        stop_signal().await;
        tracing::info!("stopping: no new work is taken");
        stop_sender.send_replace(true);
    });
    serving_hooks.abort();
    stop_router_sender.send_replace(true);
    if let Err(error) = serving_router.await {
        tracing::error!(%error, "the router has ended early");
    }
    tracing::info!("stopped");
    drop(home);
    Ok(())
}

async fn until(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is gone: the same as being told to stop.
    drop(stop.wait_for(|stopping| *stopping).await);
}

async fn stop_signal() {
    let wait_for = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::error!(%error, "a signal cannot be listened for");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = wait_for(SignalKind::terminate()) => {}
        () = wait_for(SignalKind::interrupt()) => {}
    }
}
