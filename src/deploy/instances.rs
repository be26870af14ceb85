//! What is to run for a release, and what does.

use super::Deployer;
use super::failure::Failure;
use crate::engine::{EngineError, InstanceSpec};
use crate::model::deployment::Deployment;
use crate::model::environment::{ConfigVar, DrainSeconds, Environment, EnvironmentSettings};
use crate::model::id::{DeploymentId, EnvironmentId};
use crate::model::instance::{Instance, InstanceKey, InstanceState};
use crate::model::name::ProcessType;
use crate::model::plan::BuildPlan;
use crate::model::process::Formation;
use crate::model::project::Project;
use crate::model::release::ReleaseContent;
use crate::model::route::RouteTarget;
use crate::model::secret::Secret;
use crate::store::StoreError;
use std::collections::BTreeMap;
use std::time::Duration;

/// Time between the signal to stop and being killed, for an instance that served and that no request is sent to any more.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(10);
/// The same for an instance that no request was ever sent to.
pub(super) const UNUSED_GRACE: Duration = Duration::from_secs(3);

/// The process type whose command runs once before a release and never as an instance.
const RELEASE: &str = "release";

/// What config vars are sealed for: those of one environment cannot be opened in another.
pub(super) fn seal_purpose(environment: EnvironmentId) -> String {
    format!("environment {environment}")
}

/// The process types of a release that have instances, with how many.
pub(super) fn wanted(content: &ReleaseContent) -> Vec<(ProcessType, u16)> {
    content
        .processes
        .keys()
        .filter(|process_type| process_type.as_str() != RELEASE)
        .map(|process_type| (process_type.clone(), content.formation.instances(process_type)))
        .filter(|(_, instances)| *instances > 0)
        .collect()
}

/// The process type of the command that runs once before a release goes live, where there is one.
pub(super) fn release_command(content: &ReleaseContent) -> Option<ProcessType> {
    content.processes.keys().find(|process_type| process_type.as_str() == RELEASE).cloned()
}

/// Everything that decides what runs: decided once, when the image is there.
pub(super) fn content(
    environment: &Environment,
    plan: BuildPlan,
    image: String,
    sealed_config: BTreeMap<String, String>,
) -> ReleaseContent {
    let EnvironmentSettings { formation, limits, health, drain_seconds, .. } = &environment.settings;
    let running = &plan.running;
    // What somebody has scaled stays so; what the project's files say is where an app begins.
    let mut wanted = Formation(running.formation.clone());
    wanted.0.extend(formation.0.clone());
    let own_limits = running.limits.iter();
    ReleaseContent {
        image,
        port: plan.port,
        processes: plan.processes.clone(),
        formation: wanted,
        limits: *limits,
        process_limits: own_limits.map(|(of, change)| (of.clone(), change.applied_to(*limits))).collect(),
        health: running.health.applied_to(health),
        drain_seconds: running.drain_seconds.map_or(*drain_seconds, DrainSeconds),
        variables: running.variables.clone(),
        sealed_config,
        plan,
    }
}

/// Where the running web instances of a deployment take requests.
pub(super) fn web_targets(instances: &[Instance], deployment: DeploymentId) -> Vec<RouteTarget> {
    let web = ProcessType::web();
    let mut serving: Vec<&Instance> = instances
        .iter()
        .filter(|instance| instance.key.deployment_id == deployment && instance.key.process_type == web)
        .filter(|instance| instance.state == InstanceState::Running)
        .collect();
    serving.sort_by_key(|instance| instance.key.index);
    serving
        .into_iter()
        .filter_map(|instance| {
            Some(RouteTarget { instance_id: instance.id.clone(), address: instance.address? })
        })
        .collect()
}

impl Deployer {
    /// The config vars of an environment that its instances get, sealed, as they are now.
    pub(super) async fn sealed_config(
        &self,
        environment: EnvironmentId,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let vars = self.store.config_vars(environment).await?;
        let at_runtime = vars.into_iter().filter(|var| var.scope.at_runtime());
        Ok(at_runtime.map(|ConfigVar { name, sealed_value, .. }| (name.to_string(), sealed_value)).collect())
    }

    /// The variables that an instance gets.
    fn opened_config(
        &self,
        environment: EnvironmentId,
        content: &ReleaseContent,
    ) -> Result<Vec<(String, Secret<String>)>, Failure> {
        let purpose = seal_purpose(environment);
        let open = |(name, sealed): (&String, &String)| match self.master_key.open(&purpose, sealed) {
            Ok(value) => Ok((name.clone(), value)),
            Err(error) => {
                let sentence = format!("The config var {name} cannot be opened: {error}.");
                Err(Failure::new("config failed", sentence))
            }
        };
        let own = content.variables.iter().filter(|(name, _)| !content.sealed_config.contains_key(*name));
        let own = own.map(|(name, value)| Ok((name.clone(), Secret::new(value.clone()))));
        own.chain(content.sealed_config.iter().map(open)).collect()
    }

    /// How one instance of a release is to be started.
    pub(super) fn spec(
        &self,
        project: &Project,
        deployment: &Deployment,
        content: &ReleaseContent,
        process_type: &ProcessType,
        index: u16,
    ) -> Result<InstanceSpec, Failure> {
        let command =
            content.processes.get(process_type).cloned().unwrap_or(crate::model::process::Command::Image);
        Ok(InstanceSpec {
            key: InstanceKey {
                project_id: project.id,
                environment_id: deployment.environment_id,
                deployment_id: deployment.id,
                process_type: process_type.clone(),
                index,
            },
            image: content.image.clone(),
            command,
            environment: self.opened_config(deployment.environment_id, content)?,
            port: content.port,
            limits: content.limits_of(process_type),
            slug: project.slug.clone(),
        })
    }

    /// The instances of one deployment.
    pub(super) async fn instances_of(&self, deployment: DeploymentId) -> Result<Vec<Instance>, EngineError> {
        let all = self.engine.list().await?;
        Ok(all.into_iter().filter(|instance| instance.key.deployment_id == deployment).collect())
    }

    /// The instances of an environment that belong to other deployments than this one.
    pub(super) async fn other_instances(
        &self,
        deployment: &Deployment,
    ) -> Result<Vec<Instance>, EngineError> {
        let all = self.engine.list().await?;
        Ok(all
            .into_iter()
            .filter(|instance| instance.key.environment_id == deployment.environment_id)
            .filter(|instance| instance.key.deployment_id != deployment.id)
            .collect())
    }
}
