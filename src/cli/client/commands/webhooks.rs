//! `gilgal webhooks`

use crate::cli::client::answer::Answer;
use crate::cli::client::arguments::WebhooksAction;
use crate::cli::client::context::Context;
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::project::Project;
use crate::cli::client::refusal::parse;
use crate::cli::client::table::Table;
use crate::model::id::WebhookId;
use crate::model::time::{age, now};
use crate::model::webhook::{DeliveryState, EventKind, WebhookFormat};
use crate::wire::list::List;
use crate::wire::webhook::{DeliveryBody, WebhookBody};
use serde_json::{Value, json};

/// Characters of an id that are shown: its end, which is random.
const SHOWN: usize = 8;

pub(super) async fn run(
    context: &Context,
    project: &Project,
    action: Option<WebhooksAction>,
) -> Result<Answer, Failure> {
    match action {
        None | Some(WebhooksAction::List) => list(context, project).await,
        Some(WebhooksAction::Add { target, format, events }) => {
            add(context, project, &target, format, &events).await
        }
        Some(WebhooksAction::Remove { webhook }) => remove(context, project, &webhook).await,
        Some(WebhooksAction::Enable { webhook }) => enable(context, project, &webhook).await,
        Some(WebhooksAction::Test { webhook }) => test(context, project, webhook.as_deref()).await,
        Some(WebhooksAction::Deliveries { webhook, limit }) => {
            deliveries(context, project, webhook.as_deref(), limit).await
        }
        Some(WebhooksAction::Redeliver { webhook, delivery }) => {
            redeliver(context, project, &webhook, &delivery).await
        }
        Some(WebhooksAction::Rotate { webhook, overlap }) => {
            rotate(context, project, &webhook, overlap).await
        }
    }
}

async fn all(context: &Context, project: &Project) -> Result<Vec<Value>, Failure> {
    let path = format!("/api/webhooks?project={}", project.body.slug);
    Ok(parse::<List<Value>>(context.api.get(&path).await?)?.data)
}

async fn list(context: &Context, project: &Project) -> Result<Answer, Failure> {
    let webhooks = all(context, project).await?;
    let mut table = Table::new(&["ID", "FORMAT", "LEADS TO", "STATE", "EVENTS"]);
    let mut notices = Vec::new();
    for webhook in &webhooks {
        let webhook: WebhookBody = parse(webhook.clone())?;
        let (id, leads_to) = (end(&webhook.id.to_string()), target(&webhook).to_owned());
        if let Some(reason) = &webhook.disabled_reason {
            notices.push(format!("{id} is disabled. {reason} Begin anew: gilgal webhooks enable {id}"));
        }
        let events = webhook.events.as_ref().map_or_else(|| "all".to_owned(), |events| words(events));
        table.row([id, webhook.format.as_str().to_owned(), leads_to, state(&webhook), events]);
    }
    let empty = "There are no webhooks. Make one: gilgal webhooks add URL";
    let answer = Answer::table(&table, context.screen.width, empty, Value::Array(webhooks));
    Ok(notices.into_iter().fold(answer, Answer::with_notice))
}

fn words(events: &[EventKind]) -> String {
    events.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

fn target(webhook: &WebhookBody) -> &str {
    webhook.url.as_deref().or(webhook.to.as_deref()).unwrap_or_default()
}

fn state(webhook: &WebhookBody) -> String {
    match (webhook.enabled, webhook.failing_since, webhook.last_success_at) {
        (false, ..) => "disabled".to_owned(),
        (true, Some(since), _) => format!("failing for {}", age(since, now())),
        (true, None, Some(at)) => format!("told {} ago", age(at, now())),
        (true, None, None) => "not told yet".to_owned(),
    }
}

async fn add(
    context: &Context,
    project: &Project,
    target: &str,
    format: WebhookFormat,
    events: &[EventKind],
) -> Result<Answer, Failure> {
    let field = if format == WebhookFormat::Email { "to" } else { "url" };
    let mut body = json!({ "project": project.body.slug, "format": format });
    body[field] = json!(target);
    if !events.is_empty() {
        body["events"] = json!(events);
    }
    let json = context.api.post("/api/webhooks", &body).await?;
    let webhook: WebhookBody = parse(json.clone())?;
    let id = end(&webhook.id.to_string());
    let next = format!("Added {id}. Try it: gilgal webhooks test {id}");
    Ok(match json.get("secret").and_then(Value::as_str) {
        // Only the secret on standard output, so that it can be put into a file.
        Some(secret) => Answer::new(secret.to_owned(), json.clone())
            .with_notice(next)
            .with_notice("This is the only time that the secret is shown:"),
        None => Answer::new(next, json),
    })
}

async fn remove(context: &Context, project: &Project, named: &str) -> Result<Answer, Failure> {
    let webhook = find(context, project, Some(named)).await?;
    context.api.delete(&path(webhook.id, "")).await?;
    let screen =
        format!("Removed {}: {} is told nothing any more.", end(&webhook.id.to_string()), target(&webhook));
    Ok(Answer::new(screen, json!({ "id": webhook.id })))
}

async fn enable(context: &Context, project: &Project, named: &str) -> Result<Answer, Failure> {
    let webhook = find(context, project, Some(named)).await?;
    let json = context.api.patch(&path(webhook.id, ""), &json!({ "enabled": true })).await?;
    Ok(Answer::new(format!("{} is told what happens from now on.", target(&webhook)), json))
}

async fn test(context: &Context, project: &Project, named: Option<&str>) -> Result<Answer, Failure> {
    let webhook = find(context, project, named).await?;
    let json = context.api.post(&path(webhook.id, "/test"), &json!({})).await?;
    let id = end(&webhook.id.to_string());
    let screen = format!(
        "A test is on its way to {}. See how it went: gilgal webhooks deliveries {id}",
        target(&webhook)
    );
    Ok(Answer::new(screen, json))
}

async fn deliveries(
    context: &Context,
    project: &Project,
    named: Option<&str>,
    limit: u16,
) -> Result<Answer, Failure> {
    let webhook = find(context, project, named).await?;
    let page = context.api.get(&path(webhook.id, &format!("/deliveries?limit={limit}"))).await?;
    let data = parse::<List<Value>>(page)?.data;
    let mut table = Table::new(&["ID", "EVENT", "STATE", "TRIES", "ANSWER", "TOOK", "WHEN"]);
    for delivery in &data {
        let delivery: DeliveryBody = parse(delivery.clone())?;
        let answer = match (delivery.response_status, &delivery.error) {
            (_, Some(error)) => error.clone(),
            (Some(status), None) => status.to_string(),
            (None, None) => "-".to_owned(),
        };
        let state = match (delivery.status, delivery.next_attempt_at) {
            (DeliveryState::Pending, Some(at)) if at > now() && delivery.attempts > 0 => {
                format!("again in {}", age(now(), at))
            }
            (state, _) => state.as_str().to_owned(),
        };
        let took = delivery.duration_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        let at = delivery.attempted_at.unwrap_or(delivery.created_at);
        table.row([
            end(&delivery.id.to_string()),
            delivery.kind.as_str().to_owned(),
            state,
            delivery.attempts.to_string(),
            answer,
            took,
            format!("{} ago", age(at, now())),
        ]);
    }
    Ok(Answer::table(&table, context.screen.width, "It was told nothing yet.", Value::Array(data)))
}

async fn redeliver(
    context: &Context,
    project: &Project,
    named: &str,
    delivery: &str,
) -> Result<Answer, Failure> {
    let webhook = find(context, project, Some(named)).await?;
    let page = context.api.get(&path(webhook.id, "/deliveries?limit=100")).await?;
    let mut found = Vec::new();
    for json in parse::<List<Value>>(page)?.data {
        let known: DeliveryBody = parse(json)?;
        if is_meant(&known.id.to_string(), delivery) {
            found.push(known.id);
        }
    }
    // One that is further back is known by its whole id.
    let id = match (found.pop(), found.is_empty()) {
        (Some(id), true) => id.to_string(),
        (Some(_), false) => return Err(Failure::usage(format!("Several deliveries end in {delivery}."))),
        (None, _) => delivery.to_owned(),
    };
    let json =
        context.api.post(&path(webhook.id, &format!("/deliveries/{id}/redeliver")), &json!({})).await?;
    Ok(Answer::new(format!("{} is told again.", target(&webhook)), json))
}

async fn rotate(context: &Context, project: &Project, named: &str, overlap: u32) -> Result<Answer, Failure> {
    let webhook = find(context, project, Some(named)).await?;
    let body = json!({ "overlap_seconds": overlap });
    let json = context.api.post(&path(webhook.id, "/rotate"), &body).await?;
    let secret = json.get("secret").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Answer::new(secret, json).with_notice("This is the only time that the secret is shown:"))
}

fn path(id: WebhookId, rest: &str) -> String {
    format!("/api/webhooks/{id}{rest}")
}

fn end(id: &str) -> String {
    id[id.len().saturating_sub(SHOWN)..].to_owned()
}

/// Whether an id is meant by a text: it, or the end of it.
fn is_meant(id: &str, named: &str) -> bool {
    id == named || (named.len() >= 4 && id.ends_with(named))
}

/// The webhook that is meant; the only one where nothing is said.
async fn find(context: &Context, project: &Project, named: Option<&str>) -> Result<WebhookBody, Failure> {
    let mut found = Vec::new();
    for json in all(context, project).await? {
        let webhook: WebhookBody = parse(json)?;
        if named.is_none_or(|named| is_meant(&webhook.id.to_string(), named) || target(&webhook) == named) {
            found.push(webhook);
        }
    }
    let hint = "`gilgal webhooks` lists them with their ids.";
    match (found.pop(), found.is_empty(), named) {
        (Some(webhook), true, _) => Ok(webhook),
        (None, _, Some(named)) => {
            let missing = Failure::new(format!("{} has no webhook {named}.", project.body.slug));
            Err(missing.with_hint(hint).with_exit(Exit::Missing))
        }
        (None, _, None) => Err(Failure::new(format!("{} has no webhooks.", project.body.slug))
            .with_hint("Make one: gilgal webhooks add URL")
            .with_exit(Exit::Missing)),
        (Some(_), false, Some(named)) => {
            Err(Failure::usage(format!("Several webhooks are meant by {named}.")).with_hint(hint))
        }
        (Some(_), false, None) => {
            Err(Failure::usage(format!("{} has several webhooks: say which.", project.body.slug))
                .with_hint(hint))
        }
    }
}
