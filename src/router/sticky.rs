//! A client that stays with one instance, as long as that is there: by a cookie that stands for the instance.
//!
//! What a client sends is compared with what the instances of its app are called, and is nothing else: a cookie of nobody's
//! is as good as none. The name says nothing about an instance, and is the same after a restart of the server.

use crate::model::route::RouteTarget;
use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue, SET_COOKIE};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// What the cookie is called.
const NAME: &str = "gilgal_instance";
/// Bytes of a name, of those that make it.
const LENGTH: usize = 16;

/// The name of an instance for clients.
pub(super) fn name_of(place: &RouteTarget) -> String {
    let digest = Sha256::digest(format!("a client of {}", place.instance_id.0));
    digest.iter().take(LENGTH).fold(String::with_capacity(2 * LENGTH), |mut name, byte| {
        // Writing to a string does not fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// Takes the cookie out of a request: it is no business of the app's.
pub(super) fn take(headers: &mut HeaderMap) -> Option<String> {
    let given = headers.get(COOKIE)?.to_str().ok()?;
    if !given.contains(NAME) {
        return None;
    }
    let (mut taken, mut left) = (None, Vec::new());
    for pair in given.split(';').map(str::trim) {
        match pair.split_once('=') {
            Some((NAME, name)) => taken = Some(name.to_owned()),
            Some(_) | None => left.push(pair),
        }
    }
    let left = left.join("; ");
    if left.is_empty() {
        headers.remove(COOKIE);
    } else if let Ok(left) = HeaderValue::from_str(&left) {
        headers.insert(COOKIE, left);
    }
    taken
}

/// Gives a client the name of its instance.
pub(super) fn give(headers: &mut HeaderMap, name: &str, is_secure: bool) {
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!("{NAME}={name}; Path=/; HttpOnly; SameSite=Lax{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        headers.append(SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_taken_out_and_others_stay() {
        for (given, taken, left) in [
            ("a=1; gilgal_instance=x; b=2", Some("x"), Some("a=1; b=2")),
            ("gilgal_instance=x", Some("x"), None),
            ("not_gilgal_instance=x;a=1", None, Some("not_gilgal_instance=x; a=1")),
            ("a=1;b=2", None, Some("a=1;b=2")),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_static(given));
            assert_eq!(take(&mut headers).as_deref(), taken, "{given}");
            assert_eq!(headers.get(COOKIE).map(|left| left.to_str().unwrap()), left, "{given}");
        }
    }
}
