//! Bodies of `/api/environments/:id/config` and of configuration files.

use crate::model::config_file::ConfigEdit;
use crate::model::environment::ConfigScope;
use crate::model::id::{ConfigChangeId, ConfigFileId, EnvironmentId};
use crate::model::name::{ConfigName, FilePath, Username};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::wire::deployment::DeploymentBody;
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What is to become of one config var.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VariableFields {
    pub value: Option<Secret<String>>,
    pub scope: Option<ConfigScope>,
    pub secret: Option<bool>,
    /// Whether previews of pull requests get it.
    pub previews: Option<bool>,
}

const SCOPE: &str = "`build`, `runtime` or `both`";
const TRUTH: &str = "true or false";

/// `PATCH /api/environments/:id/config`: by name, `null` for what is to go, a string for a value, or an object with
/// `value`, `scope`, `secret` and `previews`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateConfigBody(pub BTreeMap<ConfigName, Option<VariableFields>>);

impl Body for UpdateConfigBody {
    fn take(form: &mut Form) -> Option<Self> {
        let mut variables = BTreeMap::new();
        for (name, value) in form.rest() {
            // A fault is a sentence that holds no value.
            match (name.parse::<ConfigName>(), fields(value)) {
                (Ok(name), Ok(fields)) => {
                    variables.insert(name, fields);
                }
                (Err(error), _) => form.refuse(&name, &error.to_string()),
                (Ok(_), Err(fault)) => form.refuse(&name, &fault),
            }
        }
        Some(Self(variables))
    }
}

fn fields(value: Value) -> Result<Option<VariableFields>, String> {
    let shape = || {
        "This must be null, a string, or an object with `value`, `scope`, `secret` and `previews`.".to_owned()
    };
    match value {
        Value::Null => Ok(None),
        Value::String(value) => {
            Ok(Some(VariableFields { value: Some(Secret::new(value)), ..VariableFields::default() }))
        }
        Value::Object(mut object) => {
            let value = match object.remove("value") {
                None => None,
                Some(Value::String(value)) => Some(Secret::new(value)),
                Some(_) => return Err("`value` must be a string.".to_owned()),
            };
            let scope = object.remove("scope").map(serde_json::from_value).transpose();
            let scope = scope.map_err(|_| format!("`scope` must be {SCOPE}."))?;
            let secret = object.remove("secret").map(serde_json::from_value).transpose();
            let secret = secret.map_err(|_| format!("`secret` must be {TRUTH}."))?;
            let previews = object.remove("previews").map(serde_json::from_value).transpose();
            let previews = previews.map_err(|_| format!("`previews` must be {TRUTH}."))?;
            match object.keys().next() {
                None => Ok(Some(VariableFields { value, scope, secret, previews })),
                Some(_) => Err(shape()),
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(shape()),
    }
}

/// `PUT /api/environments/:id/config/:name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutVariableBody(pub VariableFields);

impl Body for PutVariableBody {
    fn take(form: &mut Form) -> Option<Self> {
        let value: Option<String> = form.required_value("value", "a string");
        let fields = VariableFields {
            value: value.map(Secret::new),
            scope: form.optional_value("scope", SCOPE),
            secret: form.optional_value("secret", TRUTH),
            previews: form.optional_value("previews", TRUTH),
        };
        Some(Self(fields))
    }
}

/// A config var.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VariableBody {
    pub name: ConfigName,
    /// As it was given, with its references; `null` for a secret.
    pub value: Option<String>,
    pub scope: ConfigScope,
    pub secret: bool,
    /// Whether previews of pull requests get it; in a preview, whether it has come from there.
    pub previews: bool,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// What a change of config vars or files has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigChangedBody {
    /// What is different now; empty where everything was so already.
    pub changes: Vec<ConfigEdit>,
    /// What the app needs to have it.
    pub effect: EffectBody,
    /// What gives it to the app; `null` where nothing is needed.
    pub deployment: Option<DeploymentBody>,
    /// The file that was made or changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileBody>,
}

/// What the app needs to have a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EffectBody {
    None,
    Restart,
    Rebuild,
}

/// One entry of a configuration's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigHistoryBody {
    pub id: ConfigChangeId,
    /// `null` where the account is gone.
    pub author: Option<Username>,
    pub changes: Vec<ConfigEdit>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// `POST /api/environments/:id/files`.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct NewFileBody {
    pub path: FilePath,
    #[schema(value_type = String)]
    pub content: Secret<String>,
    /// Whether the content is never shown again; `false` unless given.
    #[schema(value_type = Option<bool>)]
    pub secret: bool,
}

impl Body for NewFileBody {
    fn take(form: &mut Form) -> Option<Self> {
        let path = form.required("path");
        let content: Option<String> = form.required_value("content", "a string");
        let secret = form.optional_value("secret", TRUTH).unwrap_or(false);
        Some(Self { path: path?, content: Secret::new(content?), secret })
    }
}

/// `PUT /api/files/:id`: what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct PutFileBody {
    pub path: Option<FilePath>,
    #[schema(value_type = Option<String>)]
    pub content: Option<Secret<String>>,
    pub secret: Option<bool>,
}

impl Body for PutFileBody {
    fn take(form: &mut Form) -> Option<Self> {
        let path = form.optional("path");
        let content: Option<String> = form.optional_value("content", "a string");
        let secret = form.optional_value("secret", TRUTH);
        Some(Self { path, content: content.map(Secret::new), secret })
    }
}

/// A configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileBody {
    pub id: ConfigFileId,
    pub environment_id: EnvironmentId,
    pub path: FilePath,
    /// `null` for a secret. In lists it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub content: Option<Option<String>>,
    pub secret: bool,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::form::{BodyError, read};

    #[test]
    fn a_batch_says_what_becomes_of_each() {
        let text = r#"{"A": "x", "B": null, "C": {"value": "y", "scope": "build", "secret": true}, "D": {"scope": "both"}}"#;
        let UpdateConfigBody(variables) = read(text.as_bytes()).unwrap();
        let of = |name: &str| variables[&name.parse().unwrap()].clone();
        assert_eq!(of("A").unwrap().value.unwrap().expose(), "x");
        assert_eq!(of("B"), None);
        let secret = of("C").unwrap();
        assert_eq!((secret.scope, secret.secret), (Some(ConfigScope::Build), Some(true)));
        assert_eq!(of("D").unwrap().value, None);
    }

    #[test]
    fn every_wrong_entry_is_named_and_no_value_is_said() {
        let text = r#"{"A-B": "canary", "C": 5, "D": {"valu": "canary"}, "E": {"scope": "canary"}, "F": {"secret": "canary"}, "G": {"value": ["canary"]}}"#;
        let Err(BodyError::Invalid(faults)) = read::<UpdateConfigBody>(text.as_bytes()) else { panic!() };
        assert_eq!(faults.keys().collect::<Vec<_>>(), ["A-B", "C", "D", "E", "F", "G"]);
        assert!(faults.values().all(|fault| !fault.contains("canary")), "{faults:?}");
    }
}
