//! Fetching the commits of submodules, where somebody has asked for them (`docs/decisions/0161`).

use super::remote::FAILED;
use super::seconds;
use crate::deploy::Deployer;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::run::Run;
use crate::git::{Pin, Repository, Submodule};
use crate::model::elsewhere::FetchExtras;
use crate::model::environment::Environment;
use crate::model::name::CommitId;
use crate::model::origin::Origin;
use crate::model::remote_host::RemoteHost;
use crate::model::repository_url::RepositoryUrl;
use std::collections::{BTreeMap, VecDeque};
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
    /// When one of them cannot be fetched, or may not be, or all of them take too long.
    pub(super) async fn fetch_submodules(&self, run: &Run) -> Result<(), StepError> {
        if !self.extras(run).await?.submodules {
            return Ok(());
        }
        let repository = self.repository(run)?;
        if submodules_of(&repository, run.deployment.commit.clone()).await?.is_empty() {
            return Ok(());
        }
        let patience = self.elsewhere.timeout;
        let fetching = Box::pin(self.fetch_levels(run, &repository));
        let fetched = tokio::time::timeout(patience, fetching).await.unwrap_or_else(|_elapsed| {
            let sentence = format!(
                "The submodules were not fetched within {} seconds (GILGAL_FETCH_TIMEOUT_SECONDS).",
                patience.as_secs()
            );
            Err(Failure::new(FAILED, sentence).advise("Try again: those that have come are kept.").into())
        });
        fetched.map(drop)
    }

    /// Fetches those that are not here; answers with the commit of each and where it is from, by its path.
    pub(super) async fn fetch_levels(
        &self,
        run: &Run,
        repository: &Repository,
    ) -> Result<BTreeMap<String, (CommitId, Option<RepositoryUrl>)>, StepError> {
        let home = self.home(run).await?;
        let commit = run.deployment.commit.clone();
        let mut levels =
            VecDeque::from([Level { commit, base: home.clone(), path: String::new(), depth: 0 }]);
        let (mut found, mut most_bytes) = (BTreeMap::new(), self.elsewhere.most_bytes);
        // One path may be said twice.
        let mut count = 0;
        while let Some(level) = levels.pop_front() {
            for submodule in submodules_of(repository, level.commit.clone()).await? {
                count += 1;
                let path = format!("{}{}", level.path, submodule.path);
                if count > MOST || level.depth >= DEEPEST {
                    let sentence = format!(
                        "A project has {MOST} submodules at most, {DEEPEST} in each other: {path} is one more."
                    );
                    return Err(Failure::new(FAILED, sentence).into());
                }
                // Also of what is here: another environment may have fetched it from where this one may not.
                let url = url_of(&path, &submodule.url, level.base.as_ref())?;
                if let Some(url) = &url {
                    self.check_host(run, &named(&path), (url, home.as_ref())).await?;
                }
                if !is_here(repository, submodule.commit.clone()).await? {
                    let url = url.as_ref().ok_or_else(|| {
                        not_fetched(
                            &path,
                            "its URL is relative, and it is not known where the project comes from",
                        )
                        .advise(
                            "Write its whole URL into .gitmodules, or connect the project to its repository.",
                        )
                    })?;
                    let arrived =
                        self.fetch_submodule(run, &path, (url, &submodule.commit), most_bytes).await?;
                    most_bytes = most_bytes.saturating_sub(arrived);
                }
                found.insert(path.clone(), (submodule.commit.clone(), url.clone()));
                let (commit, path) = (submodule.commit, format!("{path}/"));
                levels.push_back(Level { commit, base: url, path, depth: level.depth + 1 });
            }
        }
        Ok(found)
    }

    /// What is fetched for a deployment beside its commit. Nothing for what a stranger has sent: it would say what, and the
    /// credentials of the project would be told.
    pub(super) async fn extras(&self, run: &Run) -> Result<FetchExtras, StepError> {
        let extras = run.environment.settings.fetch.clone();
        if !extras.submodules && !extras.large_files {
            return Ok(FetchExtras::default());
        }
        Ok(if self.is_of_a_fork(run).await? { FetchExtras::default() } else { extras })
    }

    /// The repository that the commit of a deployment comes from: the one that it was fetched from, or that the project is
    /// connected to. `None` where it is connected to none.
    ///
    /// # Errors
    /// When it is connected to several.
    pub(super) async fn home(&self, run: &Run) -> Result<Option<RepositoryUrl>, StepError> {
        if let Some(Origin::Repository { url, .. }) = &run.deployment.options.origin {
            return Ok(Some(url.clone()));
        }
        let hooks = self.store.hooks(run.project.id).await?;
        let mut connected = hooks.into_iter().filter(|hook| hook.enabled).map(|hook| hook.repository);
        let first = connected.next();
        let place = |url: &RepositoryUrl| (url.remote(), url.name().to_lowercase());
        if let Some(first) = &first
            && let Some(other) = connected.find(|other| place(other) != place(first))
        {
            let sentence = format!(
                "The project is connected to {first} and to {other}: it is not known from which of them its commit comes."
            );
            return Err(Failure::new(FAILED, sentence)
                .advise("Deploy it from one of them, or switch off the hooks of the others.")
                .into());
        }
        Ok(first)
    }

    /// Refuses to fetch something from a host that nobody has named.
    pub(super) async fn check_host(
        &self,
        run: &Run,
        what: &str,
        (url, home): (&RepositoryUrl, Option<&RepositoryUrl>),
    ) -> Result<(), StepError> {
        let host = url.remote().ok_or_else(|| refused(what, "its URL names no host"))?;
        let is_home = home.and_then(RepositoryUrl::remote).as_ref() == Some(&host);
        if is_home || run.environment.settings.fetch.hosts.contains(&host) {
            return Ok(());
        }
        let why = format!("it is at {host}, which is another host than that of the project");
        let failure = refused(what, &why);
        let own = asked_for(run, &run.environment, &host);
        let Some(preview) = self.store.preview_of(run.environment.id).await? else {
            return Err(failure.advise(format!("If it may be fetched from there, say so: {own}.")).into());
        };
        let base = self.store.base_environment(run.project.id, preview.base().as_ref()).await?;
        let failure = base.into_iter().fold(failure, |failure, base| {
            let asked = asked_for(run, &base, &host);
            failure.advise(format!(
                "If it may be fetched from there in what previews are made like, say so: {asked}."
            ))
        });
        Err(failure.advise(format!("For this preview, which is made already: {own}.")).into())
    }

    /// Fetches one, of so many bytes at most; answers with how many have come.
    async fn fetch_submodule(
        &self,
        run: &Run,
        path: &str,
        (url, commit): (&RepositoryUrl, &CommitId),
        most_bytes: u64,
    ) -> Result<u64, StepError> {
        let begun = Instant::now();
        if most_bytes == 0 {
            let most = self.elsewhere.most_bytes >> 20;
            let why = format!("the others have {most} MiB together already (GILGAL_MAX_PUSH_MIB)");
            return Err(not_fetched(path, &why)
                .advise("Deploy it again: those that have come are kept.")
                .into());
        }
        run.step(&format!("Fetching submodule {path} of {url}"));
        let Ok(reference) = commit.as_str().parse() else {
            return Err(Failure::new(FAILED, format!("The submodule {path} names no commit.")).into());
        };
        let repository = self.repository(run)?;
        let before = packed_bytes(&repository).await?;
        let pin = Pin::Submodule(commit.clone());
        let fetched = self.fetch_from(run, url, (Some(reference), pin), most_bytes).await?;
        if fetched != *commit {
            let sentence = format!("The submodule {path} names what is no commit.");
            return Err(Failure::new(FAILED, sentence).into());
        }
        run.detail(&format!("{} in {}", commit.short(), seconds(begun.elapsed())));
        Ok(packed_bytes(&repository).await?.saturating_sub(before))
    }
}

/// Where a submodule is. `None`: it is said relative to what is not known.
fn url_of(path: &str, said: &str, base: Option<&RepositoryUrl>) -> Result<Option<RepositoryUrl>, Failure> {
    if said.starts_with("./") || said.starts_with("../") {
        let Some(base) = base else { return Ok(None) };
        return base.joined(said).map(Some).ok_or_else(|| not_fetched(path, "its URL leads out of its host"));
    }
    let url = said.parse::<RepositoryUrl>();
    url.map(Some).map_err(|error| not_fetched(path, error.to_string().trim_end_matches('.')))
}

fn not_fetched(path: &str, why: &str) -> Failure {
    refused(&named(path), why)
}

fn named(path: &str) -> String {
    format!("The submodule {path}")
}

fn refused(what: &str, why: &str) -> Failure {
    Failure::new(FAILED, format!("{what} cannot be fetched: {why}."))
}

/// How somebody lets what an environment gets from elsewhere be on one more host: `fetch` is replaced as a whole.
fn asked_for(run: &Run, environment: &Environment, host: &RemoteHost) -> String {
    let mut fetch = environment.settings.fetch.clone();
    fetch.submodules |= !fetch.large_files;
    if !fetch.hosts.contains(host) {
        fetch.hosts.push(host.clone());
    }
    let body = serde_json::json!({ "fetch": fetch });
    format!("PATCH /api/environments/{}:{} {body}", run.project.slug, environment.name)
}

async fn packed_bytes(repository: &Repository) -> Result<u64, StepError> {
    let repository = repository.clone();
    let counted = tokio::task::spawn_blocking(move || repository.packed_bytes()).await;
    Ok(counted.map_err(|error| Failure::new("server failed", error.to_string()))?)
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
