//! Keeping repositories small: what a push brings lies about as single files and small packs until it is packed.

use super::Repository;
use super::process::{GitProcess, SpawnError};
use std::time::Duration;

/// Time that packing one repository may take; what it has done by then is thrown away, and tried again later.
const LONGEST: Duration = Duration::from_mins(30);
/// Time that git gets to clean up when it is stopped.
const GRACE: Duration = Duration::from_secs(5);

impl Repository {
    /// Packs the repository if it needs it: `git gc --auto`, with one thread and little memory.
    ///
    /// What a reference leads to stays, the pins of deployments included, and so does everything that came in the last
    /// two weeks: pushes go on meanwhile. Answers whether git ended well.
    ///
    /// # Errors
    /// When git cannot be started.
    pub async fn maintain(&self) -> Result<bool, SpawnError> {
        let mut git = GitProcess::maintain(self)?;
        if let Ok(ended) = tokio::time::timeout(LONGEST, git.wait()).await {
            return Ok(ended.is_ok_and(|code| code == 0));
        }
        git.end(GRACE).await;
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use crate::git::Repositories;
    use crate::model::id::{DeploymentId, ProjectId};
    use crate::model::name::CommitId;
    use git2::Signature;

    #[tokio::test]
    async fn many_small_files_become_a_pack_and_pins_stay() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let git = repository.git2().unwrap();
        let signature = Signature::now("Ada", "ada@example.com").unwrap();
        let mut commits: Vec<CommitId> = Vec::new();
        // git guesses the number of loose objects from the folder `17`: of 27 or more there, it packs (gc.auto = 6700).
        for number in 0..9000 {
            let blob = git.blob(format!("{number}").as_bytes()).unwrap();
            if number % 1000 == 0 {
                let mut tree = git.treebuilder(None).unwrap();
                tree.insert("file", blob, 0o100_644).unwrap();
                let tree = git.find_tree(tree.write().unwrap()).unwrap();
                let commit = git.commit(None, &signature, &signature, "x", &tree, &[]).unwrap();
                commits.push(commit.to_string().parse().unwrap());
                repository.pin(DeploymentId::generate(), commits.last().unwrap()).unwrap();
            }
        }
        let packs = || std::fs::read_dir(repository.path().join("objects/pack")).unwrap().count();
        assert_eq!(packs(), 0);
        assert!(repository.maintain().await.unwrap());
        assert!(packs() > 0);
        for commit in &commits {
            assert!(repository.tree_id(commit, "", &[]).is_ok());
        }
    }
}
