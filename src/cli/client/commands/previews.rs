//! `gilgal previews`

use crate::cli::client::answer::Answer;
use crate::cli::client::arguments::PreviewsAction;
use crate::cli::client::context::Context;
use crate::cli::client::deployment;
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::project::Project;
use crate::cli::client::refusal::parse;
use crate::cli::client::table::Table;
use crate::model::name::CommitId;
use crate::model::preview::PreviewState;
use crate::model::time::{age, now};
use crate::wire::deployment::DeploymentBody;
use crate::wire::list::List;
use crate::wire::preview::PreviewBody;
use serde_json::{Value, json};

pub(super) async fn run(
    context: &Context,
    project: &Project,
    action: Option<PreviewsAction>,
) -> Result<Answer, Failure> {
    match action {
        None | Some(PreviewsAction::List) => list(context, project).await,
        Some(PreviewsAction::Approve { number, commit }) => approve(context, project, number, &commit).await,
        Some(PreviewsAction::Remove { number }) => {
            context.api.delete(&format!("{}/{number}", path(project))).await?;
            let screen = format!("Removing the preview of {number}. The next push to it makes it again.");
            Ok(Answer::new(screen, json!({ "number": number })))
        }
    }
}

async fn all(context: &Context, project: &Project) -> Result<Vec<Value>, Failure> {
    Ok(parse::<List<Value>>(context.api.get(&path(project)).await?)?.data)
}

async fn list(context: &Context, project: &Project) -> Result<Answer, Failure> {
    let previews = all(context, project).await?;
    let mut waiting = Vec::new();
    let mut table = Table::new(&["NUMBER", "TITLE", "BRANCH", "COMMIT", "STATE", "URL", "LEFT"]);
    for json in &previews {
        let preview: PreviewBody = parse(json.clone())?;
        if let (PreviewState::WaitsForApproval, Some(commit)) = (preview.state, &preview.commit) {
            let (number, commit) = (preview.number, named(commit));
            waiting.push(format!("Once you have looked at it: gilgal previews approve {number} {commit}"));
        }
        table.row([
            preview.number.to_string(),
            preview.title,
            preview.branch,
            preview.commit.as_ref().map_or("-", CommitId::short).to_owned(),
            word(preview.state).to_owned(),
            if preview.environment_id.is_some() { preview.url } else { "-".to_owned() },
            age(now(), preview.expires_at),
        ]);
    }
    let empty = "No pull request has a preview. `gilgal hooks previews` switches them on.";
    let answer = Answer::table(&table, context.screen.width, empty, Value::Array(previews));
    Ok(waiting.into_iter().fold(answer, Answer::with_notice))
}

/// Digits of a commit that have to be named: commits can be made until some more begin like another one.
const DIGITS: usize = 16;

/// Approves the commit that was named: the one that somebody has looked at, and not whatever it is at by now.
async fn approve(context: &Context, project: &Project, number: u64, commit: &str) -> Result<Answer, Failure> {
    if commit.len() < DIGITS {
        let short = format!("{commit} is too short: a stranger can make commits until one begins so.");
        let hint = format!(
            "Name {DIGITS} digits of the commit that you have looked at, as `gilgal previews` shows them."
        );
        return Err(Failure::new(short).with_hint(hint).with_exit(Exit::Usage));
    }
    let hint = "`gilgal previews` lists them.";
    let mut found = None;
    for json in all(context, project).await? {
        let preview: PreviewBody = parse(json)?;
        found = found.or(Some(preview).filter(|preview| preview.number == number));
    }
    let config = found.as_ref().map(|preview| preview.config.clone()).unwrap_or_default();
    let Some(head) = found.and_then(|preview| preview.commit) else {
        let missing = Failure::new(format!("Pull request {number} waits for no approval.")).with_hint(hint);
        return Err(missing.with_exit(Exit::Missing));
    };
    if !head.as_str().starts_with(&commit.to_lowercase()) {
        let moved = format!("Pull request {number} is at {} now, not at {commit}.", named(&head));
        return Err(Failure::new(moved).with_hint("Look at that commit, and approve it."));
    }
    let json =
        context.api.post(&format!("{}/{number}/approve", path(project)), &json!({ "commit": head })).await?;
    let DeploymentBody { id, .. } = parse(json.clone())?;
    let screen = format!(
        "Let {} of pull request {number} in. Follow it: gilgal deployments attach {}",
        head.short(),
        deployment::short(id)
    );
    let answer = Answer::new(screen, json);
    if config.is_empty() {
        return Ok(answer);
    }
    let config: Vec<String> = config.iter().map(ToString::to_string).collect();
    Ok(answer.with_notice(format!("It gets the config vars {}.", config.join(", "))))
}

fn path(project: &Project) -> String {
    format!("/api/projects/{}/previews", project.body.slug)
}

/// A commit, by as many digits as an approval needs.
fn named(commit: &CommitId) -> &str {
    commit.as_str().get(..DIGITS).unwrap_or(commit.as_str())
}

const fn word(state: PreviewState) -> &'static str {
    match state {
        PreviewState::WaitsForApproval => "waits for approval",
        PreviewState::Open => "open",
        PreviewState::Closing => "closing",
    }
}
