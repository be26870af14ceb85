//! Reading the query of a URL: every parameter is known by name, or the request is refused.

use crate::api::error::{ApiError, Code};
use crate::store::{Cursor, PageRequest};
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

/// The parameters of a query that have not been taken yet.
#[derive(Debug)]
pub(super) struct Query {
    parameters: BTreeMap<String, String>,
}

impl Query {
    /// Takes a query apart. Given twice, a parameter has two meanings: refused.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let mut parameters = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if let Some((name, _)) = parameters.insert(name.clone(), value).map(|old| (name, old)) {
                return Err(refused(&name, "it is given twice"));
            }
        }
        Ok(Self { parameters })
    }

    /// Takes a parameter as it stands.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.parameters.remove(name)
    }

    /// Takes a parameter of a type.
    pub(super) fn value<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>, ApiError> {
        self.text(name).map(|text| text.parse().map_err(|error: T::Err| refused(name, error))).transpose()
    }

    /// Takes a parameter that is one of some words, as serde reads them.
    pub(super) fn word<T: serde::de::DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, ApiError> {
        let parse = |text: String| {
            serde_json::from_value(serde_json::Value::String(text)).map_err(|error| refused(name, error))
        };
        self.text(name).map(parse).transpose()
    }

    /// Takes `limit` and `cursor`.
    pub(super) fn page(&mut self) -> Result<PageRequest, ApiError> {
        let cursor = self.value::<Cursor>("cursor")?;
        let limit = self.limit(PageRequest::MAX_LIMIT)?;
        Ok(PageRequest::new(limit, cursor))
    }

    /// Takes `limit`: from 1 to `most`, which it is unless given.
    pub(super) fn limit(&mut self, most: u16) -> Result<u16, ApiError> {
        Ok(self.limit_called("limit", most)?.unwrap_or(most))
    }

    /// Takes a number from 1 to `most` that has this name.
    pub(super) fn limit_called(&mut self, name: &str, most: u16) -> Result<Option<u16>, ApiError> {
        match self.value::<u16>(name)? {
            Some(limit) if !(1..=most).contains(&limit) => {
                Err(refused(name, format!("it is a number from 1 to {most}")))
            }
            limit => Ok(limit),
        }
    }

    /// Refuses what nobody has taken.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        match self.parameters.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(refused(&name, "there is no such parameter here")),
        }
    }
}

fn refused(name: &str, reason: impl Display) -> ApiError {
    let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    ApiError::new(Code::InvalidQuery, format!("The query parameter `{name}` is refused: {reason}."))
}

/// A name or value as a form encodes it (WHATWG URL §5.1).
fn decode(text: &str) -> Result<String, ApiError> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(Into::into).map_err(|_| ApiError::new(Code::InvalidQuery, "The query is not valid UTF-8."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_is_known_and_refuses_the_rest() {
        let mut query = Query::parse("limit=5&confirm=my+shop%21&").unwrap();
        assert_eq!(query.text("confirm").as_deref(), Some("my shop!"));
        assert_eq!(query.limit(100).unwrap(), 5);
        query.finish().unwrap();
        assert!(Query::parse("x=1").unwrap().finish().is_err());
        assert!(Query::parse("a=1&a=2").is_err());
        assert!(Query::parse("a=%ff").is_err());
        for bad in ["limit=0", "limit=101", "limit=-1", "limit=", "cursor=x"] {
            assert!(Query::parse(bad).unwrap().page().is_err(), "{bad}");
        }
    }
}
