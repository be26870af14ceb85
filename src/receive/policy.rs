//! `pre-receive`: whether a push may begin. Refusals cost nothing: no reference has moved, git drops the objects.

use super::options::PushOptions;
use super::protocol::{HookCall, MAX_COMMANDS, RefCommand, too_many_commands};
use super::{Push, Receiver};
use crate::git::ObjectKind;
use crate::model::name::{BranchName, CommitId};
use crate::model::time::now;
use crate::store::StoreError;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const SHALLOW: &str =
    "This clone is shallow: its history is cut off. Run `git fetch --unshallow`, then push again.";

impl Receiver {
    /// Checks a whole push.
    ///
    /// # Errors
    /// A sentence or two for the pusher: what is wrong and what to do.
    pub(super) async fn check(&self, push: &Push, call: &HookCall) -> Result<(), String> {
        // Asked again: it may have been deleted after this push has begun.
        let project = self.store.project(push.project.id).await.map_err(|error| match error {
            StoreError::NotFound => format!("The project {} was deleted.", push.project.slug),
            error => unavailable(&error),
        })?;
        if let Some(why) = project.why_not_in_service(now()) {
            return Err(why);
        }
        if call.commands.len() > MAX_COMMANDS {
            return Err(too_many_commands());
        }
        let options = PushOptions::parse(&call.options)?;
        for command in &call.commands {
            check_reference(command)?;
        }
        let mut deploys = false;
        for command in &call.commands {
            deploys |= self.check_branch(push, command).await?;
        }
        // First: it is cheap, and bounds what is looked at then.
        self.check_number(push, call).await?;
        check_objects(push, call).await?;
        if deploys && !options.no_deploy && !options.dry_run {
            self.check_engine().await?;
        }
        Ok(())
    }

    /// Refuses to delete a branch that an environment follows; answers whether the branch is one.
    async fn check_branch(&self, push: &Push, command: &RefCommand) -> Result<bool, String> {
        let Some(branch) = BranchName::from_reference(&command.reference) else { return Ok(false) };
        let environment = self
            .patiently(|| self.store.environment_following(push.project.id, &branch))
            .await
            .map_err(|error| unavailable(&error))?;
        let Some(environment) = environment else { return Ok(false) };
        if command.deletes() {
            return Err(format!(
                "The environment {} follows `{branch}`, so the branch cannot be deleted. Let the environment follow another branch, or none: PATCH /api/environments/{}:{} {{\"branch\": null}}.",
                environment.name, push.project.slug, environment.name
            ));
        }
        Ok(true)
    }

    async fn check_number(&self, push: &Push, call: &HookCall) -> Result<(), String> {
        let created = call.commands.iter().filter(|command| command.creates()).count();
        if created == 0 {
            return Ok(());
        }
        let (repository, most) = (push.repository.clone(), self.max_references);
        let counting = tokio::task::spawn_blocking(move || repository.count_references(most));
        match counting.await {
            Ok(Ok(count)) if count.saturating_add(created) <= most => Ok(()),
            Ok(Ok(_)) => Err(format!(
                "The repository would have more than {most} branches, tags and notes. Delete some, or push fewer."
            )),
            Ok(Err(error)) => Err(unreadable(&error)),
            Err(error) => Err(unreadable(&error)),
        }
    }

    async fn check_engine(&self) -> Result<(), String> {
        match self.engine.info().await {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn Error,
                    "a push was refused: the engine does not answer"
                );
                Err(format!("{error} Nothing was changed; push again when it runs."))
            }
        }
    }
}

fn check_reference(command: &RefCommand) -> Result<(), String> {
    let reference = &command.reference;
    if let Some(name) = reference.strip_prefix("refs/heads/") {
        return name.parse::<BranchName>().map(|_| ()).map_err(|error| error.to_string());
    }
    if reference.starts_with("refs/tags/") || reference.starts_with("refs/notes/") {
        return Ok(());
    }
    Err(format!(
        "Only branches, tags and notes are taken here, not `{}`.",
        crate::model::name::shown(reference)
    ))
}

/// git itself refuses a shallow push only after the hooks have run, and an object that is no commit only when
/// it moves the branch: too late for a deployment.
async fn check_objects(push: &Push, call: &HookCall) -> Result<(), String> {
    let (repository, quarantine) = (push.repository.clone(), call.quarantine.clone());
    let commands = call.commands.clone();
    let is_wanted = Arc::new(AtomicBool::new(true));
    let go_on = is_wanted.clone();
    let checked = tokio::task::spawn_blocking(move || {
        let quarantine = quarantine.as_deref();
        let brought: Vec<(CommitId, &RefCommand)> = commands
            .iter()
            .filter(|command| !command.deletes())
            .filter_map(|command| Some((command.new.parse().ok()?, command)))
            .collect();
        let ids = brought.iter().map(|(id, _)| id);
        let kinds = repository.object_kinds(ids, quarantine).map_err(|error| unreadable(&error))?;
        for ((_, command), kind) in brought.iter().zip(kinds) {
            if let Some(branch) = BranchName::from_reference(&command.reference) {
                check_commit(&branch, kind)?;
            }
        }
        let ids = brought.iter().map(|(id, _)| id);
        let go_on = || go_on.load(Ordering::Relaxed);
        if repository.receives_shallow() && !repository.are_complete(ids, quarantine, go_on).unwrap_or(false)
        {
            return Err(SHALLOW.to_owned());
        }
        Ok(())
    });
    tokio::select! {
        checked = checked => checked.unwrap_or_else(|error| Err(unreadable(&error))),
        () = push.hung_up() => {
            is_wanted.store(false, Ordering::Relaxed);
            Err("The pusher is gone.".to_owned())
        }
    }
}

/// A branch points at a commit: there is nothing to deploy in anything else.
fn check_commit(branch: &BranchName, kind: Option<ObjectKind>) -> Result<(), String> {
    let what = match kind {
        Some(ObjectKind::Commit) => return Ok(()),
        Some(ObjectKind::Tag) => {
            return Err(format!(
                "A branch points at a commit, and `{branch}` was to point at an annotated tag. \
                 Push the commit behind it: `git push gilgal 'TAG^{{commit}}:{branch}'`."
            ));
        }
        Some(ObjectKind::Tree) => "a tree",
        Some(ObjectKind::Blob) => "a file",
        None => "an object that was not sent",
    };
    Err(format!("A branch points at a commit, and `{branch}` was to point at {what}. Push a commit."))
}

fn unreadable(error: &(dyn Error + 'static)) -> String {
    tracing::error!(error, "a push was refused: the repository cannot be read");
    "The repository cannot be read. Nothing was changed; tell the operator of this server.".to_owned()
}

/// What the pusher is told when the database does not answer.
pub(super) fn unavailable(error: &(dyn Error + 'static)) -> String {
    tracing::error!(error, "a push was refused: the database does not answer");
    "The server's database does not answer. Nothing was changed; push again in a while.".to_owned()
}
