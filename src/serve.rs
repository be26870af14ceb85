//! Starting and stopping in order.
//!
//! The router comes first and goes last: it serves the last good table from disk before the database is asked, and is
//! stopped after everything that works, so that apps are reachable for as long as the process lives. The API answers
//! until the router is done. Listening sockets that systemd holds outlive the process: what comes between its end and
//! the next start waits in them.

use crate::app::{App, StartError};
use crate::config::Settings;
use crate::sockets::Sockets;
use crate::systemd::{self, Progress};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};

/// Time that running deployments get to end; what has not ended goes on at the next start.
const DEPLOYMENTS_GRACE: Duration = Duration::from_secs(30);
/// Time that open SSH connections get: a little more, so that a pusher sees the end of a deployment.
const CONNECTIONS_GRACE: Duration = Duration::from_secs(32);

/// Why a server has ended that had started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was told to.
    Stopped,
    /// A part of it has ended by a mistake in the program: what is left would be half a server.
    PartLost,
    /// Another server has its database.
    DatabaseTaken,
}

/// Runs the server until SIGTERM or SIGINT, or until a part of it is lost, then drains it. `received` are sockets that
/// it listens on instead of opening its own.
///
/// # Errors
/// When it cannot start; never after it is ready.
pub async fn serve(settings: &Settings, received: systemd::Sockets) -> Result<Ended, StartError> {
    // Whatever the server and its git write is for itself: repositories, logs, the table of routes.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    raise_file_limit();
    // Before anything is started: one that comes during the start is not lost, and does not kill.
    let mut signals = StopSignals::listen()?;
    let sockets = Sockets::bind(settings, received).await?;
    let (stop_sender, stop) = watch::channel(false);
    let stopped = || until(stop.clone());
    let (stop_router_sender, stop_router) = watch::channel(false);
    let (stop_api_sender, stop_api) = watch::channel(false);
    // The table on disk is served from here on, whatever the database takes.
    let handle = sockets.router.handle();
    let address = sockets.public_address(settings);
    let Sockets { home, router, ssh, api, hooks } = sockets;
    let router_address = router.local_addr();
    let mut serving_router = tokio::spawn(router.serve(until(stop_router)));
    systemd::tell(Progress::ServingApps);
    // It may wait for a database.
    let mut app = tokio::select! {
        app = App::build(settings, &home, handle, address) => app?,
        () = signals.received() => {
            tracing::info!("stopped before it was ready");
            // Apps were served all the while, and are to the last request.
            stop_router_sender.send_replace(true);
            lost_while_stopping(serving_router.await);
            return Ok(Ended::Stopped);
        }
        () = lost("the router", &mut serving_router) => return Ok(Ended::PartLost),
    };

    tracing::info!(
        ssh = %ssh.local_addr(), host_key = ssh.fingerprint(), api = %api.address(), http = %router_address,
        home = %settings.home.display(), "gilgal is ready"
    );
    systemd::tell(Progress::Ready);
    let mut serving_hooks = tokio::spawn(hooks.serve(app.receiver, std::future::pending()));
    let pushes = app.front.pushes.clone();
    let serving_api = api.serve(app.api, until(stop_api));
    let work = async {
        tokio::join!(
            ssh.serve(app.front, stopped(), CONNECTIONS_GRACE),
            app.runner.run(stopped(), DEPLOYMENTS_GRACE),
            app.reconciler.run(stopped()),
            app.liveness.run(stopped()),
            app.sleeper.run(stopped()),
            app.watch.run(stopped()),
            app.cron.run(stopped()),
            app.housekeeping.run(stopped()),
            app.retention.run(stopped()),
            app.removal.run(stopped()),
            app.previews.run(stopped()),
            app.checks.run(stopped()),
            app.drains.run(stopped()),
            app.notifications.run(stopped()),
            app.crashes.run(stopped()),
        );
    };
    let lifetime = async {
        let ended = async {
            let ended = tokio::select! {
                () = signals.received() => Ended::Stopped,
                () = lost("the router", &mut serving_router) => Ended::PartLost,
                () = lost("the socket of the hooks", &mut serving_hooks) => Ended::PartLost,
                () = app.lock.lost() => Ended::DatabaseTaken,
            };
            if ended == Ended::DatabaseTaken {
                tracing::error!("another gilgal server has taken the database");
                // It would write to what is another server's now.
                stop_api_sender.send_replace(true);
            }
            tracing::info!("stopping: no new work is taken");
            systemd::tell(Progress::Stopping);
            pushes.server_stops();
            stop_sender.send_replace(true);
            ended
        };
        let ((), ended) = tokio::join!(work, ended);
        serving_hooks.abort();
        stop_router_sender.send_replace(true);
        if !serving_router.is_finished() {
            lost_while_stopping(serving_router.await);
        }
        stop_api_sender.send_replace(true);
        ended
    };
    let (ended, ()) = tokio::join!(lifetime, serving_api);
    tracing::info!("stopped");
    drop(home);
    Ok(ended)
}

/// Ends when a part has ended that should live as long as the server, and says so.
async fn lost<T>(part: &str, serving: &mut JoinHandle<T>) {
    let error = serving.await.err().map(|error| error.to_string());
    tracing::error!(part, error, "a part of the server has ended by itself: the server stops");
}

fn lost_while_stopping<T>(router: Result<T, JoinError>) {
    if let Err(error) = router {
        tracing::error!(%error, "the router has ended before its requests");
    }
}

/// Takes as many file descriptors as the system allows: each connection is one or two, and the usual soft limit of 1024
/// is there for programs that use select(2).
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, limit = limit.current, "the limit on open files cannot be raised");
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_panics_or_returns_is_lost_and_one_that_serves_is_not() {
        lost("a part", &mut tokio::spawn(async { panic!("on purpose") })).await;
        lost("a part", &mut tokio::spawn(async {})).await;
        let mut serving = tokio::spawn(std::future::pending::<()>());
        let lost = lost("a part", &mut serving);
        assert!(tokio::time::timeout(Duration::from_millis(20), lost).await.is_err());
        serving.abort();
    }
}
