//! `gilgal status`

use super::project::shown;
use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::project::find;
use crate::cli::client::refusal::parse;
use crate::cli::client::table::facts;
use crate::model::name::Slug;
use crate::wire::account::UserBody;
use crate::wire::system::{ReadyBody, VersionBody};
use serde_json::{Value, json};

/// How the server is, who is logged in, and the project that is meant, where one is.
pub(super) async fn status(context: &Context, named: Option<&Slug>) -> Result<Answer, Failure> {
    let server = &context.api.server;
    // Also whoever is not logged in wants to know whether it runs.
    let VersionBody { version, .. } = parse(context.api.ask("/version").await?)?;
    let ReadyBody { ready, checks } = parse(context.api.ask("/ready").await?)?;
    let account = match context.api.get("/api/auth/me").await {
        Ok(json) => Some(parse::<UserBody>(json)?),
        Err(failure) if failure.exit == Exit::Denied => None,
        Err(failure) => return Err(failure),
    };
    let who = account.as_ref().map_or_else(|| "not logged in".to_owned(), |user| user.username.to_string());
    let mut lines = vec![
        ("server", server.to_string()),
        ("version", version.clone()),
        ("state", if ready { "takes deployments" } else { "cannot deploy at the moment" }.to_owned()),
        ("account", who),
    ];
    let wrong = checks.iter().filter(|check| !check.ok);
    lines.extend(wrong.map(|check| (check.name.as_str(), check.reason.clone().unwrap_or_default())));
    let mut screen = facts(&lines);
    let project = match &account {
        None => None,
        Some(_) => match find(&context.api, named).await {
            Ok(project) => Some(project),
            // No project is named, here or there: then it is not about one.
            Err(failure) if named.is_none() && failure.exit == Exit::Usage => None,
            Err(failure) => return Err(failure),
        },
    };
    if let Some(project) = &project {
        screen.push('\n');
        screen.push_str(&shown(&project.body));
    }
    let json = json!({
        "server": server,
        "version": version,
        "ready": ready,
        "checks": checks,
        "account": account,
        "project": project.map_or(Value::Null, |project| project.json),
    });
    let exit = if ready { Exit::Done } else { Exit::Unreachable };
    Ok(Answer::new(screen, json).with_exit(exit))
}
