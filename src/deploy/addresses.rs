//! Where instances are after the engine or its host was restarted: an address may be another instance's by then.

use super::Deployer;
use crate::model::instance::{Instance, InstanceState};
use crate::model::route::{Route, RouteTarget};

impl Deployer {
    /// Tells the router where the instances are that it sends requests to, and of those that do not run, that they do not.
    /// The database is not asked. The caller has seen the instances in its turn to switch.
    pub(super) fn correct_addresses(&self, instances: &[Instance]) {
        for route in self.router.routes() {
            let corrected = Route { targets: where_they_are(&route.targets, instances), ..route.clone() };
            if corrected != route {
                tracing::info!(environment = %route.environment_id, "instances have other addresses now");
                drop(self.router.set_route(corrected));
            }
        }
    }
}

/// The targets that run, each where it is now.
fn where_they_are(targets: &[RouteTarget], instances: &[Instance]) -> Vec<RouteTarget> {
    let now = |target: &RouteTarget| {
        let instance = instances.iter().find(|instance| instance.id == target.instance_id)?;
        let address = instance.address.filter(|_| instance.state == InstanceState::Running)?;
        Some(RouteTarget { address, ..target.clone() })
    };
    targets.iter().filter_map(now).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::instance::InstanceId;

    fn instance(id: &str, state: InstanceState, address: Option<&str>) -> Instance {
        let address = address.map(|address| address.parse().unwrap());
        Instance { state, address, ..Instance::running(id) }
    }

    fn target(id: &str, address: &str) -> RouteTarget {
        RouteTarget { instance_id: InstanceId(id.to_owned()), address: address.parse().unwrap() }
    }

    #[test]
    fn instances_that_have_swapped_addresses_keep_their_requests() {
        let ended = InstanceState::Exited { code: 0, out_of_memory: false };
        let instances = [
            instance("one", InstanceState::Running, Some("10.0.0.3:80")),
            instance("two", InstanceState::Running, Some("10.0.0.2:80")),
            instance("ended", ended, Some("10.0.0.4:80")),
            instance("apart", InstanceState::Running, None),
        ];
        let before = [
            target("one", "10.0.0.2:80"),
            target("two", "10.0.0.3:80"),
            target("ended", "10.0.0.4:80"),
            target("apart", "10.0.0.5:80"),
            target("gone", "10.0.0.6:80"),
        ];
        let after = [target("one", "10.0.0.3:80"), target("two", "10.0.0.2:80")];
        assert_eq!(where_they_are(&before, &instances), after);
    }
}
