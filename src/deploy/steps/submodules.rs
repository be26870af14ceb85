//! Fetching the commits of submodules, where somebody has asked for them (`docs/decisions/0161`).

use super::remote::FAILED;
use super::seconds;
use crate::deploy::Deployer;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::run::Run;
use crate::git::{Pin, Repository, Submodule};
use crate::model::elsewhere::FetchExtras;
use crate::model::name::CommitId;
use crate::model::origin::Origin;
use crate::model::repository_url::RepositoryUrl;
use std::collections::VecDeque;
use std::time::Instant;

/// Submodules of one deployment, with those of submodules.
const MOST: usize = 50;
/// How deep submodules may be in each other.
const DEEPEST: usize = 5;

/// A commit whose submodules are looked for.
struct Level {
    commit: CommitId,
    /// What URLs are relative to.
    base: Option<RepositoryUrl>,
    /// Where it is in the project, with a `/` behind it; empty for the project itself.
    path: String,
    depth: usize,
}

impl Deployer {
    /// Fetches the submodules of the commit that are not here yet.
    ///
    /// # Errors
    /// When one of them cannot be fetched, or may not be.
    pub(super) async fn fetch_submodules(&self, run: &Run) -> Result<(), StepError> {
        if !self.extras(run).await?.submodules {
            return Ok(());
        }
        let repository = self.repository(run)?;
        let home = self.home(run).await?;
        let commit = run.deployment.commit.clone();
        let mut levels =
            VecDeque::from([Level { commit, base: home.clone(), path: String::new(), depth: 0 }]);
        let mut count = 0;
        while let Some(level) = levels.pop_front() {
            for submodule in submodules_of(&repository, level.commit.clone()).await? {
                count += 1;
                let path = format!("{}{}", level.path, submodule.path);
                if count > MOST || level.depth >= DEEPEST {
                    let sentence = format!(
                        "A project has {MOST} submodules at most, {DEEPEST} in each other: {path} is one more."
                    );
                    return Err(Failure::new(FAILED, sentence).into());
                }
                let url = url_of(run, &path, &submodule.url, (level.base.as_ref(), home.as_ref()));
                // What was fetched before is not fetched again, whatever is known of where it was.
                if !is_here(&repository, submodule.commit.clone()).await? {
                    self.fetch_submodule(
                        run,
                        &path,
                        (url.as_ref().map_err(Clone::clone)?, &submodule.commit),
                    )
                    .await?;
                }
                let (commit, path) = (submodule.commit, format!("{path}/"));
                levels.push_back(Level { commit, base: url.ok(), path, depth: level.depth + 1 });
            }
        }
        Ok(())
    }

    /// What is fetched for a deployment beside its commit. Nothing for what a stranger has sent: it would say what, and the
    /// credentials of the project would be told.
    pub(super) async fn extras(&self, run: &Run) -> Result<FetchExtras, StepError> {
        let extras = run.environment.settings.fetch.clone();
        if !extras.submodules && !extras.large_files {
            return Ok(FetchExtras::default());
        }
        let preview = self.store.preview_of(run.environment.id).await?;
        Ok(if preview.is_some_and(|preview| preview.is_fork) { FetchExtras::default() } else { extras })
    }

    /// The repository that the commit of a deployment comes from: the one that it was fetched from, or that the project is
    /// connected to.
    pub(super) async fn home(&self, run: &Run) -> Result<Option<RepositoryUrl>, StepError> {
        if let Some(Origin::Repository { url, .. }) = &run.deployment.options.origin {
            return Ok(Some(url.clone()));
        }
        Ok(self.store.hooks(run.project.id).await?.into_iter().next().map(|hook| hook.repository))
    }

    async fn fetch_submodule(
        &self,
        run: &Run,
        path: &str,
        (url, commit): (&RepositoryUrl, &CommitId),
    ) -> Result<(), StepError> {
        let begun = Instant::now();
        run.step(&format!("Fetching submodule {path} of {url}"));
        let Ok(reference) = commit.as_str().parse() else {
            return Err(Failure::new(FAILED, format!("The submodule {path} names no commit.")).into());
        };
        let pin = Pin::Submodule(commit.clone());
        let fetched = self.fetch_from(run, url, Some(reference), pin).await?;
        if fetched != *commit {
            let sentence = format!("The submodule {path} names what is no commit.");
            return Err(Failure::new(FAILED, sentence).into());
        }
        run.detail(&format!("{} in {}", commit.short(), seconds(begun.elapsed())));
        Ok(())
    }
}

/// Where a submodule is, if it may be fetched from there.
fn url_of(
    run: &Run,
    path: &str,
    said: &str,
    (base, home): (Option<&RepositoryUrl>, Option<&RepositoryUrl>),
) -> Result<RepositoryUrl, Failure> {
    let failed = |why: &str| Failure::new(FAILED, format!("The submodule {path} cannot be fetched: {why}."));
    let is_relative = said.starts_with("./") || said.starts_with("../");
    let url = if is_relative {
        let base = base.ok_or_else(|| {
            failed("its URL is relative, and it is not known where the project comes from")
                .advise("Write its whole URL into .gitmodules, or connect the project to its repository.")
        })?;
        base.joined(said).ok_or_else(|| failed("its URL leads out of its host"))?
    } else {
        said.parse::<RepositoryUrl>().map_err(|error| failed(error.to_string().trim_end_matches('.')))?
    };
    let host = url.remote().ok_or_else(|| failed("its URL names no host"))?;
    let is_home = home.and_then(RepositoryUrl::remote).as_ref() == Some(&host);
    if is_home || run.environment.settings.fetch.hosts.contains(&host) {
        return Ok(url);
    }
    let environment = format!("{}:{}", run.project.slug, run.environment.name);
    Err(failed(&format!("it is at {host}, which is another host than that of the project")).advise(format!(
        "If it may be fetched from there, say so: PATCH /api/environments/{environment} {{\"fetch\": \
         {{\"submodules\": true, \"hosts\": [\"{host}\"]}}}}."
    )))
}

async fn submodules_of(repository: &Repository, commit: CommitId) -> Result<Vec<Submodule>, StepError> {
    let repository = repository.clone();
    let found = tokio::task::spawn_blocking(move || repository.submodules(&commit)).await;
    Ok(found.map_err(|error| Failure::new("server failed", error.to_string()))??)
}

async fn is_here(repository: &Repository, commit: CommitId) -> Result<bool, StepError> {
    let repository = repository.clone();
    let found = tokio::task::spawn_blocking(move || repository.has_submodule(&commit)).await;
    Ok(found.map_err(|error| Failure::new("server failed", error.to_string()))??)
}
