//! Which project a command is about: the one that is named, or the one that this folder is pushed to.

use super::api::Api;
use super::failure::{Exit, Failure};
use super::refusal::parse;
use crate::git::{Remote, WorkTree};
use crate::model::name::Slug;
use crate::wire::project::ProjectBody;
use serde_json::Value;
use std::path::Path;

/// The remote that `gilgal create` adds.
pub(super) const REMOTE: &str = "gilgal";

/// A project as the API shows it, whole and as its body.
#[derive(Debug, Clone)]
pub(super) struct Project {
    pub(super) body: ProjectBody,
    pub(super) json: Value,
}

/// Finds the project that is meant, at the server that is asked.
///
/// # Errors
/// When none is named and this folder has no remote of the server, or more than one; when the project is not there.
pub(super) async fn find(api: &Api, named: Option<&Slug>) -> Result<Project, Failure> {
    match named {
        Some(slug) => fetch(api, slug).await,
        None => from_remotes(api, &remotes()).await,
    }
}

fn remotes() -> Vec<Remote> {
    WorkTree::discover(Path::new(".")).map(|tree| tree.remotes()).unwrap_or_default()
}

async fn fetch(api: &Api, slug: &Slug) -> Result<Project, Failure> {
    match api.get(&format!("/api/projects/{slug}")).await {
        Ok(json) => Ok(Project { body: parse(json.clone())?, json }),
        Err(failure) if failure.exit == Exit::Missing && !failure.is_deleted => {
            Err(Failure::new(format!("There is no project {slug} at {}, or it is not yours.", api.server))
                .with_hint("`gilgal projects` lists yours; -p SLUG names another one.")
                .with_exit(Exit::Missing))
        }
        Err(failure) => Err(failure),
    }
}

/// The project of the remote `gilgal`, else of the only remote that points at the server.
async fn from_remotes(api: &Api, remotes: &[Remote]) -> Result<Project, Failure> {
    if let Some(remote) = remotes.iter().find(|remote| remote.name == REMOTE) {
        let Some(target) = Target::of(&remote.url) else {
            return Err(Failure::usage(format!(
                "The remote {REMOTE} points at {}, which is no project.",
                remote.url
            ))
            .with_hint("Name the project: -p SLUG"));
        };
        let project = fetch(api, &target.slug).await?;
        // The same slug on another server is another project: nothing is done to it by accident.
        if !target.is(&project) {
            return Err(Failure::usage(format!(
                "The remote {REMOTE} points at {}, but {} has its project {} at {}.",
                remote.url, api.server, target.slug, project.body.git_url
            ))
            .with_hint(format!("Name the server with --server, or the project with -p {}.", target.slug)));
        }
        return Ok(project);
    }
    let mut found: Vec<Project> = Vec::new();
    for target in remotes.iter().filter_map(|remote| Target::of(&remote.url)) {
        match fetch(api, &target.slug).await {
            Ok(project) if target.is(&project) => {
                if !found.iter().any(|known| known.body.id == project.body.id) {
                    found.push(project);
                }
            }
            // Most remotes have nothing to do with this server.
            Ok(_) => {}
            Err(failure) if failure.exit == Exit::Missing => {}
            Err(failure) => return Err(failure),
        }
    }
    match (found.pop(), found.is_empty()) {
        (Some(project), true) => Ok(project),
        (None, _) => Err(Failure::usage("Which project? No remote of this folder points at one.").with_hint(format!(
            "Name it with -p SLUG, make one with `gilgal create`, or add its remote: git remote add {REMOTE} URL"
        ))),
        (Some(project), false) => Err(Failure::usage(format!(
            "Which project? The remotes of this folder point at {} of them.",
            found.len() + 1
        ))
        .with_hint(format!("Name it: -p {}", project.body.slug))),
    }
}

/// What a URL of git points at, if it can be a project: the host as it is written, the port, the slug.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    host: String,
    port: u16,
    slug: Slug,
}

impl Target {
    /// Reads `ssh://git@host:2222/shop.git` and `git@host:shop.git`.
    fn of(url: &str) -> Option<Self> {
        let (authority, path) = match url.strip_prefix("ssh://") {
            Some(rest) => rest.split_once('/')?,
            None if url.contains("://") => return None,
            None => url.split_once(':')?,
        };
        let authority = authority.rsplit_once('@').map_or(authority, |(_, authority)| authority);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            Some(_) | None => (authority, 22),
        };
        let name = path.trim_start_matches('/').trim_end_matches('/');
        let slug = name.strip_suffix(".git").unwrap_or(name).parse().ok()?;
        Some(Self { host: host.to_ascii_lowercase(), port, slug })
    }

    /// Whether the server says that the project is pushed to there.
    fn is(&self, project: &Project) -> bool {
        Self::of(&project.body.git_url).is_some_and(|target| target == *self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_git_are_read_in_both_forms() {
        for (url, host, port, slug) in [
            ("ssh://git@host:2222/shop.git", "host", 2222, "shop"),
            ("ssh://Host.example/shop", "host.example", 22, "shop"),
            ("ssh://git@[::1]:2222/shop.git", "[::1]", 2222, "shop"),
            ("ssh://git@[::1]/shop.git/", "[::1]", 22, "shop"),
            ("git@host:shop.git", "host", 22, "shop"),
            ("host:/shop.git", "host", 22, "shop"),
        ] {
            let wanted = Target { host: host.to_owned(), port, slug: slug.parse().unwrap() };
            assert_eq!(Target::of(url), Some(wanted), "{url}");
        }
        for url in [
            "https://host/shop.git",
            "git@host:ada/shop.git",
            "../shop",
            "/srv/git/shop.git",
            "ssh://host:port/shop.git",
            "",
        ] {
            assert_eq!(Target::of(url), None, "{url}");
        }
    }
}
