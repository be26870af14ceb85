//! Whether a push changes anything of what its project watches.

use super::{Push, Receiver, Terminal};
use crate::buildpack::project_file::Watch;
use crate::git::Repository;
use crate::model::environment::Environment;
use crate::model::log::Stream;
use crate::model::name::{BranchName, CommitId};

impl Receiver {
    /// Whether there is nothing to deploy, which is then said: something is live, and no file that `build.watch` of
    /// `gilgal.toml` names differs from it. What cannot be told is deployed.
    pub(super) async fn has_nothing_to_deploy(
        &self,
        push: &Push,
        environment: &Environment,
        branch: &BranchName,
        commit: &CommitId,
        terminal: &Terminal,
    ) -> bool {
        let Ok(Some(release)) = self.patiently(|| self.store.current_release(environment.id)).await else {
            return false;
        };
        let Some(live) = release.commit else { return false };
        let (repository, commit, from) = (push.repository.clone(), commit.clone(), live.clone());
        let same = live == commit;
        let root = environment.settings.root.as_ref().map(ToString::to_string).unwrap_or_default();
        let relevant =
            tokio::task::spawn_blocking(move || is_relevant(&repository, &root, &from, &commit)).await;
        // Pushing what is live again is asking for it.
        if same || relevant.unwrap_or(true) {
            return false;
        }
        terminal.show(Stream::Step, "Nothing to deploy").await;
        terminal
            .detail(&format!(
                "No file that `build.watch` names differs from v{} ({}), which is live.",
                release.version,
                live.short()
            ))
            .await;
        let place = environment.name.shown_of(&push.project.slug);
        let redeploy = self.address.ssh_command(&format!("redeploy {place}"));
        terminal.detail(&format!("`{branch}` is stored. Deploy it all the same: {redeploy}")).await;
        true
    }
}

fn is_relevant(repository: &Repository, root: &str, live: &CommitId, pushed: &CommitId) -> bool {
    let Ok(tree) = repository.tree(pushed) else { return true };
    let Ok(Some(watch)) = Watch::of(&tree, root) else { return true };
    match repository.changed_paths(live, pushed) {
        Ok(changed) => changed.iter().any(|path| watch.matches(path)),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "two commits were not compared");
            true
        }
    }
}
