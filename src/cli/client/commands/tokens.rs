//! `gilgal tokens`

use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::refusal::parse;
use crate::cli::client::table::Table;
use crate::model::scope::Scope;
use crate::model::time::{age, now};
use crate::model::title::Title;
use crate::wire::api_key::ApiKeyBody;
use crate::wire::list::List;
use chrono::TimeDelta;
use serde_json::{Value, json};

pub(super) async fn list(context: &Context) -> Result<Answer, Failure> {
    let keys = all(context).await?;
    let mut table = Table::new(&["TITLE", "KEY", "SCOPE", "EXPIRES", "LAST USED"]);
    for key in &keys {
        let key: ApiKeyBody = parse(key.clone())?;
        let expires = match key.expires_at {
            Some(at) if at <= now() => "expired".to_owned(),
            Some(at) => at.format("%Y-%m-%d").to_string(),
            None => "never".to_owned(),
        };
        let used =
            key.last_used_at.map_or_else(|| "never".to_owned(), |at| format!("{} ago", age(at, now())));
        let widest = key.scopes.iter().max().map_or("-", |scope| scope.as_str());
        table.row([key.title, format!("{}…", key.hint), widest.to_owned(), expires, used]);
    }
    let empty = "You have no API keys. Make one: gilgal tokens create TITLE --scope deploy";
    Ok(Answer::table(&table, context.screen.width, empty, Value::Array(keys)))
}

async fn all(context: &Context) -> Result<Vec<Value>, Failure> {
    Ok(parse::<List<Value>>(context.api.get("/api/api-keys").await?)?.data)
}

pub(super) async fn create(
    context: &Context,
    title: &Title,
    scope: Option<Scope>,
    days: Option<u16>,
) -> Result<Answer, Failure> {
    let Some(scope) = scope else {
        let what = "How far is the key to reach? `read` looks, `deploy` deploys and scales too, `write` runs commands \
                    and changes projects too, `admin` does everything that you may do.";
        let typed = format!("gilgal tokens create {} --scope deploy", quoted(title.as_str()));
        return Err(Failure::usage(what).with_hint(format!("Say it: {typed}")));
    };
    let mut body = json!({ "title": title, "scopes": [scope] });
    if let Some(days) = days {
        body["expires_at"] = json!(now() + TimeDelta::days(days.into()));
    }
    let json = context.api.post("/api/api-keys", &body).await?;
    Ok(made(json))
}

pub(super) async fn rotate(context: &Context, named: &str, overlap: u32) -> Result<Answer, Failure> {
    let key = find(context, named).await?;
    let body = json!({ "overlap_seconds": overlap });
    Ok(made(context.api.post(&format!("/api/api-keys/{}/rotate", key.id), &body).await?))
}

pub(super) async fn revoke(context: &Context, named: &str) -> Result<Answer, Failure> {
    let key = find(context, named).await?;
    context.api.delete(&format!("/api/api-keys/{}", key.id)).await?;
    let screen = format!("Revoked {} ({}…). It is not accepted any more.", key.title, key.hint);
    Ok(Answer::new(screen, json!({ "id": key.id, "title": key.title })))
}

/// Only the key itself on standard output, so that it can be put into a file.
fn made(json: Value) -> Answer {
    let key = json.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
    Answer::new(key, json).with_notice("This is the only time that the key is shown:")
}

async fn find(context: &Context, named: &str) -> Result<ApiKeyBody, Failure> {
    let mut found = Vec::new();
    for json in all(context).await? {
        let key: ApiKeyBody = parse(json)?;
        if key.title == named || key.id.to_string() == named {
            found.push(key);
        }
    }
    let hint = "`gilgal tokens --json` lists them with their ids.";
    match (found.pop(), found.is_empty()) {
        (Some(key), true) => Ok(key),
        (None, _) => Err(Failure::new(format!("You have no API key {named}."))
            .with_hint(hint)
            .with_exit(Exit::Missing)),
        (Some(_), false) => {
            Err(Failure::usage(format!("Several of your API keys are called {named}.")).with_hint(hint))
        }
    }
}

/// A word as it is typed in a shell.
fn quoted(word: &str) -> String {
    if word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
