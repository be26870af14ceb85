//! The `OpenAPI` document (3.1) and its page: made of the table of routes, the bodies in `wire`, and one description a
//! route. A route without a description does not compile.

mod describe;
mod description;
mod page;
mod part;
#[cfg(test)]
mod reference;
mod responses;
mod sources;

use crate::api::Api;
use crate::api::endpoint::{Access, Endpoint, Row};
use crate::api::reply::{Answer, ok};
use crate::api::request::Request;
use crate::buildpack::project_file;
use crate::wire::error::ErrorBody;
use description::{Description, Shown};
use part::Part;
use responses::{failure, json, success};
use std::sync::{Arc, LazyLock};
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathsBuilder,
};
use utoipa::openapi::path::{Parameter, PathItem};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ComponentsBuilder, Object, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Content, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Required, ResponseBuilder,
};
use warp::http::Method;

const JSON: &str = "application/json";
const SECURITY: &str = "bearer";

/// Made once: it says the same as long as the program runs.
static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(document);
static FILE_SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(project_file::schema);
static PAGE: LazyLock<page::Page> = LazyLock::new(|| page::Page::of(&DOCUMENT));

pub(super) async fn show(_api: Arc<Api>, _request: Request) -> Answer {
    Ok(ok(&*DOCUMENT))
}

/// What `gilgal.toml` may hold, for editors.
pub(super) async fn show_file_schema(_api: Arc<Api>, _request: Request) -> Answer {
    Ok(ok(&*FILE_SCHEMA))
}

pub(super) async fn show_page(_api: Arc<Api>, _request: Request) -> Answer {
    Ok(PAGE.response())
}

fn document() -> OpenApi {
    let mut paths = PathsBuilder::new();
    let mut components = ComponentsBuilder::new().security_scheme(
        SECURITY,
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("An access token of a login, or an API key (`glg_…`)."))
                .build(),
        ),
    );
    for endpoint in Endpoint::ALL.iter().copied() {
        let (row, description) = (endpoint.row(), endpoint.describe());
        let method = method(&row.method);
        paths =
            paths.path(template(row.path), PathItem::new(method, operation(endpoint, &row, &description)));
        let bodies = description.body.iter().map(Part::closed);
        for part in bodies.chain(description.answer.parts().cloned()) {
            components = components.schemas_from_iter(part.into_schemas());
        }
    }
    components = components.schemas_from_iter(Part::of::<ErrorBody>().into_schemas());
    let info = InfoBuilder::new()
        .title("Gilgal")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Failures are `{\"error\": {\"code\", \"message\", \"details\", \"request_id\"}}`. Every authenticated POST takes \
             an `Idempotency-Key`, every GET an `If-None-Match`, every PUT and PATCH of a resource an `If-Match`, and so does a DELETE of one that has an ETag.",
        ))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
        .build();
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).build()
}

/// `/api/projects/{id}` for `/api/projects/:id`.
fn template(path: &str) -> String {
    let part = |part: &str| match part.strip_prefix(':') {
        Some(name) => format!("{{{name}}}"),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn method(method: &Method) -> HttpMethod {
    match method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn operation(endpoint: Endpoint, row: &Row, description: &Description) -> Operation {
    let mut operation = OperationBuilder::new()
        .operation_id(Some(endpoint.word()))
        .tag(description.tag)
        .summary(Some(description.summary))
        .description(needs(row.access))
        .request_body(description.body.as_ref().map(|part| request_body(part, description.files)));
    for name in row.path.split('/').filter_map(|part| part.strip_prefix(':')) {
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        operation = operation.parameter(parameter(name, (ParameterIn::Path, Required::True), text, None));
    }
    for (name, meaning, schema) in &description.query {
        let needed = if description.needed.contains(name) { Required::True } else { Required::False };
        let place = (ParameterIn::Query, needed);
        operation = operation.parameter(parameter(name, place, schema.clone(), Some(meaning)));
    }
    let (status, response) = success(&description.answer);
    operation = operation.response(status, response).response("default", failure());
    if let Shown::Readiness(part) = &description.answer {
        let away = ResponseBuilder::new().description("Something that is needed is away");
        operation = operation.response("503", away.content(JSON, json(part)).build());
    }
    if let Shown::Applied(part) = &description.answer {
        let begun = ResponseBuilder::new().description("Done, and a deployment brings it to the app");
        operation = operation.response("202", begun.content(JSON, json(part)).build());
    }
    if row.access != Access::Public {
        operation = operation.security(SecurityRequirement::new(SECURITY, Vec::<String>::new()));
    }
    operation.build()
}

/// Who may use a route, in words.
fn needs(access: Access) -> Option<String> {
    let scope = access.scope()?.as_str();
    Some(match access {
        Access::Public | Access::Account(_) => format!("An API key needs the scope `{scope}`."),
        Access::Operator => format!("For operators of the server. An API key needs the scope `{scope}`."),
        Access::Project(action) => {
            format!("For who may {}. An API key needs the scope `{scope}`.", action.shown())
        }
    })
}

fn parameter(
    name: &str,
    (place, required): (ParameterIn, Required),
    schema: Object,
    meaning: Option<&str>,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(meaning)
        .schema(Some(schema))
        .build()
}

fn request_body(part: &Part, files: &[&str]) -> RequestBody {
    let required = if part.needs_fields() { Required::True } else { Required::False };
    let mut body = RequestBodyBuilder::new().content(JSON, json(part)).required(Some(required));
    for kind in files {
        // A file has no schema: it is what the media type says (OpenAPI 3.1 §4.8.14.2).
        body = body.content(*kind, Content::new(None::<Object>));
    }
    body.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::collections::{BTreeMap, BTreeSet};

    fn as_json() -> Value {
        json!(*DOCUMENT)
    }

    #[test]
    fn routes_and_document_agree_both_ways() {
        let document = as_json();
        let described: BTreeSet<String> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys();
                methods.map(move |method| format!("{} {path}", method.to_uppercase()))
            })
            .collect();
        let row = |row: Row| format!("{} {}", row.method, template(row.path));
        let routes: BTreeSet<String> = Endpoint::ALL.iter().map(|endpoint| row(endpoint.row())).collect();
        assert_eq!(described, routes);
        assert_eq!(document["openapi"], "3.1.0");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut BTreeSet<String>) {
            match value {
                Value::Object(fields) => {
                    found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    fields.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let (document, mut found) = (as_json(), BTreeSet::new());
        references(&document, &mut found);
        assert!(found.len() > 10);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn a_name_of_a_schema_means_one_thing() {
        let mut known: BTreeMap<String, (Endpoint, Value)> = BTreeMap::new();
        for endpoint in Endpoint::ALL.iter().copied() {
            for part in endpoint.describe().answer.parts().cloned() {
                for (name, schema) in part.into_schemas() {
                    let schema = serde_json::to_value(schema).unwrap();
                    let (first, same) =
                        known.entry(name.clone()).or_insert_with(|| (endpoint, schema.clone()));
                    assert_eq!(schema, *same, "{name} of {endpoint:?} is another one than that of {first:?}");
                }
            }
        }
    }

    #[test]
    fn the_guide_has_every_route() {
        let guide = include_str!("../../../docs/api.md");
        for endpoint in Endpoint::ALL.iter().copied() {
            let Row { method, path, .. } = endpoint.row();
            let named = guide.lines().any(|line| {
                line.starts_with("| `")
                    && line.contains(&format!("`{method}"))
                    && line.contains(&format!("{path}`")) | line.contains(&format!("{path}?"))
            });
            assert!(named, "docs/api.md does not have {method} {path}");
        }
    }
}
