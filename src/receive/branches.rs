//! `proc-receive`: what becomes of each branch of a push.

use super::options::PushOptions;
use super::policy::unavailable;
use super::protocol::{HookCall, RefCommand, Verdict};
use super::{Push, Receiver, Terminal};
use crate::buildpack::{self, DetectOptions};
use crate::model::deployment::{DeploymentOptions, DeploymentSource};
use crate::model::environment::Environment;
use crate::model::id::DeploymentId;
use crate::model::log::Stream;
use crate::model::name::{BranchName, CommitId};
use crate::model::pins::Pinned;
use crate::store::{Enqueued, Joined, NewDeployment, StoreError};

/// Said when the database went away while a deployment was queued.
const NOT_KNOWN: &str = "The server's database does not answer, so it is not known whether this was queued. \
                         Push the same commit again in a while: it attaches to the deployment if there is one.";

/// Said when the project was disabled after the push had begun.
const DISABLED: &str =
    "The project is disabled or being deleted: nothing is deployed to it. Ask the operator of this server.";

impl Receiver {
    /// Decides every branch of a push, one after the other: each has its own outcome.
    pub(super) async fn decide_branches(
        &self,
        push: &Push,
        call: &HookCall,
        terminal: &Terminal,
    ) -> Vec<Verdict> {
        let Ok(options) = PushOptions::parse(&call.options) else {
            return vec![Verdict::Refused("unknown push option".to_owned()); call.commands.len()];
        };
        let mut verdicts = Vec::with_capacity(call.commands.len());
        for command in &call.commands {
            let verdict = Box::pin(self.decide_branch(push, command, options, terminal)).await;
            verdicts.push(verdict.unwrap_or_else(Verdict::Refused));
        }
        verdicts
    }

    async fn decide_branch(
        &self,
        push: &Push,
        command: &RefCommand,
        options: PushOptions,
        terminal: &Terminal,
    ) -> Result<Verdict, String> {
        let Some(branch) = BranchName::from_reference(&command.reference) else {
            return Err("not a branch".to_owned());
        };
        let Ok(commit) = command.new.parse::<CommitId>() else { return Err("not a commit".to_owned()) };
        if command.deletes() {
            return Ok(Verdict::Accepted);
        }
        let following = self.patiently(|| self.store.environment_following(push.project.id, &branch));
        let environment = match following.await {
            Ok(environment) => environment,
            Err(error) => {
                terminal.notice(&unavailable(&error)).await;
                return Err("database away".to_owned());
            }
        };
        let Some(environment) = environment else {
            self.say_not_followed(push, &branch, terminal).await;
            return Ok(Verdict::Accepted);
        };
        if options.dry_run {
            Box::pin(self.show_plan(push, &environment, &commit, terminal)).await;
            return Err("dry run".to_owned());
        }
        if options.no_deploy {
            terminal.detail(&format!("`{branch}` is stored and not deployed, as asked.")).await;
            return Ok(Verdict::Accepted);
        }
        if self.has_nothing_to_deploy(push, &environment, &branch, &commit, terminal).await {
            return Ok(Verdict::Accepted);
        }
        // Can be asked twice: one that was queued although the answer was lost is found as the one that runs.
        let queued = self
            .patiently(|| self.deployment_for(push, &environment, &branch, command, commit.clone(), options));
        let deployment = match queued.await {
            Ok((deployment, is_new)) => {
                if !is_new {
                    terminal
                        .detail("This commit is being deployed already; here is its log from the first line.")
                        .await;
                }
                deployment
            }
            Err(StoreError::Disabled) => {
                terminal.notice(DISABLED).await;
                return Err("project disabled".to_owned());
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a deployment was not queued");
                terminal.notice(NOT_KNOWN).await;
                return Err("database away".to_owned());
            }
        };
        if options.detach {
            terminal.detail(&format!("Deployment {deployment} goes on without this push.")).await;
            return Ok(Verdict::Taken);
        }
        self.follow(push, &environment, deployment, terminal).await
    }

    /// The deployment that this push is about: the one that runs for the same commit, or a new one (`true`) in the queue.
    async fn deployment_for(
        &self,
        push: &Push,
        environment: &Environment,
        branch: &BranchName,
        command: &RefCommand,
        commit: CommitId,
        options: PushOptions,
    ) -> Result<(DeploymentId, bool), StoreError> {
        let new = NewDeployment {
            id: DeploymentId::generate(),
            project_id: push.project.id,
            environment_id: environment.id,
            commit,
            branch: Some(branch.clone()),
            previous_commit: command
                .old
                .parse()
                .ok()
                .filter(|_| !command.old.bytes().all(|byte| byte == b'0')),
            author: Some(push.user.id),
            source: DeploymentSource::Push,
            options: DeploymentOptions {
                no_cache: options.no_cache,
                move_branch: true,
                ..DeploymentOptions::default()
            },
        };
        let why = format!("superseded by {} of {}", new.commit.short(), push.user.username);
        Ok(match self.deployments.enqueue(new, &why).await? {
            Joined::Running(running) => (running.id, false),
            Joined::New(Enqueued { deployment, .. }) => (deployment.id, true),
        })
    }

    async fn say_not_followed(&self, push: &Push, branch: &BranchName, terminal: &Terminal) {
        let followed = self.store.environments_of(push.project.id).await.unwrap_or_default();
        let advice = followed.iter().find_map(|environment| {
            let target = environment.branch.as_ref()?;
            Some(format!("Deploy it to {} with `git push gilgal {branch}:{target}`.", environment.name))
        });
        let advice = advice.unwrap_or_else(|| "No environment follows a branch.".to_owned());
        terminal.detail(&format!("`{branch}` is stored; it is not deployed here. {advice}")).await;
    }

    async fn show_plan(
        &self,
        push: &Push,
        environment: &Environment,
        commit: &CommitId,
        terminal: &Terminal,
    ) {
        // Nothing is built by this plan: without the database it has the versions of today.
        let pins = self.store.pinned(environment.id).await.map(Pinned::pins).unwrap_or_default();
        let options = DetectOptions::of(&environment.settings).keeping(pins.versions);
        let (repository, commit, catalog) = (push.repository.clone(), commit.clone(), self.catalog.clone());
        let plan = tokio::task::spawn_blocking(move || {
            let tree = repository.tree(&commit).map_err(|error| vec![error.to_string()])?;
            let plan = catalog.detect(&tree, &options);
            plan.map_err(|refusal| [vec![refusal.to_string()], refusal.details()].concat())
        })
        .await;
        match plan {
            Ok(Ok(plan)) => {
                let explanation = buildpack::explain(&plan);
                terminal.show(Stream::Step, &explanation.heading).await;
                for line in explanation.details.iter().chain(&explanation.warnings) {
                    terminal.detail(line).await;
                }
                terminal.detail("Nothing was built and nothing was moved: this was a dry run.").await;
            }
            Ok(Err(lines)) => {
                for line in lines {
                    terminal.notice(&line).await;
                }
            }
            Err(error) => tracing::error!(%error, "a plan was not made"),
        }
    }
}
