//! Headers that are for one connection only (RFC 9110 §7.6.1), and cookies that HTTP/2 has cut into pieces.

use hyper::HeaderMap;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Removes what was meant for us: the fixed list and every header that `Connection` names. `Trailer` stays, since
/// trailers are passed on.
pub(super) fn strip(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = tokens(headers, &CONNECTION)
            .filter_map(|token| token.parse().ok())
            // Naming these would change whom the request is for, or where it ends.
            .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    for name in [KEEP_ALIVE, PROXY_CONNECTION, TE, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
}

/// What the client asks to switch to (`websocket`), if it does. `h2c` is refused by not being passed on: an app that
/// took it would hand the client a connection on which we see no requests any more.
pub(super) fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let wanted = headers.get(UPGRADE)?;
    let asked = tokens(headers, &CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"));
    let is_h2c = tokens(headers, &UPGRADE).any(|token| token.eq_ignore_ascii_case("h2c"));
    (asked && !is_h2c).then(|| wanted.clone())
}

/// Asks the other side to switch the connection to `protocol`, or says that we do.
pub(super) fn set_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// Whether the client takes trailers (`TE: trailers`).
pub(super) fn takes_trailers(headers: &HeaderMap) -> bool {
    tokens(headers, &TE).any(|token| token.eq_ignore_ascii_case("trailers"))
}

/// Joins the cookies that an HTTP/2 client has sent one by one (RFC 9113 §8.2.3).
pub(super) fn join_cookies(headers: &mut HeaderMap) {
    let mut pieces = headers.get_all(COOKIE).iter();
    if pieces.next().is_none() || pieces.next().is_none() {
        return;
    }
    let pieces: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&pieces.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn strips_the_list_and_what_connection_names() {
        let mut map = headers(&[
            ("connection", "keep-alive, X-Secret, host, content-length"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "close"),
            ("x-secret", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("host", "shop"),
            ("content-length", "3"),
            ("accept", "*/*"),
            ("trailer", "x-sum"),
        ]);
        strip(&mut map);
        let mut left: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "content-length", "host", "trailer"]);
    }

    #[test]
    fn an_upgrade_needs_both_headers_and_is_never_h2c() {
        let asked = [("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")];
        assert_eq!(wanted_upgrade(&headers(&asked)).unwrap(), "websocket");
        assert!(wanted_upgrade(&headers(&asked[1..])).is_none());
        assert!(wanted_upgrade(&headers(&asked[..1])).is_none());
        assert!(wanted_upgrade(&headers(&[("connection", "upgrade"), ("upgrade", "H2C")])).is_none());
    }

    #[test]
    fn cookies_are_one_line() {
        let mut map = headers(&[("cookie", "a=1"), ("cookie", "b=2")]);
        join_cookies(&mut map);
        assert_eq!(map.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    }
}
