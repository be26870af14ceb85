//! Which host leads where: made once, never changed, replaced as a whole.

use crate::model::id::EnvironmentId;
use crate::model::route::Route;
use crate::router::app::App;
use crate::router::hold::Hold;
use crate::router::host;
use crate::router::target::Target;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Every route of the server.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    hosts: HashMap<Box<str>, Arc<App>>,
    apps: BTreeMap<EnvironmentId, Arc<App>>,
}

impl Table {
    /// The app of a host name as [`host::name_of`] gives it.
    pub(super) fn find(&self, host: &str) -> Option<&Arc<App>> {
        self.hosts.get(host)
    }

    pub(super) fn app(&self, environment_id: EnvironmentId) -> Option<&Arc<App>> {
        self.apps.get(&environment_id)
    }

    pub(super) fn routes(&self) -> Vec<Route> {
        self.apps.values().map(|app| app.route.clone()).collect()
    }

    /// Every target of the table.
    pub(super) fn targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.apps.values().flat_map(|app| app.all_targets())
    }

    /// This table with one environment's route set or replaced.
    ///
    /// A host that another environment has goes to the one that asked last: names are made unique by whoever hands out
    /// domains, and while one moves, the newer claim is the right one.
    pub(super) fn with(&self, route: Route) -> Self {
        let mut next = self.without(route.environment_id);
        next.insert(route, self);
        next
    }

    /// This table with requests of an environment waiting, or not waiting any more.
    pub(super) fn with_hold(&self, environment_id: EnvironmentId, hold: Option<Arc<Hold>>) -> Self {
        self.with_changed(environment_id, |app| app.with_hold(hold))
    }

    /// This table with the entry of an environment changed, which has the same hosts.
    pub(super) fn with_changed(
        &self,
        environment_id: EnvironmentId,
        change: impl FnOnce(&App) -> App,
    ) -> Self {
        let Some(app) = self.app(environment_id) else { return self.clone() };
        let app = Arc::new(change(app));
        let mut next = self.clone();
        for other in next.hosts.values_mut().filter(|other| other.route.environment_id == environment_id) {
            *other = Arc::clone(&app);
        }
        next.apps.insert(environment_id, app);
        next
    }

    /// Every environment whose instances are asleep, with what waits for them.
    pub(super) fn sleeping(&self) -> impl Iterator<Item = (EnvironmentId, &Arc<Hold>)> {
        self.apps.iter().filter_map(|(id, app)| Some((*id, app.sleep.as_ref()?)))
    }

    /// This table without an environment.
    pub(super) fn without(&self, environment_id: EnvironmentId) -> Self {
        let is_other = |app: &App| app.route.environment_id != environment_id;
        Self {
            hosts: self
                .hosts
                .iter()
                .filter(|(_, app)| is_other(app))
                .map(|(host, app)| (host.clone(), Arc::clone(app)))
                .collect(),
            apps: self
                .apps
                .iter()
                .filter(|(_, app)| is_other(app))
                .map(|(id, app)| (*id, Arc::clone(app)))
                .collect(),
        }
    }

    /// A table of these routes and no others, with what it has in common with this one.
    pub(super) fn replaced(&self, routes: Vec<Route>) -> Self {
        let mut next = Self::default();
        for route in routes {
            next.insert(route, self);
        }
        next
    }

    fn insert(&mut self, mut route: Route, before: &Self) {
        let mut names = Vec::with_capacity(route.hosts.len());
        for written in std::mem::take(&mut route.hosts) {
            if let Some(name) = host::name_of(written.as_bytes()) {
                names.push(name.into_owned());
            } else {
                tracing::warn!(host = ?written, "not a host name: the router leaves it out");
            }
        }
        route.hosts.clone_from(&names);
        let id = route.environment_id;
        let app = Arc::new(App::new(route, before.app(id).map(AsRef::as_ref)));
        for name in names {
            if let Some(other) = self.hosts.insert(name.clone().into(), Arc::clone(&app)) {
                let loser = other.route.environment_id;
                if loser != id {
                    tracing::warn!(host = name, from = %loser, to = %id, "a host moved to another environment");
                }
            }
        }
        self.apps.insert(id, app);
    }
}
