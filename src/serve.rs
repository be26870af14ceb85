//! Starting and stopping in order.
//!
//! The router comes first and goes last: it serves the last good table from disk before the database is asked, and is
//! the last to be stopped, so that apps are reachable for as long as the process lives.

use crate::app::{App, Sockets, StartError};
use crate::config::Settings;
use rustix::fs::Mode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
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
    // Whatever the server and its git write is for itself: repositories, logs, the table of routes.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    // Before anything is started: one that comes during the start is not lost, and does not kill.
    let mut signals = StopSignals::listen()?;
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
    // It may wait for a database.
    let app = tokio::select! {
        app = App::build(settings, &home, handle, address) => app?,
        () = signals.received() => {
            tracing::info!("stopped before it was ready");
            return Ok(());
        }
    };

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
        signals.received().await;
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

/// SIGTERM and SIGINT.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// From here on a signal waits to be received and does not kill the process.
    fn listen() -> Result<Self, StartError> {
        let listen = |kind| signal(kind).map_err(StartError::Signals);
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
