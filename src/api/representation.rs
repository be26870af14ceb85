//! The JSON of an answer, kept beside it: what its entity tag, the audit log and a repeated request are made of.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use warp::http::StatusCode;
use warp::http::header::{CONTENT_TYPE, HeaderValue};
use warp::reply::Response;

/// The JSON of an answer.
#[derive(Debug, Clone)]
pub(super) struct Representation {
    /// As it is sent.
    pub(super) sent: Bytes,
    /// As it may be kept in plain text; `None` when that is the same.
    shown: Option<Bytes>,
}

/// The JSON of a body. Bodies are made of maps with text keys: serialising them cannot fail.
pub(super) fn bytes_of(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).map(Bytes::from).unwrap_or_default()
}

impl Representation {
    /// A response that carries its representation.
    pub(super) fn response(status: StatusCode, body: &impl Serialize) -> Response {
        let sent = bytes_of(body);
        let mut response = Response::new(sent.clone().into());
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.extensions_mut().insert(Self { sent, shown: None });
        response
    }

    /// Of an answer, where it is JSON that was not streamed.
    pub(super) fn of(response: &Response) -> Option<&Self> {
        response.extensions().get()
    }

    /// Says what of an answer with a secret may be kept in plain text.
    pub(super) fn conceal(response: &mut Response, shown: &impl Serialize) {
        if let Some(representation) = response.extensions_mut().get_mut::<Self>() {
            representation.shown = Some(bytes_of(shown));
        }
    }

    /// What may be kept in plain text.
    pub(super) fn shown(&self) -> Option<Value> {
        serde_json::from_slice(self.shown.as_ref().unwrap_or(&self.sent)).ok()
    }

    /// The strong entity tag (RFC 9110 §8.8.3).
    pub(super) fn tag(&self) -> String {
        tag(&self.sent)
    }
}

/// The entity tag of a representation.
pub(super) fn tag(sent: &[u8]) -> String {
    format!("\"{}\"", hex::encode(&Sha256::digest(sent)[..16]))
}

/// Whether one of the tags in a header is the one that is meant, or any is. `W/` is looked over where a weak comparison
/// is asked for (RFC 9110 §8.8.3.2).
pub(super) fn matches(header: &str, tag: &str, weak: bool) -> bool {
    header.split(',').map(str::trim).any(|given| {
        let given = if weak { given.strip_prefix("W/").unwrap_or(given) } else { given };
        given == "*" || given == tag
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tag_follows_what_is_sent() {
        let (one, other) = (tag(b"{\"a\":1}"), tag(b"{\"a\":2}"));
        assert_ne!(one, other);
        for header in [one.clone(), format!("{other}, {one}"), "*".to_owned(), format!(" {one} ")] {
            assert!(matches(&header, &one, false), "{header}");
        }
        let weak = format!("W/{one}");
        assert!(matches(&weak, &one, true));
        for header in [&weak, &other, "", "abc", one.trim_matches('"')] {
            assert!(!matches(header, &one, false), "{header}");
        }
    }

    #[test]
    fn a_secret_is_sent_and_not_kept() {
        let mut response = Representation::response(StatusCode::CREATED, &json!({ "key": "glg_x", "id": 1 }));
        Representation::conceal(&mut response, &json!({ "id": 1 }));
        let kept = Representation::of(&response).unwrap();
        assert_eq!(kept.shown(), Some(json!({ "id": 1 })));
        assert!(std::str::from_utf8(&kept.sent).unwrap().contains("glg_x"));
    }
}
