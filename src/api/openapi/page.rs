//! The document as a page: HTML without scripts, fonts or pictures, so that it loads nothing from anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use utoipa::openapi::OpenApi;
use warp::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use warp::reply::Response;

const STYLE: &str = include_str!("page.css");

/// The page, and the policy under which its style is applied.
pub(super) struct Page {
    html: String,
    policy: HeaderValue,
}

impl Page {
    pub(super) fn of(document: &OpenApi) -> Self {
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!("default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'");
        let policy = HeaderValue::try_from(policy)
            .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
        Self { html: html(&json!(document)), policy }
    }

    pub(super) fn response(&self) -> Response {
        let mut response = Response::new(self.html.clone().into());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        response
    }
}

fn html(document: &Value) -> String {
    let mut tags: BTreeMap<&str, String> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let tag = operation["tags"][0].as_str().unwrap_or_default();
            tags.entry(tag).or_default().push_str(&section(document, method, path, operation));
        }
    }
    let contents: String = tags.keys().map(|tag| format!("<a href=\"#{tag}\">{tag}</a> ")).collect();
    let sections: String =
        tags.iter().map(|(tag, text)| format!("<h2 id=\"{tag}\">{tag}</h2>\n{text}")).collect();
    let (version, about) = (text(&document["info"]["version"]), text(&document["info"]["description"]));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>Gilgal API</title>\n<style>{STYLE}</style>\n<main>\n<h1>Gilgal API \
         <small>{version}</small></h1>\n<p>{about}</p>\n<p>For programs: <a href=\"/api/openapi.json\">openapi.json</a></p>\n\
         <nav>{contents}</nav>\n{sections}</main>\n</html>\n"
    )
}

/// A route.
fn section(document: &Value, method: &str, path: &str, operation: &Value) -> String {
    let (id, method) = (text(&operation["operationId"]), method.to_uppercase());
    let mut section = format!(
        "<details id=\"{id}\">\n<summary><b class=\"{method}\">{method}</b> <code>{}</code> {}</summary>\n",
        escape(path),
        text(&operation["summary"])
    );
    if operation["description"].is_string() {
        let _ = writeln!(section, "<p>{}</p>", text(&operation["description"]));
    }
    let _ = writeln!(section, "<pre>{}</pre>", escape(&curl(document, &method, path, operation)));
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let query: String = parameters
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| row(&text(&parameter["name"]), "query", &text(&parameter["description"])))
        .collect();
    section.push_str(&table("Query", &query));
    section.push_str(&table("Body", &fields(document, &operation["requestBody"]["content"])));
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        if status != "default" {
            section.push_str(&table(&format!("Answer {status}"), &fields(document, &response["content"])));
        }
    }
    section.push_str("</details>\n");
    section
}

/// A command that does it.
pub(super) fn curl(document: &Value, method: &str, path: &str, operation: &Value) -> String {
    if operation["responses"]["101"].is_object() {
        // curl does not talk to them: websocat does.
        let path = path.replace('{', "$").replace('}', "");
        let protocol = if path.ends_with("/run") { "--protocol gilgal.run.v1 " } else { "" };
        return format!("websocat {protocol}-H \"Authorization: Bearer $token\" \"ws${{api#http}}{path}\"");
    }
    let mut line = "curl".to_owned();
    let body = schema_of(document, &operation["requestBody"]["content"]);
    if !matches!((method, body.is_some()), ("GET", false) | ("POST", true)) {
        let _ = write!(line, " -X {method}");
    }
    let path = path.replace('{', "$").replace('}', "");
    let needed = operation["parameters"].as_array().into_iter().flatten();
    let needed = needed.filter(|parameter| parameter["in"] == "query" && parameter["required"] == true);
    let query: Vec<_> =
        needed.map(|parameter| format!("{}=…", parameter["name"].as_str().unwrap_or_default())).collect();
    if query.is_empty() {
        let _ = write!(line, " $api{path}");
    } else {
        let _ = write!(line, " \"$api{path}?{}\"", query.join("&"));
    }
    if operation["security"].is_array() {
        line.push_str(" -H \"Authorization: Bearer $token\"");
    }
    if let Some(schema) = body {
        let required = |name: &&String| {
            schema["required"]
                .as_array()
                .is_some_and(|names| names.iter().any(|known| known == name.as_str()))
        };
        let names = schema["properties"].as_object().into_iter().flat_map(|fields| fields.keys());
        let example: Vec<_> = names.filter(required).map(|name| format!("\"{name}\":…")).collect();
        // A map has names of your own.
        let example = if schema["additionalProperties"].is_object() {
            "\"NAME\":…".to_owned()
        } else {
            example.join(",")
        };
        let _ = write!(line, " --json '{{{example}}}'");
    }
    line
}

fn table(title: &str, rows: &str) -> String {
    if rows.is_empty() { String::new() } else { format!("<h3>{title}</h3>\n<table>{rows}</table>\n") }
}

fn row(name: &str, kind: &str, meaning: &str) -> String {
    format!("<tr><td><code>{name}</code><td>{kind}<td>{meaning}\n")
}

/// The fields of a body, one row each; those of a list are those of its items.
fn fields(document: &Value, content: &Value) -> String {
    let Some(mut schema) = schema_of(document, content) else { return String::new() };
    let mut prefix = "";
    if schema["properties"]["data"]["type"] == "array" {
        schema = resolved(document, &schema["properties"]["data"]["items"]);
        prefix = "data[].";
    }
    let parts: Vec<&Value> = match schema["allOf"].as_array() {
        Some(parts) => parts.iter().map(|part| resolved(document, part)).collect(),
        None => vec![schema],
    };
    let properties = parts.into_iter().flat_map(|part| part["properties"].as_object().into_iter().flatten());
    properties
        .map(|(name, field)| {
            row(&format!("{prefix}{}", escape(name)), &kind(document, field), &text(&field["description"]))
        })
        .collect()
}

pub(super) fn schema_of<'a>(document: &'a Value, content: &'a Value) -> Option<&'a Value> {
    let schema = content.get("application/json")?.get("schema")?;
    Some(resolved(document, schema))
}

/// What a schema refers to, or itself.
pub(super) fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

/// The kind of a field in a few words.
pub(super) fn kind(document: &Value, field: &Value) -> String {
    let schema = resolved(document, field);
    if let Some(choices) = schema["oneOf"].as_array() {
        let mut kinds: Vec<String> = choices.iter().map(|choice| kind(document, choice)).collect();
        // Objects that differ by what is in them.
        kinds.dedup();
        return kinds.join(" or ");
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(text).collect::<Vec<_>>().join(", ");
    }
    let named = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        Value::String(kind) if kind == "array" => format!("list of {}", kind_of_items(document, schema)),
        other => text(other),
    };
    match schema["format"].as_str() {
        Some(format) => format!("{named} ({})", escape(format)),
        None => named,
    }
}

fn kind_of_items(document: &Value, schema: &Value) -> String {
    kind(document, &schema["items"])
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_route_and_loads_nothing() {
        let html = html(&json!(*super::super::DOCUMENT));
        for endpoint in crate::api::Endpoint::ALL.iter().copied() {
            assert!(html.contains(&format!("<details id=\"{}\">", endpoint.word())), "{endpoint:?}");
        }
        for outside in ["<script", "http://", "https://", "src=", "url(", "@import"] {
            assert!(!html.contains(outside), "{outside}");
        }
        assert!(html.contains("--json '{&quot;email&quot;:…"), "a command for each");
    }

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escape("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
    }
}
