//! The APIs of providers, as far as they are told of commits: what comes is noted, deployments and comments are kept.
//! The requests to GitHub and Gitea are checked against their own descriptions (`tests/api/payloads/README.md`).

use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What GitHub says that its requests are.
const GITHUB: &str = include_str!("../api/payloads/github_openapi.json");
/// What Gitea says.
const GITEA: &str = include_str!("../api/payloads/gitea_openapi.json");
/// Comments on a page.
const PAGE: usize = 100;

/// A request that has come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) method: String,
    /// Below the base of the API, still encoded.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) authorization: String,
    pub(crate) body: Value,
}

/// What a provider keeps, and how it answers.
#[derive(Default)]
pub(crate) struct Kept {
    told: Vec<Told>,
    /// What requests whose path contains a text are answered next; then each is taken.
    pub(crate) answers: VecDeque<(String, u16, Value)>,
    /// How long each answer takes.
    pub(crate) delay: Duration,
    deployments: Vec<Value>,
    pub(crate) comments: Vec<Value>,
}

/// The API of a provider, below a base: `/api/v3`.
#[derive(Clone)]
pub(crate) struct ProviderApi {
    base: &'static str,
    pub(crate) kept: Arc<Mutex<Kept>>,
}

impl ProviderApi {
    pub(crate) fn new(base: &'static str) -> Self {
        Self { base, kept: Arc::default() }
    }

    /// Everything that came.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.kept.lock().unwrap().told.clone()
    }

    /// What was sent to paths that contain a text, by the methods that change something.
    pub(crate) fn sent(&self, part: &str) -> Vec<Value> {
        let is_sent = |told: &&Told| told.method != "GET" && told.path.contains(part);
        self.told().iter().filter(is_sent).map(|told| told.body.clone()).collect()
    }

    /// Takes a request; gives status and body of the answer. `None`: it is not for this API.
    pub(crate) fn take(
        &self,
        (method, path, query): (&str, &str, &str),
        authorization: Option<&str>,
        body: &[u8],
    ) -> Option<(u16, String)> {
        let path = path.strip_prefix(self.base)?;
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let told = Told {
            method: method.to_owned(),
            path: path.to_owned(),
            query: pairs.map(|(name, value)| (name.to_owned(), value.replace("%2F", "/"))).collect(),
            authorization: authorization.unwrap_or_default().to_owned(),
            body: if body.is_empty() { Value::Null } else { serde_json::from_slice(body).unwrap() },
        };
        let delay = self.kept.lock().unwrap().delay;
        std::thread::sleep(delay);
        let mut kept = self.kept.lock().unwrap();
        kept.told.push(told.clone());
        let scripted = kept.answers.iter().position(|(part, ..)| path.contains(part));
        let scripted = scripted.and_then(|at| kept.answers.remove(at));
        let (status, answer) = match scripted {
            Some((_, status, answer)) => (status, answer),
            None => kept.answer(&told),
        };
        Some((status, answer.to_string()))
    }
}

impl Kept {
    /// What the providers answer to what Gilgal asks.
    fn answer(&mut self, told: &Told) -> (u16, Value) {
        let parts: Vec<&str> = told.path.trim_matches('/').split('/').collect();
        let is_comments = matches!(parts.last(), Some(&("comments" | "notes")));
        match (told.method.as_str(), parts.as_slice()) {
            ("GET", [.., "deployments"]) => {
                let is_asked = |one: &&Value| {
                    ["sha", "environment"]
                        .iter()
                        .all(|name| told.query.get(*name).is_none_or(|asked| one[*name] == json!(asked)))
                };
                let found = self.deployments.iter().rev().filter(is_asked).cloned();
                (200, Value::Array(found.collect()))
            }
            ("POST", [.., "deployments"]) => {
                let mut made = told.body.clone();
                made["id"] = json!(self.deployments.len() + 1);
                if made["sha"].is_null() {
                    made["sha"] = made["ref"].clone();
                }
                self.deployments.push(made.clone());
                (201, in_full(made))
            }
            ("PUT", [.., "deployments", id]) => {
                let made = &mut self.deployments[id.parse::<usize>().unwrap() - 1];
                made["status"] = told.body["status"].clone();
                (200, in_full(made.clone()))
            }
            ("GET", _) if is_comments => {
                let page = told.query.get("page").map_or(1, |page| page.parse().unwrap());
                let size = told.query.get("per_page").map_or(usize::MAX, |size| size.parse().unwrap());
                let skipped = size.min(PAGE).saturating_mul(page - 1);
                let found = self.comments.iter().skip(skipped).take(size).cloned();
                (200, Value::Array(found.collect()))
            }
            ("POST", _) if is_comments => {
                let made = json!({ "id": self.comments.len() + 1, "body": told.body["body"] });
                self.comments.push(made.clone());
                (201, made)
            }
            ("PATCH" | "PUT", [.., "comments" | "notes", id]) => {
                let made = &mut self.comments[id.parse::<usize>().unwrap() - 1];
                made["body"] = told.body["body"].clone();
                (200, made.clone())
            }
            ("GET" | "PUT", _) => (200, json!({})),
            ("POST", _) => (201, json!({})),
            _ => (405, json!({ "message": "Method not allowed" })),
        }
    }
}

/// As GitLab gives a deployment, and GitHub with more than it does.
fn in_full(mut deployment: Value) -> Value {
    if deployment["status"].is_string() {
        deployment["environment"] =
            json!({ "id": 9, "name": deployment["environment"], "external_url": null });
    }
    deployment
}

/// Fails unless every request is one that the provider describes, as it describes it.
#[track_caller]
pub(crate) fn assert_described(provider: &str, told: &[Told]) {
    let description = match provider {
        "github" => GITHUB,
        "gitea" => GITEA,
        _ => panic!("there is no description of {provider}"),
    };
    let description: Value = serde_json::from_str(description).unwrap();
    for one in told {
        let (operation, path) = described(&description, one).unwrap_or_else(|| panic!("{one:?} is unknown"));
        let parameters = operation["parameters"].as_array().unwrap();
        for (name, value) in one.query.iter().chain(&path) {
            let known = parameters.iter().find(|known| known["name"] == json!(name));
            let known = known.unwrap_or_else(|| panic!("{one:?} has no {name}"));
            if known["schema"]["type"] == "integer" {
                assert!(value.parse::<u64>().is_ok(), "{one:?}: {name}");
            }
        }
        match operation.get("body") {
            Some(schema) => {
                check(&one.body, schema, "body").unwrap_or_else(|fault| panic!("{one:?}: {fault}"));
            }
            None => assert_eq!(one.body, Value::Null, "{one:?}"),
        }
    }
}

/// The operation that a request is, and what it has in the places of its path.
fn described<'a>(description: &'a Value, told: &Told) -> Option<(&'a Value, BTreeMap<String, String>)> {
    let parts: Vec<&str> = told.path.split('/').collect();
    // Of several, the one that has the fewest places.
    let mut found: Vec<_> = description
        .as_object()?
        .iter()
        .filter_map(|(template, operations)| {
            let operation = operations.get(told.method.to_lowercase())?;
            let template: Vec<&str> = template.split('/').collect();
            let mut places = BTreeMap::new();
            for (expected, part) in template.iter().zip(&parts) {
                match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                    Some(name) => drop(places.insert(name.to_owned(), (*part).to_owned())),
                    None if expected == part => {}
                    None => return None,
                }
            }
            (template.len() == parts.len()).then_some((operation, places))
        })
        .collect();
    found.sort_by_key(|(_, places)| places.len());
    found.into_iter().next()
}

/// Whether a value is what a schema says (`OpenAPI` 3.0.3, as far as the descriptions use it here).
fn check(value: &Value, schema: &Value, at: &str) -> Result<(), String> {
    for (word, rule) in schema.as_object().ok_or("no schema")? {
        let holds = match word.as_str() {
            "type" => {
                let is_null = value.is_null() && schema["nullable"] == true;
                is_null
                    || match rule.as_str() {
                        Some("object") => value.is_object(),
                        Some("string") => value.is_string(),
                        Some("boolean") => value.is_boolean(),
                        Some("integer") => value.is_u64(),
                        Some("array") => value.is_array(),
                        _ => return Err(format!("{at}: the type {rule} is not known here")),
                    }
            }
            "enum" => rule.as_array().is_some_and(|words| words.contains(value)),
            "required" => {
                let names = rule.as_array().into_iter().flatten();
                names.into_iter().all(|name| name.as_str().is_some_and(|name| value.get(name).is_some()))
            }
            "properties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    let Some(schema) = rule.get(name) else { return Err(format!("{at} has no {name}")) };
                    check(value, schema, &format!("{at}.{name}"))?;
                }
                true
            }
            "items" => {
                for value in value.as_array().into_iter().flatten() {
                    check(value, rule, at)?;
                }
                true
            }
            "oneOf" => {
                let any = rule.as_array().into_iter().flatten().filter(|one| check(value, one, at).is_ok());
                any.count() == 1
            }
            "additionalProperties" | "default" | "nullable" | "format" => true,
            word => return Err(format!("{at}: {word} is not known here")),
        };
        if !holds {
            return Err(format!("{at}: {value} is against {word} {rule}"));
        }
    }
    Ok(())
}
