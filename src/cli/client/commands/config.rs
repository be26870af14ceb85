//! `gilgal config`

use super::deployments::watch;
use crate::cli::client::answer::Answer;
use crate::cli::client::arguments::Manner;
use crate::cli::client::context::Context;
use crate::cli::client::deployment;
use crate::cli::client::environment::Place;
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::prompt;
use crate::cli::client::refusal::{parse, unreachable};
use crate::cli::client::table::Table;
use crate::cli::printer;
use crate::model::config_file::{ConfigEdit, Edit};
use crate::model::environment::ConfigScope;
use crate::model::name::{ConfigName, EnvironmentName, InvalidName};
use crate::model::secret::Secret;
use crate::model::time::{age, now};
use crate::wire::config::{ConfigChangedBody, ConfigHistoryBody, EffectBody, VariableBody};
use crate::wire::list::List;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// No `.env` file is larger.
const LARGEST: u64 = 1024 * 1024;

pub(super) async fn list(context: &Context, place: &Place) -> Result<Answer, Failure> {
    let json = context.api.get(&place.path("/config")).await?;
    let List { data, next: _ } = parse::<List<Value>>(json)?;
    let mut table = Table::new(&["NAME", "VALUE", "SCOPE", "SET"]);
    for variable in &data {
        let VariableBody { name, value, scope, previews, updated_at, .. } = parse(variable.clone())?;
        let value = value.unwrap_or_else(|| "(secret)".to_owned());
        let set = format!("{} ago", age(updated_at, now()));
        let scope =
            if previews { format!("{}, previews", scope.as_str()) } else { scope.as_str().to_owned() };
        table.row([name.to_string(), value, scope, set]);
    }
    let empty = format!("{} has no config vars. Set one: gilgal config set NAME=VALUE", place.shown());
    Ok(Answer::table(&table, context.screen.width, &empty, Value::Array(data)))
}

/// The value of one variable, as it was given.
pub(super) async fn get(context: &Context, place: &Place, wanted: &ConfigName) -> Result<Answer, Failure> {
    let json = context.api.get(&place.path("/config")).await?;
    let List { data, next: _ } = parse::<List<Value>>(json)?;
    for json in data {
        let variable: VariableBody = parse(json.clone())?;
        if variable.name == *wanted {
            if let Some(value) = variable.value {
                return Ok(Answer::new(value, json));
            }
            let secret = Failure::new(format!("{wanted} is a secret, which is never shown again."));
            let secret = secret.with_exit(Exit::Denied);
            // What only the build is given the app does not have.
            return Err(match variable.scope {
                ConfigScope::Build => secret,
                ConfigScope::Runtime | ConfigScope::Both => {
                    let elsewhere = if place.name == EnvironmentName::production() {
                        String::new()
                    } else {
                        format!("-e {} ", place.name)
                    };
                    secret
                        .with_hint(format!("Its app can show it: gilgal run {elsewhere}'echo \"${wanted}\"'"))
                }
            });
        }
    }
    Err(Failure::new(format!("{} has no config var {wanted}.", place.shown()))
        .with_hint("`gilgal config` lists them.")
        .with_exit(Exit::Missing))
}

/// Sets variables; one without a value is asked for.
pub(super) async fn set(
    context: &Context,
    place: &Place,
    variables: &[String],
    manner: Manner,
) -> Result<Answer, Failure> {
    let mut body = Map::new();
    for variable in variables {
        let (name, value) = if let Some((name, value)) = variable.split_once('=') {
            (name_of(name)?, Secret::new(value.to_owned()))
        } else {
            let name = name_of(variable)?;
            let value = prompt::secret(&format!("Value of {name}: "))?;
            (name, value)
        };
        let mut draft = json!({ "value": value.expose() });
        if manner.secret {
            draft["secret"] = json!(true);
        }
        if let Some(scope) = manner.scope {
            draft["scope"] = json!(scope);
        }
        body.insert(name.to_string(), draft);
    }
    change(context, place, &Value::Object(body), manner.detach).await
}

/// Lets previews of pull requests have variables, or no more.
pub(super) async fn previews(
    context: &Context,
    place: &Place,
    names: &[ConfigName],
    on: bool,
) -> Result<Answer, Failure> {
    let body = names.iter().map(|name| (name.to_string(), json!({ "previews": on }))).collect();
    let json = context.api.patch(&place.path("/config"), &Value::Object(body)).await?;
    let ConfigChangedBody { changes, .. } = parse(json.clone())?;
    let changed: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
    let said = match (changed.is_empty(), on) {
        (true, _) => format!("It is so in {} already: nothing was changed.", place.shown()),
        (false, true) => {
            format!("Previews get {} from their next deployment on, as far as they may.", changed.join(", "))
        }
        (false, false) => {
            format!("Previews have {} no more from their next deployment on.", changed.join(", "))
        }
    };
    Ok(Answer::new(said, json))
}

pub(super) async fn unset(
    context: &Context,
    place: &Place,
    names: &[ConfigName],
    detach: bool,
) -> Result<Answer, Failure> {
    let body = names.iter().map(|name| (name.to_string(), Value::Null)).collect();
    change(context, place, &Value::Object(body), detach).await
}

async fn change(context: &Context, place: &Place, body: &Value, detach: bool) -> Result<Answer, Failure> {
    let json = context.api.patch(&place.path("/config"), body).await?;
    changed(context, place, json, detach).await
}

/// Sets what a `.env` file has, or standard input.
pub(super) async fn import(
    context: &Context,
    place: &Place,
    file: Option<&Path>,
    manner: Manner,
) -> Result<Answer, Failure> {
    let text = match file {
        Some(file) => read(fs::File::open(file)),
        None => read(Ok(io::stdin())),
    };
    let named = file.map_or_else(|| "standard input".to_owned(), |file| file.display().to_string());
    let text = text.map_err(|error| Failure::usage(format!("{named} cannot be read.")).caused_by(&error))?;
    let mut query = Vec::new();
    if manner.secret {
        query.push("secret=true".to_owned());
    }
    if let Some(scope) = manner.scope {
        query.push(format!("scope={}", scope.as_str()));
    }
    let path = format!("/config?{}", query.join("&"));
    let path = place.path(path.trim_end_matches('?'));
    let json = context.api.send_as(Method::PATCH, &path, "text/plain; charset=utf-8", text).await?;
    changed(context, place, json, manner.detach).await
}

fn read(from: io::Result<impl Read>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    from?.take(LARGEST + 1).read_to_end(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length <= LARGEST) {
        Ok(text)
    } else {
        Err(io::Error::other("it is larger than 1 MiB"))
    }
}

pub(super) async fn export(context: &Context, place: &Place) -> Result<Answer, Failure> {
    let response = context.api.open(&place.path("/config"), "text/plain").await?;
    let text = response.text().await.map_err(|error| unreachable(&context.api.server, &error))?;
    Ok(Answer::new(text.clone(), json!({ "env": text })))
}

pub(super) async fn history(context: &Context, place: &Place) -> Result<Answer, Failure> {
    let data = context.api.get_all(&place.path("/config/history?")).await?;
    let mut table = Table::new(&["BY", "AGE", "CHANGES"]);
    for entry in &data {
        let ConfigHistoryBody { author, changes, created_at, .. } = parse(entry.clone())?;
        let author = author.map_or_else(|| "-".to_owned(), |author| author.to_string());
        table.row([author, age(created_at, now()), shown(&changes)]);
    }
    let empty = format!("Nothing of the config of {} was changed yet.", place.shown());
    Ok(Answer::table(&table, context.screen.width, &empty, Value::Array(data)))
}

/// Says what a change has done, and follows the deployment that brings it to the app.
async fn changed(context: &Context, place: &Place, json: Value, detach: bool) -> Result<Answer, Failure> {
    let ConfigChangedBody { changes, effect, deployment, file: _ } = parse(json.clone())?;
    let mut said = told(&changes, &place.shown());
    said.push_str(match effect {
        EffectBody::None if changes.is_empty() => "",
        EffectBody::None => "\nIt holds from the next deployment on.",
        EffectBody::Restart => "\nThe instances are replaced by new ones.",
        EffectBody::Rebuild => "\nThe app is built again.",
    });
    let Some(deployment) = deployment else { return Ok(Answer::new(said, json)) };
    if detach {
        let short = deployment::short(deployment.id);
        said.push_str(&format!(" Follow it: gilgal deployments attach {short}"));
        return Ok(Answer::new(said, json));
    }
    if !context.json {
        printer::write(&format!("{said}\n")).ok();
    }
    watch(context, deployment.id).await
}

/// `Set A, B; removed C in shop.`
fn told(changes: &[ConfigEdit], place: &str) -> String {
    let names = |is: fn(Edit) -> bool| {
        let named: Vec<&str> =
            changes.iter().filter(|change| is(change.edit)).map(|change| change.name.as_str()).collect();
        named.join(", ")
    };
    let set = names(|edit| matches!(edit, Edit::Added | Edit::Changed));
    let removed = names(|edit| matches!(edit, Edit::Removed));
    match (set.is_empty(), removed.is_empty()) {
        (true, true) => format!("It is so in {place} already: nothing was changed."),
        (false, true) => format!("Set {set} in {place}."),
        (true, false) => format!("Removed {removed} from {place}."),
        (false, false) => format!("Set {set} and removed {removed} in {place}."),
    }
}

/// `+ ADDED, ~ CHANGED, - REMOVED`
fn shown(changes: &[ConfigEdit]) -> String {
    let mark = |edit: &ConfigEdit| match edit.edit {
        Edit::Added => format!("+ {}", edit.name),
        Edit::Changed => format!("~ {}", edit.name),
        Edit::Removed => format!("- {}", edit.name),
    };
    changes.iter().map(mark).collect::<Vec<_>>().join(", ")
}

fn name_of(text: &str) -> Result<ConfigName, Failure> {
    text.parse().map_err(|error: InvalidName| Failure::usage(format!("{text}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config_file::ConfigKind;

    #[test]
    fn a_change_is_told_in_a_sentence() {
        let edit = |name: &str, edit| ConfigEdit { kind: ConfigKind::Variable, name: name.to_owned(), edit };
        let all = [edit("A", Edit::Added), edit("B", Edit::Changed), edit("C", Edit::Removed)];
        assert_eq!(told(&all, "shop"), "Set A, B and removed C in shop.");
        assert_eq!(told(&all[..2], "shop"), "Set A, B in shop.");
        assert_eq!(told(&all[2..], "shop"), "Removed C from shop.");
        assert_eq!(told(&[], "shop"), "It is so in shop already: nothing was changed.");
        assert_eq!(shown(&all), "+ A, ~ B, - C");
    }
}
