//! What is to run for a release, and what does.

use super::Deployer;
use super::config::{TakenConfig, closed};
use super::failure::Failure;
use super::run::Run;
use crate::engine::{EngineError, InstanceSpec};
use crate::model::environment::{DrainSeconds, Environment, EnvironmentSettings, SleepSeconds, WatchSeconds};
use crate::model::id::DeploymentId;
use crate::model::instance::{Instance, InstanceKey, InstanceState};
use crate::model::name::{ProcessType, Slug};
use crate::model::plan::BuildPlan;
use crate::model::preview::NUMBER_VARIABLE;
use crate::model::process::{Command, Formation};
use crate::model::project::Project;
use crate::model::release::{Release, ReleaseContent};
use crate::model::route::{Route, RouteTarget, Standing};
use crate::model::volume::Strategy;
use crate::secrets::{ClosedVariable, open_files, open_variables};
use crate::store::StoreError;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long an instance without a port must have run to count as started.
pub(super) const RUNS_FOR: Duration = Duration::from_secs(2);
/// Time between the signal to stop and being killed, for an instance that served and that no request is sent to any more.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(10);
/// The same for an instance that no request was ever sent to.
pub(super) const UNUSED_GRACE: Duration = Duration::from_secs(3);

/// The process types of a release that have instances, with how many.
pub(super) fn wanted(content: &ReleaseContent) -> Vec<(ProcessType, u16)> {
    content
        .processes
        .keys()
        .filter(|process_type| !process_type.is_release())
        .map(|process_type| (process_type.clone(), content.formation.instances(process_type)))
        .filter(|(_, instances)| *instances > 0)
        .collect()
}

/// The process type of the command that runs once before a release goes live, where there is one.
pub(super) fn release_command(content: &ReleaseContent) -> Option<ProcessType> {
    content.processes.keys().find(|process_type| process_type.is_release()).cloned()
}

/// Everything that decides what runs: decided once, when the image is there.
pub(super) fn content(
    environment: &Environment,
    plan: BuildPlan,
    image: String,
    config: TakenConfig,
    build_variables: Option<String>,
) -> ReleaseContent {
    let EnvironmentSettings {
        formation, limits, health, drain_seconds, watch_seconds, sleep_seconds, ..
    } = &environment.settings;
    let running = &plan.running;
    let is_preview = config.pull_request.is_some();
    // What somebody has scaled stays so; what the project's files say is where an app begins.
    let mut wanted = Formation(running.formation.clone());
    if is_preview {
        wanted.0.values_mut().for_each(|instances| *instances = (*instances).min(1));
    }
    wanted.0.extend(formation.0.clone());
    // A pull request asks for less than its preview is given, and never for more.
    let own_limits = running.limits.iter().map(|(of, change)| {
        let asked = change.applied_to(*limits);
        (of.clone(), if is_preview { asked.at_most(*limits) } else { asked })
    });
    let writes = running.volumes.values().any(|mount| !mount.read_only);
    let strategy = running.strategy.or(environment.settings.strategy);
    let tries_out = match strategy {
        None => !writes,
        Some(strategy) => running.strategy.is_none() && strategy == Strategy::Canary,
    };
    let canary = environment.settings.canary.filter(|_| tries_out);
    let mut variables = running.variables.clone();
    variables.extend(config.pull_request.map(|number| (NUMBER_VARIABLE.to_owned(), number.to_string())));
    ReleaseContent {
        image,
        port: plan.port,
        processes: plan.processes.clone(),
        formation: wanted,
        limits: *limits,
        process_limits: own_limits.collect(),
        health: running.health.applied_to(health),
        drain_seconds: running.drain_seconds.map_or(*drain_seconds, DrainSeconds),
        watch_seconds: running.watch_seconds.map_or(*watch_seconds, WatchSeconds),
        // A preview sleeps as its hook says, whatever the pull request does.
        sleep_seconds: running.sleep_seconds.filter(|_| !is_preview).map_or(*sleep_seconds, SleepSeconds),
        sticky: running.sticky,
        volumes: running.volumes.clone(),
        strategy: strategy.or_else(|| canary.map(|_| Strategy::Canary)),
        canary: running.canary.or(canary),
        cron: running.cron.clone(),
        variables,
        sealed_config: config.runtime,
        sealed_files: config.files,
        build_variables,
        settings: Some(environment.settings.clone()),
        instances_of: None,
        plan,
    }
}

/// Every place of a release that an instance fills: `web.1`, `web.2`, `worker.1`.
pub(super) fn places(content: &ReleaseContent) -> BTreeSet<Place> {
    let wanted = wanted(content).into_iter();
    wanted.flat_map(|(of, count)| (1..=count).map(move |index| (of.clone(), index))).collect()
}

/// The same of a release whose web instances may be asleep.
pub(super) fn awake_places(content: &ReleaseContent, is_asleep: bool) -> BTreeSet<Place> {
    let web = ProcessType::web();
    places(content).into_iter().filter(|(of, _)| !is_asleep || *of != web).collect()
}

/// A process type and a number within it, from 1.
pub(super) type Place = (ProcessType, u16);

/// The place that an instance fills.
pub(super) fn place(instance: &Instance) -> Place {
    (instance.key.process_type.clone(), instance.key.index)
}

/// Whether an instance is one of a release whose instances are those of the deployment `of`.
pub(super) fn belongs(instance: &Instance, of: DeploymentId, content: &ReleaseContent) -> bool {
    let Instance { key: InstanceKey { deployment_id, process_type, index, .. }, .. } = instance;
    let has_place = !process_type.is_release() && content.processes.contains_key(process_type);
    *deployment_id == of && has_place && *index <= content.formation.instances(process_type)
}

/// Where the running web instances of a release take requests.
pub(super) fn web_targets(
    instances: &[Instance],
    of: DeploymentId,
    content: &ReleaseContent,
) -> Vec<RouteTarget> {
    let web = ProcessType::web();
    let mut serving: Vec<&Instance> = instances
        .iter()
        .filter(|instance| instance.key.process_type == web && belongs(instance, of, content))
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
    /// How one instance of the release is to be started.
    pub(super) fn spec(
        &self,
        run: &Run,
        process_type: &ProcessType,
        index: u16,
    ) -> Result<InstanceSpec, Failure> {
        let key = InstanceKey {
            project_id: run.project.id,
            environment_id: run.environment.id,
            deployment_id: run.instances_of(),
            process_type: process_type.clone(),
            index,
        };
        self.spec_of(&run.project.slug, run.content()?, key).map_err(closed)
    }

    /// How the instance of a key is to be started, which runs what is said here.
    ///
    /// # Errors
    /// When a config var or a file cannot be opened.
    pub(super) fn spec_of(
        &self,
        slug: &Slug,
        content: &ReleaseContent,
        key: InstanceKey,
    ) -> Result<InstanceSpec, ClosedVariable> {
        let environment_id = key.environment_id;
        Ok(InstanceSpec {
            image: content.image.clone(),
            command: content.processes.get(&key.process_type).cloned().unwrap_or(Command::Image),
            stop_signal: content.plan.running.stop_signals.get(&key.process_type).copied(),
            environment: open_variables(&self.master_key, environment_id, content)?,
            files: open_files(&self.master_key, environment_id, content)?,
            volumes: content.volumes.clone(),
            port: content.port,
            limits: content.limits_of(&key.process_type),
            slug: slug.clone(),
            generation: 0,
            key,
        })
    }

    /// Where requests go: to the running web instances of a release but those that do not answer, as long as there are
    /// others, and those that are being tried out.
    pub(super) fn targets(
        &self,
        instances: &[Instance],
        of: DeploymentId,
        content: &ReleaseContent,
    ) -> Vec<RouteTarget> {
        let tried: Vec<Instance> =
            instances.iter().filter(|instance| !self.vitals.is_on_trial(instance)).cloned().collect();
        let all = web_targets(&tried, of, content);
        let answers = |target: &&RouteTarget| self.vitals.silence_of(&target.instance_id).is_none();
        let answering: Vec<RouteTarget> = all.iter().filter(answers).cloned().collect();
        // One that answers some requests is better than none.
        if answering.is_empty() { all } else { answering }
    }

    /// Where an environment is reached, and what answers there.
    pub(super) fn route(
        &self,
        (project, environment): (&Project, &Environment),
        release: &Release,
        instances: &[Instance],
    ) -> Route {
        let targets = self.targets(instances, release.instances_of(), &release.content);
        let serves = (release.deployment_id, release.content.sticky);
        self.route_to((project, environment), serves, targets)
    }

    /// The same with targets that are known.
    pub(super) fn route_to(
        &self,
        (project, environment): (&Project, &Environment),
        (deployment_id, sticky): (DeploymentId, bool),
        targets: Vec<RouteTarget>,
    ) -> Route {
        let page = environment.settings.maintenance_page.as_ref().map(ToString::to_string);
        let Environment { stopped_at, maintenance_at, asleep_at, .. } = environment;
        let (standing, targets) = match (stopped_at, maintenance_at, asleep_at) {
            (Some(_), _, _) => (Standing::Stopped, Vec::new()),
            (None, Some(_), None) => (Standing::Maintenance { page }, targets),
            (None, Some(_), Some(_)) => (Standing::Maintenance { page }, Vec::new()),
            (None, None, Some(_)) => (Standing::Asleep, Vec::new()),
            (None, None, None) => (Standing::Open, targets),
        };
        Route {
            environment_id: environment.id,
            deployment_id,
            hosts: vec![self.address.host(&project.slug, &environment.name)],
            standing,
            sticky,
            error_page: environment.settings.error_page.as_ref().map(ToString::to_string),
            targets,
        }
    }

    /// The instances that are named after one deployment, without one-off commands.
    pub(super) async fn instances_of(&self, deployment: DeploymentId) -> Result<Vec<Instance>, EngineError> {
        let all = self.engine.list().await?.into_iter();
        let of = |instance: &Instance| instance.key.deployment_id == deployment && !instance.key.is_one_off();
        Ok(all.filter(of).collect())
    }

    /// The instances of the environment that the release of the deployment does not have.
    pub(super) async fn unwanted_instances(&self, run: &Run) -> Result<Vec<Instance>, EngineError> {
        let (of, content) = (run.instances_of(), run.deployment.record.content.as_ref());
        let wanted = |instance: &Instance| content.is_some_and(|content| belongs(instance, of, content));
        let all = self.engine.list().await?;
        Ok(all
            .into_iter()
            .filter(|instance| instance.key.environment_id == run.environment.id)
            .filter(|instance| !instance.key.is_one_off() && !wanted(instance))
            .collect())
    }

    /// The places of what is live that the deployment leaves as they are: those of a release whose instances it adds to
    /// or takes away from, but for what is asleep. Before the commit.
    pub(super) async fn kept_places(&self, run: &Run) -> Result<BTreeSet<Place>, StoreError> {
        if run.instances_of() == run.deployment.id {
            return Ok(BTreeSet::new());
        }
        let live = self.store.current_release(run.environment.id).await?;
        let is_asleep = self.store.environment(run.environment.id).await?.asleep_at.is_some();
        Ok(live.map(|release| awake_places(&release.content, is_asleep)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::{EnvironmentId, ProjectId};
    use crate::model::process::{Limits, LimitsChange};
    use crate::model::setting_times::SettingTimes;
    use crate::model::time::now;

    #[test]
    fn a_pull_request_asks_for_no_more_than_its_preview_is_given() {
        let mut environment = Environment {
            id: EnvironmentId::generate(),
            project_id: ProjectId::generate(),
            name: "pr-7".parse().unwrap(),
            branch: None,
            settings: EnvironmentSettings::default(),
            settings_set_at: SettingTimes::default(),
            disabled_at: None,
            maintenance_at: None,
            stopped_at: None,
            asleep_at: None,
            created_at: now(),
            updated_at: now(),
        };
        let given = Limits { memory_mib: 256, cpu_millis: 500, processes: 64 };
        environment.settings.limits = given;
        let [web, worker] = ["web", "worker"].map(|name| name.parse::<ProcessType>().unwrap());
        let mut plan = BuildPlan::default();
        plan.running.formation = [(web.clone(), 30), (worker.clone(), 0)].into();
        let more = LimitsChange { memory_mib: Some(32_768), cpu_millis: Some(16_000) };
        let less = LimitsChange { memory_mib: Some(128), cpu_millis: None };
        plan.running.limits = [(web.clone(), more), (worker.clone(), less)].into();
        environment.settings.sleep_seconds = SleepSeconds(900);
        plan.running.sleep_seconds = Some(86_400);
        let content_of = |environment: &Environment, pull_request: Option<u64>| {
            let config = TakenConfig { pull_request, ..TakenConfig::default() };
            content(environment, plan.clone(), String::new(), config, None)
        };
        let preview = content_of(&environment, Some(7));
        assert_eq!(preview.limits_of(&web), given);
        assert_eq!(preview.sleep_seconds, SleepSeconds(900), "it sleeps as its hook says");
        assert_eq!(preview.limits_of(&worker), Limits { memory_mib: 128, ..given });
        let instances = |content: &ReleaseContent| [&web, &worker].map(|of| content.formation.instances(of));
        assert_eq!(instances(&preview), [1, 0]);
        // Elsewhere the files of a project may, as far as the operator lets them.
        let production = content_of(&environment, None);
        assert_eq!((production.limits_of(&web).memory_mib, instances(&production)), (32_768, [30, 0]));
        assert_eq!(production.sleep_seconds, SleepSeconds(86_400));
        // So may somebody who scales the preview itself.
        environment.settings.formation.0.insert(web.clone(), 3);
        assert_eq!(instances(&content_of(&environment, Some(7))), [3, 0]);
    }
}
