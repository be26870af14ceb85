//! docs/api-reference.md: the document for who reads the repository, with a command for each route.

use super::page::{curl, kind, resolved, schema_of};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

fn markdown(document: &Value) -> String {
    let mut sections: BTreeMap<&str, String> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let tag = operation["tags"][0].as_str().unwrap_or_default();
            sections.entry(tag).or_default().push_str(&route(document, method, path, operation));
        }
    }
    let mut page = "# API reference\n\nMade of the OpenAPI document (`GET /api/openapi.json`, and `GET /api/docs` as a page) by a test, which \
                    writes it anew where it is not as the document is. Begin with [api.md](api.md), which sets `$api` and `$token`.\n"
        .to_owned();
    for (tag, routes) in sections {
        let _ = write!(page, "\n## {tag}\n{routes}");
    }
    page
}

fn route(document: &Value, method: &str, path: &str, operation: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let method = method.to_uppercase();
    let mut route = format!("\n### {method} {path}\n\n{}.", word(&operation["summary"]));
    if operation["description"].is_string() {
        let _ = write!(route, " {}", word(&operation["description"]));
    }
    let _ = write!(route, "\n\n```sh\n{}\n```\n", curl(document, &method, path, operation));
    let mut rows = String::new();
    let query = operation["parameters"].as_array().into_iter().flatten();
    for parameter in query.filter(|parameter| parameter["in"] == "query") {
        let (name, meaning) = (word(&parameter["name"]), word(&parameter["description"]));
        let _ =
            writeln!(rows, "| `?{name}=` | {} | {} |", kind(document, &parameter["schema"]), cell(&meaning));
    }
    if let Some(schema) = schema_of(document, &operation["requestBody"]["content"]) {
        let parts: Vec<&Value> = match schema["allOf"].as_array() {
            Some(parts) => parts.iter().map(|part| resolved(document, part)).collect(),
            None => vec![schema],
        };
        for (name, field) in
            parts.into_iter().flat_map(|part| part["properties"].as_object().into_iter().flatten())
        {
            let (kind, meaning) = (kind(document, field), word(&field["description"]));
            let _ = writeln!(rows, "| `{name}` | {} | {} |", cell(&kind), cell(&meaning));
        }
    }
    if !rows.is_empty() {
        let _ = write!(route, "\n| | | |\n|---|---|---|\n{rows}");
    }
    route
}

/// Text of a cell: on one line, and without what would end it.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[test]
fn the_page_in_the_repository_is_that_of_the_document() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api-reference.md");
    let wanted = markdown(&json!(*super::DOCUMENT));
    if std::fs::read_to_string(&path).unwrap_or_default() != wanted {
        std::fs::write(&path, wanted).unwrap();
        panic!(
            "{} was not as the document is, and was written anew: look at it, and keep it",
            path.display()
        );
    }
}
