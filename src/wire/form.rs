//! Reading the JSON object of a request field by field, so that one answer names everything that is wrong with it.
//!
//! serde stops at the first mistake; a person who fills in a form wants to hear of all of them.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

/// A request's body, made of the fields of a form.
pub trait Body: Sized {
    /// Takes the fields out of the form. `None` only after the form has noted why.
    fn take(form: &mut Form) -> Option<Self>;
}

/// The body of a request cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("The body is not JSON: {0}.")]
    NotJson(String),
    #[error("The body must be a JSON object.")]
    NotAnObject,
    #[error("Some fields are not right.")]
    Invalid(Faults),
}

/// What is wrong, by the name of the field; each a sentence.
pub type Faults = BTreeMap<String, String>;

/// Reads a body of any kind.
///
/// # Errors
/// When the text is not a JSON object, or for all fields together that are missing, wrong or unknown.
pub fn read<B: Body>(text: &[u8]) -> Result<B, BodyError> {
    let value: Value = serde_json::from_slice(text).map_err(|error| BodyError::NotJson(error.to_string()))?;
    let Value::Object(fields) = value else { return Err(BodyError::NotAnObject) };
    let mut form = Form { fields, known: Vec::new(), faults: Faults::new() };
    let body = B::take(&mut form);
    form.refuse_unknown();
    match body {
        Some(body) if form.faults.is_empty() => Ok(body),
        Some(_) | None => Err(BodyError::Invalid(form.faults)),
    }
}

/// The fields of a body that have not been taken yet, and what was wrong with those that were.
#[derive(Debug)]
pub struct Form {
    fields: Map<String, Value>,
    known: Vec<&'static str>,
    faults: Faults,
}

impl Form {
    /// Takes a field that must be there. `None` after noting what is wrong with it.
    pub fn required<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Option<T> {
        let value = self.optional(name);
        if value.is_none() {
            self.faults.entry(name.to_owned()).or_insert_with(|| "This field is required.".to_owned());
        }
        value
    }

    /// Takes a field that may be left out or be `null`. `None` also after noting what is wrong with it.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Option<T> {
        self.known.push(name);
        let fault = match self.fields.remove(name)? {
            Value::Null => return None,
            Value::String(text) => match text.parse() {
                Ok(value) => return Some(value),
                Err(error) => error.to_string(),
            },
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                "This must be a string.".to_owned()
            }
        };
        self.faults.insert(name.to_owned(), fault);
        None
    }

    /// Takes a field that is no string and must be there, as serde reads it. `wanted` ends "This must be …".
    pub fn required_value<T: DeserializeOwned>(&mut self, name: &'static str, wanted: &str) -> Option<T> {
        let value = self.optional_value(name, wanted);
        if value.is_none() {
            self.faults.entry(name.to_owned()).or_insert_with(|| "This field is required.".to_owned());
        }
        value
    }

    /// Takes a field that is no string and may be left out or be `null`, as serde reads it.
    pub fn optional_value<T: DeserializeOwned>(&mut self, name: &'static str, wanted: &str) -> Option<T> {
        self.known.push(name);
        let value = self.fields.remove(name).filter(|value| !value.is_null())?;
        let read = serde_json::from_value(value).ok();
        if read.is_none() {
            self.refuse(name, &format!("This must be {wanted}."));
        }
        read
    }

    /// Notes that a field which was taken is wrong all the same.
    pub fn refuse(&mut self, name: &str, fault: &str) {
        self.faults.insert(recognisable(name), fault.to_owned());
    }

    /// Whether a field is noted as wrong.
    #[must_use]
    pub fn is_refused(&self, name: &str) -> bool {
        self.faults.contains_key(name)
    }

    /// Takes a field that may be left out: `None`. `Some(None)`: it is `null`, and what it stands for is to go.
    pub fn change<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Option<Option<T>> {
        let is_given = self.fields.contains_key(name);
        let value = self.optional(name);
        is_given.then_some(value)
    }

    /// The same of a field that is no string, as serde reads it.
    pub fn change_value<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        wanted: &str,
    ) -> Option<Option<T>> {
        let is_given = self.fields.contains_key(name);
        let value = self.optional_value(name, wanted);
        is_given.then_some(value)
    }

    /// Takes every field that was not taken yet, whatever it is called.
    pub fn rest(&mut self) -> Map<String, Value> {
        std::mem::take(&mut self.fields)
    }

    fn refuse_unknown(&mut self) {
        let known = match self.known.as_slice() {
            [] => "nothing is to be said".to_owned(),
            known => format!("the fields are {}", known.join(", ")),
        };
        for name in self.fields.keys() {
            self.faults.insert(recognisable(name), format!("There is no such field here; {known}."));
        }
    }
}

/// A name that was sent, which comes back in the answer: no longer than needed to recognise it.
fn recognisable(name: &str) -> String {
    name.chars().take(64).collect()
}

/// The body of a request that has nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nothing;

impl Body for Nothing {
    fn take(_form: &mut Form) -> Option<Self> {
        Some(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::Slug;

    #[derive(Debug, PartialEq)]
    struct Example {
        slug: Slug,
        other: Option<Slug>,
    }

    impl Body for Example {
        fn take(form: &mut Form) -> Option<Self> {
            let (slug, other) = (form.required("slug"), form.optional("other"));
            Some(Self { slug: slug?, other })
        }
    }

    struct Numbers(Vec<u8>);

    impl Body for Numbers {
        fn take(form: &mut Form) -> Option<Self> {
            let numbers: Option<Vec<u8>> = form.required_value("numbers", "a list of numbers");
            if numbers.as_ref().is_some_and(Vec::is_empty) {
                form.refuse("numbers", "One at least.");
            }
            numbers.map(Self)
        }
    }

    #[test]
    fn takes_what_is_no_string() {
        assert_eq!(read::<Numbers>(br#"{"numbers": [1, 2]}"#).unwrap().0, [1, 2]);
        for bad in ["{}", "[\"1\"]", "5", "\"1\"", "[256]", "[]", "null"] {
            let text = if bad == "{}" { bad.to_owned() } else { format!("{{\"numbers\": {bad}}}") };
            let Err(BodyError::Invalid(faults)) = read::<Numbers>(text.as_bytes()) else { panic!("{bad}") };
            assert_eq!(faults.into_keys().collect::<Vec<_>>(), ["numbers"], "{bad}");
        }
    }

    fn faults(text: &str) -> Vec<String> {
        match read::<Example>(text.as_bytes()) {
            Err(BodyError::Invalid(faults)) => faults.into_keys().collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn takes_what_is_right() {
        let body = read::<Example>(br#"{"slug": "shop"}"#).unwrap();
        assert_eq!(body, Example { slug: "shop".parse().unwrap(), other: None });
        assert!(read::<Example>(br#"{"slug": "shop", "other": null}"#).is_ok());
        assert!(read::<Example>(br#"{"slug": "shop", "other": "a"}"#).unwrap().other.is_some());
    }

    #[test]
    fn names_every_wrong_field_at_once() {
        assert_eq!(faults("{}"), ["slug"]);
        assert_eq!(faults(r#"{"slug": null}"#), ["slug"]);
        assert_eq!(faults(r#"{"slug": 5, "other": "../x"}"#), ["other", "slug"]);
        assert_eq!(faults(r#"{"slgu": "shop", "other": []}"#), ["other", "slgu", "slug"]);
        assert_eq!(faults(r#"{"slug": "shop", "owner": "eve"}"#), ["owner"]);
    }

    #[test]
    fn refuses_what_is_no_object() {
        for text in ["[]", "null", "\"slug\"", "5"] {
            assert_eq!(read::<Example>(text.as_bytes()), Err(BodyError::NotAnObject), "{text}");
        }
        for text in ["", "{", "{'slug'}", "\u{0}", &"[".repeat(100_000)] {
            assert!(matches!(read::<Example>(text.as_bytes()), Err(BodyError::NotJson(_))));
        }
        assert!(matches!(read::<Example>(b"{\"slug\": \"\xff\"}"), Err(BodyError::NotJson(_))));
    }
}
