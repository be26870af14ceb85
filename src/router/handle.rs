//! Changing what a running router serves.

use crate::model::id::{DeploymentId, EnvironmentId};
use crate::model::route::{Route, RouteTarget, Standing};
use crate::router::app::App;
use crate::router::canary::{Canary, CanaryCounters};
use crate::router::counters::{Counters, ReleaseCounters};
use crate::router::drain::Switched;
use crate::router::hold::{Held, Hold};
use crate::router::options::RouterOptions;
use crate::router::request_id::RequestIds;
use crate::router::table::Table;
use crate::router::target::Target;
use crate::router::tunnel::Tunnels;
use arc_swap::ArcSwap;
use std::collections::HashSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Where a router is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(super) enum Phase {
    Serving,
    /// Connections end with the request that they are at, or with the next one.
    Draining,
    Stopped,
}

/// What every part of a router sees.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: RouterOptions,
    pub(super) table: ArcSwap<Table>,
    pub(super) request_ids: RequestIds,
    pub(super) phase: watch::Sender<Phase>,
    /// Told after every change of the table; the snapshot is written by whoever listens.
    pub(super) changed: watch::Sender<()>,
    pub(super) tunnels: Tunnels,
    /// Told when a request has come for an app that is asleep.
    pub(super) wanted: Notify,
    /// One change at a time: each is made from the table before it.
    changing: Mutex<()>,
}

impl Shared {
    pub(super) fn new(options: RouterOptions) -> Self {
        Self {
            options,
            table: ArcSwap::default(),
            request_ids: RequestIds::new(),
            phase: watch::Sender::new(Phase::Serving),
            changed: watch::Sender::new(()),
            tunnels: Tunnels::default(),
            wanted: Notify::new(),
            changing: Mutex::new(()),
        }
    }

    /// Returns once the router has got so far in its life.
    pub(super) async fn reached(&self, phase: Phase) {
        // Its sender lives in `self`, so there is no other outcome.
        let _ = self.phase.subscribe().wait_for(|now| *now >= phase).await;
    }

    /// Whether connections are to end.
    pub(super) fn is_draining(&self) -> bool {
        *self.phase.borrow() >= Phase::Draining
    }

    /// Returns when a connection without a request may be closed for the router's sake.
    pub(super) async fn idle_connections_end(&self) {
        self.reached(Phase::Draining).await;
        tokio::time::sleep(self.options.idle_grace).await;
    }

    /// Puts the next table in force and retires the targets that it no longer has.
    pub(super) fn change(&self, next: impl FnOnce(&Table) -> Table) -> Switched {
        let changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = next(&self.table.load());
        let staying: HashSet<_> = next.targets().map(Arc::as_ptr).collect();
        let still: HashSet<_> = next.sleeping().map(|(_, sleep)| Arc::as_ptr(sleep)).collect();
        let before = self.table.swap(Arc::new(next));
        drop(changing);
        // What waited looks again.
        for (_, over) in before.sleeping().filter(|(_, sleep)| !still.contains(&Arc::as_ptr(sleep))) {
            over.end();
        }
        let gone =
            before.targets().filter(|target| !staying.contains(&Arc::as_ptr(target))).cloned().collect();
        self.changed.send_replace(());
        Switched::retiring(gone)
    }
}

/// Changes the table of a router and reads its counters. Cheap to clone; outlives the router without harm.
#[derive(Debug, Clone)]
pub struct RouterHandle(pub(super) Arc<Shared>);

impl RouterHandle {
    /// Sets the route of an environment. Every request that comes after the call goes to the new targets; those that
    /// were in the table before keep their connections when instance and address are the same.
    ///
    /// The answer says what the targets that left are still doing, and waits for them.
    pub fn set_route(&self, route: Route) -> Switched {
        self.0.change(|table| table.with(route))
    }

    /// Forgets an environment: its hosts are answered with 404, its counters are gone.
    pub fn remove_route(&self, environment_id: EnvironmentId) -> Switched {
        self.0.change(|table| table.without(environment_id))
    }

    /// The routes now, ordered by environment; hosts as they are looked up: lower case, without a trailing dot.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        self.0.table.load().routes()
    }

    /// What an environment's route has seen since it was first set; `None` for an environment without a route.
    #[must_use]
    pub fn counters(&self, environment_id: EnvironmentId) -> Option<Counters> {
        self.0.table.load().app(environment_id).map(|app| app.counters())
    }

    /// Lets requests for an environment wait, those that come from now on, until [`Self::end_hold`]. Nothing where it has no
    /// route, or where they wait already.
    pub fn hold(&self, environment_id: EnvironmentId) {
        let hold = Arc::new(Hold::begin());
        let before = self.0.change(|table| match table.app(environment_id) {
            Some(app) if app.hold.is_none() => table.with_hold(environment_id, Some(hold)),
            Some(_) | None => table.clone(),
        });
        // Its targets are those of before.
        drop(before);
    }

    /// Lets requests that wait go on to whatever the route has now. Tells what has waited.
    pub fn end_hold(&self, environment_id: EnvironmentId) -> Option<Held> {
        let hold = self.0.table.load().app(environment_id)?.hold.clone()?;
        drop(self.0.change(|table| table.with_hold(environment_id, None)));
        hold.end();
        Some(hold.read())
    }

    /// Returns when a request has come for an app that is asleep: one of [`Self::wanted`].
    pub async fn is_wanted(&self) {
        self.0.wanted.notified().await;
    }

    /// The environments that are asleep and that requests have come for.
    #[must_use]
    pub fn wanted(&self) -> Vec<EnvironmentId> {
        let table = self.0.table.load();
        let wanted = table.sleeping().filter(|(_, sleep)| sleep.is_wanted());
        wanted.map(|(environment_id, _)| environment_id).collect()
    }

    /// Answers the requests that wait for an app that is asleep, and those that come within a pause, with a 503 that says
    /// that it did not start. What comes later wants it again.
    pub fn stays_asleep(&self, environment_id: EnvironmentId, pause: Duration) {
        let sleep = Hold::begin_refusing(pause);
        // It has no targets.
        drop(self.0.change(|table| table.with_changed(environment_id, |app| app.with_sleep(sleep))));
    }

    /// Sends a part of the requests for an environment, in percent, to instances of a deployment that is not live; until
    /// [`Self::end_canary`], or a route that leads to another deployment. `false` where nothing is served, and nothing is
    /// done.
    pub fn begin_canary(
        &self,
        environment_id: EnvironmentId,
        deployment_id: DeploymentId,
        percent: u8,
        targets: Vec<RouteTarget>,
    ) -> bool {
        let targets: Vec<Arc<Target>> = targets.into_iter().map(Target::new).collect();
        let mut has_begun = false;
        // Those of one that was tried out before this server was interrupted, if any, are the same instances.
        drop(self.0.change(|table| {
            let serves = |app: &&Arc<App>| app.route.standing == Standing::Open && !app.targets.is_empty();
            let Some(app) = table.app(environment_id).filter(serves) else { return table.clone() };
            has_begun = true;
            let (meter, others_before, turn) = (Arc::default(), app.release.read(), AtomicUsize::default());
            let canary = Arc::new(Canary { deployment_id, percent, targets, meter, others_before, turn });
            table.with_changed(environment_id, |app| app.with_canary(Some(canary)))
        }));
        has_begun
    }

    /// What was answered since it began; `None` where nothing is tried out.
    #[must_use]
    pub fn canary_counters(&self, environment_id: EnvironmentId) -> Option<CanaryCounters> {
        let table = self.0.table.load();
        let app = table.app(environment_id)?;
        Some(app.canary.as_ref()?.counters(app.release.read()))
    }

    /// Sends every request to what is live again. `None` where nothing is tried out.
    pub fn end_canary(&self, environment_id: EnvironmentId) -> Option<Switched> {
        self.0.table.load().app(environment_id)?.canary.as_ref()?;
        Some(self.0.change(|table| table.with_changed(environment_id, |app| app.with_canary(None))))
    }

    /// What the release of an environment has answered, and the one before it; `None` for an environment without a route.
    #[must_use]
    pub fn release_counters(&self, environment_id: EnvironmentId) -> Option<ReleaseCounters> {
        self.0.table.load().app(environment_id).map(|app| app.release_counters())
    }
}
