//! `gilgal hooks`

use crate::cli::client::answer::Answer;
use crate::cli::client::arguments::{HooksAction, PreviewOptions, Switch};
use crate::cli::client::context::Context;
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::project::Project;
use crate::cli::client::prompt;
use crate::cli::client::refusal::parse;
use crate::cli::client::table::Table;
use crate::model::feedback::{FeedbackApi, FeedbackPart};
use crate::model::time::{age, now};
use crate::wire::hook::{HookBody, HookDeliveryBody, OutcomeBody};
use crate::wire::list::List;
use crate::wire::preview::PreviewSettingsBody;
use serde_json::{Value, json};

/// Characters at the end of an id that tell it from others; its beginning is a time.
const SHORT: usize = 8;

pub(super) async fn run(
    context: &Context,
    project: &Project,
    action: Option<HooksAction>,
) -> Result<Answer, Failure> {
    match action {
        None | Some(HooksAction::List) => list(context, project).await,
        Some(HooksAction::Deliveries { hook, limit }) => {
            let hook = find(context, project, hook.as_deref()).await?;
            deliveries(context, &hook, limit).await
        }
        Some(HooksAction::Redeliver { delivery, hook }) => {
            let hook = find(context, project, hook.as_deref()).await?;
            redeliver(context, &hook, &delivery).await
        }
        Some(HooksAction::Rotate { hook, overlap, signing_token }) => {
            let hook = find(context, project, hook.as_deref()).await?;
            if signing_token {
                take(context, &hook, overlap).await
            } else {
                rotate(context, &hook, overlap).await
            }
        }
        Some(HooksAction::Previews { hook, options }) => {
            let hook = find(context, project, hook.as_deref()).await?;
            previews(context, &hook, options).await
        }
        Some(HooksAction::Set { hook, feedback, wait_for_checks }) => {
            let hook = find(context, project, hook.as_deref()).await?;
            set(context, &hook, feedback, wait_for_checks).await
        }
        Some(HooksAction::Disable { hook }) => {
            let hook = find(context, project, hook.as_deref()).await?;
            switch(context, &hook, false).await
        }
        Some(HooksAction::Enable { hook }) => {
            let hook = find(context, project, hook.as_deref()).await?;
            switch(context, &hook, true).await
        }
        Some(HooksAction::Remove { hook }) => {
            let hook = find(context, project, hook.as_deref()).await?;
            context.api.delete(&path(&hook)).await?;
            let screen = format!("Removed the hook of {}. Remove it there too.", hook.repository);
            Ok(Answer::new(screen, json!({ "id": hook.id })))
        }
    }
}

async fn all(context: &Context, project: &Project) -> Result<Vec<Value>, Failure> {
    let path = format!("/api/projects/{}/hooks", project.body.slug);
    Ok(parse::<List<Value>>(context.api.get(&path).await?)?.data)
}

async fn list(context: &Context, project: &Project) -> Result<Answer, Failure> {
    let hooks = all(context, project).await?;
    let columns = ["ID", "PROVIDER", "REPOSITORY", "TAGS", "PREVIEWS", "STATE", "FEEDBACK", "REFUSED"];
    let mut table = Table::new(&columns);
    let mut notices = Vec::new();
    for hook in &hooks {
        let hook: HookBody = parse(hook.clone())?;
        if let Some(error) = &hook.feedback_error {
            notices.push(format!("Feedback to {}: {error}", hook.repository));
        }
        let told = feedback(&hook);
        let state = if hook.enabled { "enabled" } else { "disabled" };
        table.row([
            short(&hook.id.to_string()),
            hook.provider.as_str().to_owned(),
            hook.repository.to_string(),
            hook.tag_environment.map_or_else(|| "-".to_owned(), |name| name.to_string()),
            hook.previews.map_or_else(|| "-".to_owned(), |previews| previews.most.to_string()),
            state.to_owned(),
            told.to_owned(),
            hook.refused_at.map_or_else(|| "-".to_owned(), |at| format!("{} ago", age(at, now()))),
        ]);
    }
    let empty = "The project is connected to no repository. Connect it: gilgal connect github ORG/REPO";
    let answer = Answer::table(&table, context.screen.width, empty, Value::Array(hooks));
    Ok(notices.into_iter().fold(answer, Answer::with_notice))
}

const fn feedback(hook: &HookBody) -> &'static str {
    match (hook.feedback, hook.feedback_error.is_some()) {
        (false, _) => "off",
        (true, false) => "on",
        (true, true) => "failing",
    }
}

async fn deliveries(context: &Context, hook: &HookBody, limit: u16) -> Result<Answer, Failure> {
    let path = format!("{}/deliveries?limit={limit}", path(hook));
    let deliveries = parse::<List<Value>>(context.api.get(&path).await?)?.data;
    let mut table = Table::new(&["ID", "RECEIVED", "EVENT", "OUTCOME", "WHAT"]);
    for delivery in &deliveries {
        let delivery: HookDeliveryBody = parse(delivery.clone())?;
        table.row([
            short(&delivery.id.to_string()),
            format!("{} ago", age(delivery.received_at, now())),
            delivery.event.clone(),
            word(delivery.outcome).to_owned(),
            what(&delivery),
        ]);
    }
    let empty = "Nothing has come yet that was signed with the secret.";
    Ok(Answer::table(&table, context.screen.width, empty, Value::Array(deliveries)))
}

async fn redeliver(context: &Context, hook: &HookBody, named: &str) -> Result<Answer, Failure> {
    let all = context.api.get_all(&format!("{}/deliveries?", path(hook))).await?;
    let mut found = Vec::new();
    for json in all {
        let delivery: HookDeliveryBody = parse(json)?;
        if delivery.id.to_string().ends_with(named) {
            found.push(delivery.id);
        }
    }
    let hint = "`gilgal hooks deliveries` lists them.";
    let id = match (found.pop(), found.is_empty()) {
        (Some(id), true) => id,
        (None, _) => {
            let missing = Failure::new(format!("There is no delivery {named}.")).with_hint(hint);
            return Err(missing.with_exit(Exit::Missing));
        }
        (Some(_), false) => {
            return Err(Failure::usage(format!("Several deliveries end with {named}.")).with_hint(hint));
        }
    };
    let json = context.api.post(&format!("{}/deliveries/{id}/redeliver", path(hook)), &Value::Null).await?;
    let delivery: HookDeliveryBody = parse(json.clone())?;
    let screen = match delivery.deployment_id {
        Some(deployment) => {
            format!("Deployment {deployment} does it. Its log: gilgal logs -f -d {deployment}")
        }
        None => what(&delivery),
    };
    Ok(Answer::new(screen, json))
}

/// Only the secret itself on standard output, so that it can be put into a file.
async fn rotate(context: &Context, hook: &HookBody, overlap: u32) -> Result<Answer, Failure> {
    let body = json!({ "overlap_seconds": overlap });
    let json = context.api.post(&format!("{}/rotate", path(hook)), &body).await?;
    let secret = json.get("secret").and_then(Value::as_str).unwrap_or_default().to_owned();
    let told =
        format!("This is the only time that the secret is shown. Enter it at {}:", hook.provider.shown());
    Ok(Answer::new(secret, json).with_notice(told))
}

/// Lets the provider sign with what it has made itself.
async fn take(context: &Context, hook: &HookBody, overlap: u32) -> Result<Answer, Failure> {
    let provider = hook.provider.shown();
    let token = prompt::secret(&format!("Signing token of {provider}: "))?;
    let body = json!({ "overlap_seconds": overlap, "signing_token": token.expose().trim() });
    let json = context.api.post(&format!("{}/rotate", path(hook)), &body).await?;
    let screen = format!(
        "What {provider} signs with this token is taken. The secret until now is too, for {overlap} seconds: \
         remove it there."
    );
    Ok(Answer::new(screen, json))
}

async fn set(
    context: &Context,
    hook: &HookBody,
    feedback: Option<Switch>,
    waits: Option<Switch>,
) -> Result<Answer, Failure> {
    let is_on = |switch: Switch| switch == Switch::On;
    let (feedback, waits) = (feedback.map(is_on), waits.map(is_on));
    let mut change = json!({});
    let mut lines = Vec::new();
    let provider = hook.provider.shown();
    if let Some(is_on) = feedback {
        change["feedback"] = json!(is_on);
        lines.push(if is_on {
            format!("{provider} is told what becomes of each commit. How that goes: gilgal webhooks")
        } else {
            format!("{provider} is told nothing any more.")
        });
    }
    if let Some(is_on) = waits {
        change["wait_for_checks"] = json!(is_on);
        lines.push(if is_on {
            "What is pushed is deployed once the checks of its commit have succeeded.".to_owned()
        } else {
            "What is pushed is deployed at once.".to_owned()
        });
    }
    let json = context.api.patch(&path(hook), &change).await?;
    let answer = Answer::new(lines.join("\n"), json);
    let part = match (feedback, waits) {
        (Some(true), _) => FeedbackPart::Status,
        (_, Some(true)) => FeedbackPart::Checks,
        (_, _) => return Ok(answer),
    };
    let Ok(api) = FeedbackApi::of(hook.provider, &hook.repository) else { return Ok(answer) };
    let needed = part.permissions(hook.provider);
    Ok(answer
        .with_notice(format!("A credential for {} is needed, which has {needed}: docs/hooks.md", api.host)))
}

async fn switch(context: &Context, hook: &HookBody, enabled: bool) -> Result<Answer, Failure> {
    let json = context.api.patch(&path(hook), &json!({ "enabled": enabled })).await?;
    let then = if enabled { "starts deployments" } else { "starts nothing" };
    Ok(Answer::new(format!("What comes from {} {then}.", hook.repository), json))
}

/// Changes how previews are made; what is not said stays, or is as usual.
async fn previews(context: &Context, hook: &HookBody, options: PreviewOptions) -> Result<Answer, Failure> {
    let PreviewOptions { off, most, days, sleep } = options;
    let usual = hook.previews.unwrap_or_default();
    let wanted = (!off).then(|| PreviewSettingsBody {
        most: most.unwrap_or(usual.most),
        days: days.unwrap_or(usual.days),
        sleep_seconds: sleep.unwrap_or(usual.sleep_seconds),
    });
    let json = context.api.patch(&path(hook), &json!({ "previews": wanted })).await?;
    let screen = match wanted {
        Some(PreviewSettingsBody { most, days, sleep_seconds: _ }) => format!(
            "A pull request to {} gets a preview: {most} at most, each for {days} days after its last push.\n\
             {} has to tell of pull requests too: docs/previews.md says how.",
            hook.repository,
            hook.provider.shown()
        ),
        None => format!("Pull requests to {} get no previews; those that there are go.", hook.repository),
    };
    Ok(Answer::new(screen, json))
}

/// The hook that is meant: the one whose id ends so, or the only one.
async fn find(context: &Context, project: &Project, named: Option<&str>) -> Result<HookBody, Failure> {
    let mut found = Vec::new();
    for json in all(context, project).await? {
        let hook: HookBody = parse(json)?;
        if named.is_none_or(|end| hook.id.to_string().ends_with(end)) {
            found.push(hook);
        }
    }
    let hint = "`gilgal hooks` lists them.";
    match (found.pop(), found.is_empty()) {
        (Some(hook), true) => Ok(hook),
        (None, _) => {
            let missing = match named {
                Some(named) => Failure::new(format!("There is no hook {named}.")).with_hint(hint),
                None => Failure::new("The project is connected to no repository.")
                    .with_hint("Connect it: gilgal connect github ORG/REPO"),
            };
            Err(missing.with_exit(Exit::Missing))
        }
        (Some(_), false) => Err(Failure::usage("Which hook? There are several.").with_hint(hint)),
    }
}

fn path(hook: &HookBody) -> String {
    format!("/api/hooks/{}", hook.id)
}

fn short(id: &str) -> String {
    id.chars().skip(id.len().saturating_sub(SHORT)).collect()
}

const fn word(outcome: OutcomeBody) -> &'static str {
    match outcome {
        OutcomeBody::Deployed => "deployed",
        OutcomeBody::Pong => "pong",
        OutcomeBody::PreviewRemoved => "removed",
        OutcomeBody::Skipped => "skipped",
    }
}

/// What became of a delivery, in a sentence.
fn what(delivery: &HookDeliveryBody) -> String {
    match (&delivery.deployment_id, &delivery.message) {
        (Some(deployment), _) => format!("deployment {}", short(&deployment.to_string())),
        (None, Some(message)) => message.clone(),
        (None, None) => "-".to_owned(),
    }
}
