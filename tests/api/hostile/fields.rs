//! Fields that are wrong: each is named, and so are all of them together.

use super::{Table, Watch};
use gilgal::api::Endpoint;
use serde_json::{Value, json};

impl Table {
    /// The schema of a route's body.
    fn schema(&self, endpoint: Endpoint) -> Option<Value> {
        let path = endpoint.row().path.split('/').map(|part| match part.strip_prefix(':') {
            Some(name) => format!("{{{name}}}"),
            None => part.to_owned(),
        });
        let path = path.collect::<Vec<_>>().join("/");
        let method = endpoint.row().method.as_str().to_lowercase();
        let content = &self.document["paths"][path][method]["requestBody"]["content"];
        let reference = content["application/json"]["schema"]["$ref"].as_str()?;
        self.document.pointer(reference.strip_prefix('#').unwrap()).cloned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_are_wrong_are_named_and_change_nothing() {
    let table = Table::new().await;
    for (endpoint, request, client) in Box::pin(table.rows()).await {
        let Some(body) = request.body.clone() else { continue };
        let schema = table.schema(endpoint).unwrap_or_else(|| panic!("{endpoint:?} describes no body"));
        let mut watch = Watch::over(&table.server);
        let send = |body: Value| {
            let (client, request) = (client.clone(), request.clone());
            async move { client.send(request.method, &request.path, body).await }
        };
        let mut unknown = body.clone();
        unknown["no_such_field"] = json!(1);
        let reply = watch.refused(&format!("{endpoint:?} unknown"), &[422], send(unknown)).await;
        assert_eq!(reply.refused_fields(), ["no_such_field"], "{endpoint:?}");

        for name in schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()) {
            for missing in [None, Some(Value::Null)] {
                let mut without = body.clone();
                match missing {
                    None => drop(without.as_object_mut().unwrap().remove(name)),
                    Some(null) => without[name] = null,
                }
                let what = format!("{endpoint:?} without {name}");
                assert_eq!(
                    watch.refused(&what, &[422], send(without)).await.refused_fields(),
                    [name],
                    "{what}"
                );
            }
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            for wrong in [json!(true), json!({ "a": 1 }), json!(-1.5), json!([[]])] {
                if wrong == json!(true) && field["type"].to_string().contains("boolean") {
                    continue;
                }
                let mut bad = body.clone();
                bad[name] = wrong.clone();
                let what = format!("{endpoint:?} {name}: {wrong}");
                let named = watch.refused(&what, &[422], send(bad)).await.refused_fields();
                assert!(named.contains(name), "{what}: {named:?}");
            }
            // What is compared with a secret is never judged by its form: a wrong one is a wrong one.
            let is_secret = field.to_string().contains("password") || field.to_string().contains("Secret");
            let statuses: &[u16] = if is_secret { &[401, 403, 409, 422, 429] } else { &[409, 422] };
            if endpoint == Endpoint::Logout {
                // Answers the same for a login that there is not (RFC 7009 §2.2).
                continue;
            }
            if ["value", "content"].contains(&name.as_str()) {
                // Of a config var or a file: nearly any text is right.
                continue;
            }
            for wrong in ["a\u{0}b", "\u{1b}[2J", "a\r\nb", &"x".repeat(100_000)] {
                if name.ends_with("_page") && wrong == "a\r\nb" {
                    // Of two lines.
                    continue;
                }
                let mut bad = body.clone();
                bad[name] = json!(wrong);
                let what = format!("{endpoint:?} {name}: {:?}", &wrong[..wrong.len().min(10)]);
                let optional_secret =
                    is_secret && !schema["required"].to_string().contains(&format!("\"{name}\""));
                if !optional_secret {
                    watch.refused(&what, statuses, send(bad)).await;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_are_wrong_together_are_all_named() {
    let table = Table::new().await;
    for (endpoint, request, client) in Box::pin(table.rows()).await {
        let Some(mut body) = request.body.clone() else { continue };
        let schema = table.schema(endpoint).unwrap();
        let Some(fields) = schema["properties"].as_object() else { continue };
        for name in fields.keys() {
            body[name] = json!({ "a": 1 });
        }
        body["no_such_field"] = json!(1);
        let mut wanted: Vec<String> = fields.keys().cloned().chain(["no_such_field".to_owned()]).collect();
        wanted.sort_unstable();
        let mut watch = Watch::over(&table.server);
        let send = client.send(request.method.clone(), &request.path, body);
        let named = watch.refused(&format!("{endpoint:?}"), &[422], send).await.refused_fields();
        assert_eq!(named, wanted, "{endpoint:?}");
    }
}
