//! Fetching the commit of a deployment from another repository.

use super::{copy_lines, seconds};
use crate::deploy::Deployer;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::run::Run;
use crate::git::{Access, Fetch, FetchError, FetchReport, GitError, Pin, Repository};
use crate::model::name::CommitId;
use crate::model::origin::Origin;
use crate::model::repository_url::{ReferenceName, RepositoryUrl, Scheme};
use std::time::Instant;
use tokio::sync::mpsc;

/// Lines of a fetch that may wait for the journal.
const LINES_AHEAD: usize = 64;
/// The words behind the branch of a fetch that has failed.
pub(super) const FAILED: &str = "fetch failed";

impl Deployer {
    /// Fetches the commit, where the deployment is made from another repository and has not done so yet.
    pub(super) async fn fetch_remote(&self, run: &mut Run) -> Result<(), StepError> {
        let Some(Origin::Repository { url, reference, only }) = run.deployment.options.origin.clone() else {
            return Ok(());
        };
        if run.deployment.commit.is_known() {
            return Ok(());
        }
        let begun = Instant::now();
        let wanted = reference.as_ref().map_or("HEAD", ReferenceName::as_str).to_owned();
        run.step(&format!("Fetching {wanted} of {url}"));
        let pin = Pin::Deployment(run.deployment.id);
        let commit = self.fetch_from(run, &url, (reference, pin), self.elsewhere.most_bytes).await?;
        run.detail(&format!("{} in {}", commit.short(), seconds(begun.elapsed())));
        let commit = match only {
            Some(only) if only != commit => {
                let repository = self.own_repository(run).await?;
                self.keep_checked(run, (&url, &wanted), (&only, &commit), repository).await?;
                only
            }
            Some(_) | None => commit,
        };
        self.store.set_deployment_commit(run.deployment.id, &commit).await?;
        run.deployment.previous_commit = Some(commit.clone());
        run.deployment.commit = commit;
        Ok(())
    }

    /// Fetches a commit of so many bytes at most from another repository into that of the project.
    pub(super) async fn fetch_from(
        &self,
        run: &Run,
        url: &RepositoryUrl,
        wanted: (Option<ReferenceName>, Pin),
        most_bytes: u64,
    ) -> Result<CommitId, StepError> {
        let report = self.fetch_commit(run, url, wanted, most_bytes).await?;
        if let (Some(keys), Some(host)) = (&report.host_keys, url.remote()) {
            self.elsewhere.sources.note_host_keys(run.project.id, &host, keys).await?;
            run.detail(&format!("The keys of {host} are noted: it was never fetched from before"));
        }
        match report.outcome {
            Ok(commit) => Ok(commit),
            Err(error) => Err(self.not_fetched(run, url, error).await?.into()),
        }
    }

    async fn fetch_commit(
        &self,
        run: &Run,
        url: &RepositoryUrl,
        (reference, pin): (Option<ReferenceName>, Pin),
        most_bytes: u64,
    ) -> Result<FetchReport, StepError> {
        let refused = |error: &dyn std::error::Error| Failure::new(FAILED, error.to_string());
        let outbound = &self.elsewhere.outbound;
        outbound.check_scheme(url.scheme()).map_err(|error| refused(&error))?;
        let addresses = outbound.resolve(url.host(), url.port()).await.map_err(|error| refused(&error))?;
        let room = self.elsewhere.room.check().map_err(|error| refused(&error))?;
        let access = self.access(run, url).await?;
        let repository = self.own_repository(run).await?;
        let fetch = Fetch {
            url: url.clone(),
            reference,
            pin,
            addresses,
            access,
            most_bytes: most_bytes.min(room),
            timeout: self.elsewhere.timeout,
            certificates: self.elsewhere.certificates.clone(),
        };
        let (sender, receiver) = mpsc::channel(LINES_AHEAD);
        let (report, ()) = tokio::join!(
            repository.fetch(fetch, sender),
            copy_lines(receiver, |line: String| run.build_line(&line))
        );
        Ok(report?)
    }

    /// The repository of the project, made where there was never anything in it.
    async fn own_repository(&self, run: &Run) -> Result<Repository, StepError> {
        let (repositories, project) = (self.repositories.clone(), run.project.id);
        let opened = tokio::task::spawn_blocking(move || repositories.open_or_create(project)).await;
        Ok(opened.unwrap_or_else(|panic| Err(GitError::from(std::io::Error::other(panic))))?)
    }

    /// Who the host is told that asks.
    async fn access(&self, run: &Run, url: &RepositoryUrl) -> Result<Access, StepError> {
        let (sources, project, host) = (&self.elsewhere.sources, run.project.id, url.remote());
        match url.scheme() {
            Scheme::Https | Scheme::Http => {
                let Some(host) = host else { return Ok(Access::Anonymous) };
                let Some(found) = sources.credential(project, &host).await? else {
                    return Ok(Access::Anonymous);
                };
                run.log.also_mask([&found.password]);
                Ok(Access::Password { username: found.username, password: found.password })
            }
            Scheme::Ssh => {
                let key = sources.deploy_key(project).await?;
                let private_key = sources.open_deploy_key(project, &key)?;
                let host_keys = match &host {
                    Some(host) => sources.host_keys(project, host).await?,
                    None => None,
                };
                let alias = host.map_or_else(|| url.host().to_owned(), |host| host.to_string());
                let program = self.elsewhere.ssh_program.clone();
                Ok(Access::Key { private_key, alias, host_keys, program })
            }
        }
    }

    /// The failure of a fetch, with what to do about it.
    async fn not_fetched(
        &self,
        run: &Run,
        url: &RepositoryUrl,
        error: FetchError,
    ) -> Result<Failure, StepError> {
        let failure = Failure::new(FAILED, error.to_string());
        let (project, host) = (&run.project.slug, url.remote().map(String::from).unwrap_or_default());
        let credentials = format!(
            "If it is private, set who the host is told that asks: PUT /api/projects/{project}/credentials/{host} \
             {{\"username\": …, \"password\": …}}."
        );
        Ok(match error {
            FetchError::CredentialsRefused => failure.advise(credentials),
            FetchError::NotFound { .. } => {
                let failure = failure.advise("Check the URL.");
                if url.scheme() == Scheme::Ssh { failure } else { failure.advise(credentials) }
            }
            FetchError::KeyRefused => {
                let key = self.elsewhere.sources.deploy_key(run.project.id).await?;
                failure.advise(format!("Add this key to the repository, for reading: {}", key.public_key))
            }
            FetchError::HostKeyChanged => failure.advise(format!(
                "If the host was set up anew, and whoever runs it says so, forget the old keys: DELETE \
                 /api/projects/{project}/known-hosts/{host}. If not, somebody else may answer in its place."
            )),
            FetchError::Moved { to: Some(to) } => {
                failure.advise(format!("Deploy from {} instead.", shown(&to)))
            }
            FetchError::Moved { to: None } => failure.advise("Look where it is now."),
            FetchError::NoSuchReference { .. } | FetchError::NoCommit => {
                failure.advise("Name a branch, a tag, or the full id of a commit that a branch leads to.")
            }
            FetchError::Empty => failure.advise("Push something to it first."),
            FetchError::TooLarge { .. } => failure.advise(
                "Deploy an archive of its files, which has none of its history, or ask the operator.",
            ),
            FetchError::FileByFile => failure.advise("Use a URL of a git server: over https or ssh."),
            FetchError::GitTooOld { .. } => failure,
            FetchError::TimedOut { .. } => failure.advise("Try again, or ask the operator."),
            // They have been shown already.
            FetchError::Other { last_lines } => failure
                .having_shown(last_lines)
                .advise("Check the URL, and that the host answers; then deploy it again."),
        })
    }
}

/// The address that a redirect names, as another repository would be named: what git asks for behind it is left out.
fn shown(location: &str) -> String {
    const LONGEST: usize = 200;
    let location = location.split("/info/refs").next().unwrap_or(location);
    location.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_redirect_is_shown_as_the_repository_that_it_leads_to() {
        let location = "https://h.example/new/place.git/info/refs?service=git-upload-pack";
        assert_eq!(shown(location), "https://h.example/new/place.git");
        assert_eq!(shown("https://h\u{1b}[31m.example/x"), "https://h[31m.example/x");
    }
}
