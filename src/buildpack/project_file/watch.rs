//! Which pushes matter to a project: those that change a path that it watches.

use super::{PATH, Project};
use crate::buildpack::refusal::Refusal;
use crate::model::source::SourceTree;
use globset::{Glob, GlobSet, GlobSetBuilder};

/// The paths that a project watches.
#[derive(Debug)]
pub struct Watch(GlobSet);

impl Watch {
    /// What `build.watch` names in the project below a root; `None` where it names nothing: every push matters.
    ///
    /// # Errors
    /// When `gilgal.toml` cannot be used. The deployment will say why.
    pub fn of(tree: &dyn SourceTree, root: &str) -> Result<Option<Self>, Refusal> {
        let project = Project::read(tree, root)?;
        let patterns = &project.file.build.watch;
        if patterns.is_empty() {
            return Ok(None);
        }
        // The file itself says how to build and run: a change of it matters always.
        let own = [PATH, project.path.as_str()];
        let mut set = GlobSetBuilder::new();
        for pattern in patterns.iter().map(super::GlobPattern::as_str).chain(own) {
            // Every pattern was tried when the file was read.
            set.add(Glob::new(pattern).map_err(|error| Refusal::BrokenFile {
                path: project.path.clone(),
                reason: error.to_string(),
            })?);
        }
        let set = set
            .build()
            .map_err(|error| Refusal::BrokenFile { path: project.path.clone(), reason: error.to_string() })?;
        Ok(Some(Self(set)))
    }

    /// Whether a path, seen from the top of the repository, is one of them.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}
