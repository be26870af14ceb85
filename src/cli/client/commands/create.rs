//! `gilgal create`

use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::failure::Failure;
use crate::cli::client::refusal::parse;
use crate::git::WorkTree;
use crate::model::name::Slug;
use crate::model::title::Title;
use crate::wire::project::ProjectBody;
use serde_json::json;
use std::fs;
use std::path::Path;

/// Creates a project and adds its remote, unless none is wanted.
pub(super) async fn create(
    context: &Context,
    name: Option<Title>,
    slug: Option<Slug>,
    remote: Option<&str>,
) -> Result<Answer, Failure> {
    let name = name.map_or_else(name_of_this_folder, Ok)?;
    let mut body = json!({ "name": name });
    if let Some(slug) = slug {
        body["slug"] = json!(slug);
    }
    let json = context.api.post("/api/projects", &body).await?;
    let ProjectBody { slug, url, git_url, .. } = parse(json.clone())?;
    let mut lines = vec![format!("Created {slug}, to be served at {url}")];
    let tree = remote.and_then(|remote| Some((remote, WorkTree::discover(Path::new("."))?)));
    let mut notice = None;
    match tree {
        None => lines.push(format!("Push to {git_url}")),
        Some((remote, tree)) => match tree.add_remote(remote, &git_url) {
            Ok(true) => {
                lines.push(format!("Added the git remote {remote}: {git_url}"));
                let branch = tree.branch().filter(|branch| branch != "main");
                let branch = branch.map_or_else(|| "main".to_owned(), |branch| format!("{branch}:main"));
                lines.push(format!("Deploy it: git push {remote} {branch}"));
            }
            Ok(false) => {
                lines.push(format!("Push to {git_url}"));
                notice = Some(format!(
                    "warning: this repository has a remote {remote} already. To point it at the new project:\n         \
                     git remote set-url {remote} {git_url}"
                ));
            }
            Err(reason) => {
                lines.push(format!("Push to {git_url}"));
                notice = Some(format!("warning: the git remote {remote} was not added: {reason}"));
            }
        },
    }
    let answer = Answer::new(lines.join("\n"), json);
    Ok(match notice {
        Some(notice) => answer.with_notice(notice),
        None => answer,
    })
}

fn name_of_this_folder() -> Result<Title, Failure> {
    let folder = fs::canonicalize(".").ok();
    let name = folder.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()).ok_or_else(|| {
        Failure::usage("The name of this folder is no name for a project.")
            .with_hint("Give it one: gilgal create NAME")
    })
}
