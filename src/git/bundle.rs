//! A repository as one file (gitformat-bundle(5)): every reference, and every object that one leads to.
//!
//! git reads the references at one moment and then what they lead to, so that a push or a packing that goes on meanwhile
//! does not tear it; a copy of the folder's files would be torn.

use super::process::GitProcess;
use super::repository::{GitError, Repository};
use super::service::{FRUGAL, Invocation, PRIVATE, environment};
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// Time that one repository may take: a pack of gigabytes, on a slow disk.
const LONGEST: Duration = Duration::from_hours(2);
/// Time that git gets to clean up when it is stopped.
const GRACE: Duration = Duration::from_secs(5);

impl Repository {
    /// Writes the repository into a file at an absolute path; an empty file stands for one without references, of which
    /// git makes no bundle. Answers whether git ended well.
    ///
    /// # Errors
    /// When the file cannot be made, or git not be started.
    pub async fn bundle(&self, path: &Path) -> Result<bool, GitError> {
        if self.git2()?.references()?.next().is_none() {
            File::create(path)?;
            return Ok(true);
        }
        self.run(&["bundle", "create", "--quiet"], path, &["--all"]).await
    }

    /// Takes what [`Repository::bundle`] has written. Answers whether git ended well.
    ///
    /// # Errors
    /// When the file cannot be read, or git not be started.
    pub async fn unbundle(&self, path: &Path) -> Result<bool, GitError> {
        if path.metadata()?.len() == 0 {
            return Ok(true);
        }
        let options = ["fetch", "--quiet", "--no-auto-maintenance", "--no-write-fetch-head"];
        self.run(&options, path, &["+refs/*:refs/*"]).await
    }

    async fn run(&self, before: &[&str], path: &Path, after: &[&str]) -> Result<bool, GitError> {
        let path = path.display().to_string();
        let settings = [
            PRIVATE,
            "transfer.fsckObjects=true",
            "pack.threads=1",
            "pack.windowMemory=128m",
            "core.hooksPath=/dev/null",
        ];
        let settings = settings.into_iter().chain(FRUGAL).flat_map(|setting| ["-c", setting]);
        let words = before.iter().copied().chain([path.as_str()]).chain(after.iter().copied());
        let arguments = settings.chain(words).map(str::to_owned).collect();
        let invocation = Invocation { arguments, environment: environment(self) };
        let mut git = GitProcess::quietly(invocation, self)?;
        if let Ok(ended) = tokio::time::timeout(LONGEST, git.wait()).await {
            return Ok(ended? == 0);
        }
        git.end(GRACE).await;
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use crate::git::Repositories;
    use crate::model::id::{DeploymentId, ProjectId};
    use git2::Signature;

    #[tokio::test]
    async fn a_repository_comes_back_with_its_branches_and_pins() {
        let folder = tempfile::tempdir().unwrap();
        let repositories = Repositories::new(folder.path().to_owned());
        let repository = repositories.open_or_create(ProjectId::generate()).unwrap();
        let git = repository.git2().unwrap();
        let signature = Signature::now("Ada", "ada@example.com").unwrap();
        let tree = git.find_tree(git.treebuilder(None).unwrap().write().unwrap()).unwrap();
        let branch = git.commit(Some("refs/heads/main"), &signature, &signature, "x", &tree, &[]).unwrap();
        let pinned = git.commit(None, &signature, &signature, "y", &tree, &[]).unwrap();
        repository.pin(DeploymentId::generate(), &pinned.to_string().parse().unwrap()).unwrap();
        let file = folder.path().join("bundle");
        assert!(repository.bundle(&file).await.unwrap());

        let other = repositories.open_or_create(ProjectId::generate()).unwrap();
        assert!(other.unbundle(&file).await.unwrap());
        let restored = other.git2().unwrap();
        assert_eq!(restored.refname_to_id("refs/heads/main").unwrap(), branch);
        let references = |git: &git2::Repository| {
            let names =
                git.references().unwrap().map(|reference| reference.unwrap().name().unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(references(&restored), references(&git));
        assert!(restored.find_commit(pinned).is_ok());

        std::fs::write(&file, "no bundle").unwrap();
        assert!(!other.unbundle(&file).await.unwrap());
    }

    #[tokio::test]
    async fn an_empty_repository_is_an_empty_file() {
        let folder = tempfile::tempdir().unwrap();
        let repositories = Repositories::new(folder.path().to_owned());
        let repository = repositories.open_or_create(ProjectId::generate()).unwrap();
        let file = folder.path().join("bundle");
        assert!(repository.bundle(&file).await.unwrap());
        assert_eq!(file.metadata().unwrap().len(), 0);
        assert!(repository.unbundle(&file).await.unwrap());
    }
}
