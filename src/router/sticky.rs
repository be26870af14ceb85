//! A client that stays with one instance, as long as that is there: by a cookie that stands for the instance.
//!
//! What a client sends is compared with what the instances of its app are called, and is nothing else: a cookie of nobody's
//! is as good as none. The name says nothing about an instance, and is the same after a restart of the server.

use crate::model::route::RouteTarget;
use crate::router::hop;
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

/// Takes the cookie out of a request: it is no business of the app's. Gives every name that the client has sent, of which at
/// most one is meant: another app of the same domain can set one, too. What else is in its cookies, in whatever bytes,
/// stays.
pub(super) fn take(headers: &mut HeaderMap) -> Vec<String> {
    hop::join_cookies(headers);
    let given = headers.get(COOKIE).map(HeaderValue::as_bytes).unwrap_or_default();
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for pair in given.split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
        match pair.strip_prefix(NAME.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")) {
            Some(name) => taken.push(String::from_utf8_lossy(name).into_owned()),
            None if pair.is_empty() => {}
            None => left.push(pair),
        }
    }
    let left = left.join(&b"; "[..]);
    if taken.is_empty() {
        return taken;
    }
    if left.is_empty() {
        headers.remove(COOKIE);
    } else if let Ok(left) = HeaderValue::from_bytes(&left) {
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
            (&["a=1; gilgal_instance=x; b=2"][..], &["x"][..], Some("a=1; b=2")),
            (&["gilgal_instance=x"], &["x"], None),
            (&["not_gilgal_instance=x;a=1"], &[], Some("not_gilgal_instance=x;a=1")),
            (&["a=1;b=2"], &[], Some("a=1;b=2")),
            (&["a=\u{e9}; gilgal_instance=x"], &["x"], Some("a=\u{e9}")),
            // One of another app beside its own, and several lines.
            (&["gilgal_instance=x; gilgal_instance=y"], &["x", "y"], None),
            (&["a=1", "gilgal_instance=x", "b=2"], &["x"], Some("a=1; b=2")),
        ] {
            let mut headers = HeaderMap::new();
            for line in given {
                headers.append(COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            assert_eq!(take(&mut headers), taken, "{given:?}");
            let lines: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
            assert_eq!(lines, left.map(str::as_bytes).into_iter().collect::<Vec<_>>(), "{given:?}");
        }
    }
}
