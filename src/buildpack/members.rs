//! Objects of documents whose members have names that are not known beforehand: the projects of `angular.json`.

use crate::buildpack::among::Several;
use crate::buildpack::documents::{Documents, lookup};
use crate::buildpack::found::Found;
use crate::buildpack::refusal::Refusal;
use serde::Deserialize;
use serde_json::Value;

/// Which member is looked for; its name is the answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct OnlyMember {
    file: String,
    /// The dotted key of the object.
    #[serde(rename = "only-member")]
    object: String,
    /// Members that say something else count only where none says this.
    #[serde(default)]
    with: Option<With>,
    /// Several are refused with this; without it none is the answer.
    #[serde(default)]
    several: Option<Several>,
}

/// What a member says of itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct With {
    key: String,
    is: String,
}

impl With {
    fn holds(&self, member: &Value) -> bool {
        lookup(member, &self.key).and_then(Value::as_str) == Some(self.is.as_str())
    }
}

impl OnlyMember {
    /// The name of the member, where there is one only.
    ///
    /// # Errors
    /// When the document is broken, or there are several where that is refused.
    pub(crate) fn find(&self, documents: &Documents<'_>) -> Result<Option<Found>, Refusal> {
        let document = documents.document(&self.file)?;
        let object = document.as_deref().and_then(|document| lookup(document, &self.object)?.as_object());
        let members: Vec<(&String, &Value)> = object.into_iter().flatten().collect();
        let says = |member: &Value| self.with.as_ref().is_none_or(|with| with.holds(member));
        let saying = members.iter().filter(|(_, member)| says(member)).map(|(name, _)| (*name).clone());
        let mut names: Vec<String> = saying.collect();
        if names.is_empty() {
            names = members.iter().map(|(name, _)| (*name).clone()).collect();
        }
        match (names.as_slice(), &self.several) {
            ([name], _) => {
                let from = format!("{}: {}", self.file, self.object);
                Ok(Some(Found { value: name.as_str().into(), from }))
            }
            ([_, _, ..], Some(several)) => Err(several.refusal(names)),
            (_, _) => Ok(None),
        }
    }
}
