//! Fetching the files that Git LFS keeps elsewhere, where somebody has asked for them (`docs/decisions/0161`).

use super::{megabytes, seconds};
use crate::deploy::Deployer;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::run::Run;
use crate::git::{Included, Repository};
use crate::model::large_file::LargeFile;
use crate::model::name::CommitId;
use crate::model::plan::BuildPlan;
use crate::model::repository_url::{InvalidRepositoryUrl, RepositoryUrl, Scheme};
use crate::sources::{LargeFileError, LargeFiles, MOST_AT_ONCE, OpenCredential, Place};
use futures_util::{TryStreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::time::Instant;

/// Files that are downloaded at the same time.
const AT_ONCE: usize = 4;
/// The words behind the branch.
const FAILED: &str = "fetch failed";

impl Deployer {
    /// Fetches what pointers of the build stand for, as far as it is not here yet. Says what of elsewhere the build has.
    ///
    /// # Errors
    /// When one of the files cannot be had.
    pub(super) async fn fetch_included(&self, run: &Run, plan: &BuildPlan) -> Result<Included, StepError> {
        let extras = self.extras(run).await?;
        let mut included = Included { submodules: extras.submodules, large_files: false };
        if !extras.large_files {
            return Ok(included);
        }
        let repository = self.repository(run)?;
        let missing = self.not_here(run, plan, extras.submodules).await?;
        included.large_files = true;
        if missing.is_empty() {
            return Ok(included);
        }
        let (begun, patience) = (Instant::now(), self.elsewhere.timeout);
        let bytes = missing.values().flatten().fold(0_u64, |sum, file| sum.saturating_add(file.size()));
        self.check_size(bytes)?;
        let fetching = async {
            for (server, files) in self.large_file_servers(run, &repository, missing).await? {
                run.step(&format!("Fetching {} files of Git LFS from {}", files.len(), server.host()));
                self.fetch_large_files(run, &repository, &server, &files).await?;
            }
            Ok::<(), StepError>(())
        };
        tokio::time::timeout(patience, Box::pin(fetching)).await.unwrap_or_else(|_elapsed| {
            let sentence = format!(
                "The files of Git LFS were not fetched within {} seconds (GILGAL_FETCH_TIMEOUT_SECONDS).",
                patience.as_secs()
            );
            Err(Failure::new(FAILED, sentence).advise("Try again: those that have come are kept.").into())
        })?;
        run.detail(&format!("{} in {}", megabytes(bytes), seconds(begun.elapsed())));
        Ok(included)
    }

    /// The files that are pointers in the build and were not fetched before, by the submodule that they are in.
    async fn not_here(
        &self,
        run: &Run,
        plan: &BuildPlan,
        submodules: bool,
    ) -> Result<BTreeMap<String, BTreeSet<LargeFile>>, StepError> {
        let (repository, commit) = (self.repository(run)?, run.deployment.commit.clone());
        let (root, ignored) = (plan.root.clone(), plan.ignored());
        let looking = tokio::task::spawn_blocking(move || {
            let mut found = repository.large_files(&commit, (&root, submodules), &ignored)?;
            for files in found.values_mut() {
                files.retain(|file| repository.large_file(file).is_none());
            }
            found.retain(|_, files| !files.is_empty());
            Ok::<_, StepError>(found)
        });
        looking.await.map_err(|error| Failure::new("server failed", error.to_string()))?
    }

    /// Where files are asked for that are not here: each of the project, or of a submodule of it, at its own repository, or
    /// where its commit says.
    async fn large_file_servers(
        &self,
        run: &Run,
        repository: &Repository,
        missing: BTreeMap<String, BTreeSet<LargeFile>>,
    ) -> Result<Vec<(RepositoryUrl, BTreeSet<LargeFile>)>, StepError> {
        let home = self.home(run).await?;
        let mut places = BTreeMap::from([(String::new(), (run.deployment.commit.clone(), home.clone()))]);
        if missing.keys().any(|submodule| !submodule.is_empty()) {
            places.extend(self.fetch_levels(run, repository).await?);
        }
        let mut servers = Vec::new();
        for (submodule, files) in missing {
            let Some((commit, Some(url))) = places.get(&submodule) else {
                let sentence =
                    "The files of Git LFS are not here, and it is not known where the project comes from.";
                return Err(Failure::new(FAILED, sentence)
                    .advise("Connect the project to its repository, or deploy from that.")
                    .into());
            };
            let server = self.large_file_server(run, repository, commit, (url, home.as_ref())).await?;
            servers.push((server, files));
        }
        Ok(servers)
    }

    /// Where the files of a repository are asked for: where `.lfsconfig` says, if that host may be talked to.
    async fn large_file_server(
        &self,
        run: &Run,
        repository: &Repository,
        commit: &CommitId,
        (url, home): (&RepositoryUrl, Option<&RepositoryUrl>),
    ) -> Result<RepositoryUrl, StepError> {
        let (repository, commit) = (repository.clone(), commit.clone());
        let said = tokio::task::spawn_blocking(move || repository.large_files_url(&commit)).await;
        let said = said.map_err(|error| Failure::new("server failed", error.to_string()))??;
        let unknown = || Failure::new(FAILED, format!("{url} says of no host where files of Git LFS are."));
        let own = LargeFiles::server(url).ok_or_else(unknown)?;
        let Some(said) = said else { return Ok(own) };
        let refused = |error: InvalidRepositoryUrl| {
            let sentence =
                format!("The files of Git LFS cannot be fetched from where .lfsconfig says. {error}");
            Failure::new(FAILED, sentence)
        };
        let server: RepositoryUrl = said.parse().map_err(refused)?;
        if server.remote() != own.remote() {
            self.check_host(run, "What .lfsconfig names for the files of Git LFS", (&server, home)).await?;
        }
        Ok(match server.scheme() {
            Scheme::Https | Scheme::Http => server,
            Scheme::Ssh => LargeFiles::server(&server).ok_or_else(unknown)?,
        })
    }

    fn check_size(&self, bytes: u64) -> Result<(), Failure> {
        let room = self.elsewhere.room.check().map_err(|error| Failure::new(FAILED, error.to_string()))?;
        let most = self.elsewhere.most_bytes.min(room);
        if bytes <= most {
            return Ok(());
        }
        let (bytes, most) = (bytes.div_ceil(1 << 20), most >> 20);
        let sentence = format!(
            "The files of Git LFS have {bytes} MiB together, and {most} MiB are fetched at most (GILGAL_MAX_PUSH_MIB)."
        );
        Err(Failure::new(FAILED, sentence)
            .advise("Leave out what the build does not need, in .dockerignore, or ask the operator."))
    }

    async fn fetch_large_files(
        &self,
        run: &Run,
        repository: &Repository,
        server: &RepositoryUrl,
        missing: &BTreeSet<LargeFile>,
    ) -> Result<(), StepError> {
        let credential = self.credential_for(run, server).await?;
        let missing: Vec<LargeFile> = missing.iter().cloned().collect();
        // As credentials are kept for it.
        let host = &server.remote().map_or_else(|| server.host().to_owned(), String::from);
        let sources = &self.elsewhere.large_files;
        for files in missing.chunks(MOST_AT_ONCE) {
            let places = sources.places(server, credential.as_ref(), files).await;
            let places = places.map_err(|error| not_fetched(run, host, error))?;
            stream::iter(places.into_iter().map(Ok))
                .try_for_each_concurrent(AT_ONCE, |place| async move {
                    let fetched = self.fetch_large_file(repository, &place).await;
                    fetched.map_err(|error| not_fetched(run, host, error))
                })
                .await?;
        }
        Ok(())
    }

    async fn fetch_large_file(&self, repository: &Repository, place: &Place) -> Result<(), LargeFileError> {
        let arriving = repository.arriving()?;
        self.elsewhere.large_files.download(place, arriving.path()).await?;
        Ok(repository.keep_large_file(&arriving, &place.file)?)
    }

    /// Who a host is told that asks over HTTP.
    async fn credential_for(
        &self,
        run: &Run,
        url: &RepositoryUrl,
    ) -> Result<Option<OpenCredential>, StepError> {
        let Some(host) = url.remote() else { return Ok(None) };
        let found = self.elsewhere.sources.credential(run.project.id, &host).await?;
        run.log.also_mask(found.iter().map(|found| &found.password));
        Ok(found)
    }
}

fn not_fetched(run: &Run, host: &str, error: LargeFileError) -> StepError {
    let slug = &run.project.slug;
    let credentials = format!(
        "Set who the host is told that asks: PUT /api/projects/{slug}/credentials/{host} {{\"username\": …, \
         \"password\": …}}. A deploy key opens no file of Git LFS."
    );
    let failure = Failure::new(FAILED, error.to_string());
    match error {
        LargeFileError::CredentialsRefused(_) | LargeFileError::None(_) => failure.advise(credentials),
        LargeFileError::NotThere { .. } | LargeFileError::Another(_) => {
            failure.advise("Push it there: git lfs push --all origin.")
        }
        LargeFileError::Unanswered(_) | LargeFileError::NotSent { .. } => failure.advise("Try again later."),
        LargeFileError::Io(error) => {
            tracing::error!(error = &error as &dyn Error, "a file of Git LFS was not written");
            failure
        }
    }
    .into()
}
