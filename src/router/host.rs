//! Host names, as clients write them and as the table has them.

use std::borrow::Cow;

/// The name of an authority (`Shop.Example.com.:8080` → `shop.example.com`): lower case, without a port and a trailing
/// dot. `None` when it is not an authority that a browser would send (RFC 9112 §3.2): empty, with a user, with a port
/// that is not a number, or with characters that no host name and no IP address has.
pub(super) fn name_of(authority: &[u8]) -> Option<Cow<'_, str>> {
    let authority = std::str::from_utf8(authority).ok()?;
    let (name, port) = split_port(authority)?;
    if !port.bytes().all(|byte| byte.is_ascii_digit()) || port.len() > 5 {
        return None;
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_address = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let valid = match name.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').is_some_and(|address| address.bytes().all(is_address)),
        None => !name.is_empty() && name.len() <= 253 && name.bytes().all(is_name),
    };
    if !valid {
        None
    } else if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Some(Cow::Owned(name.to_ascii_lowercase()))
    } else {
        Some(Cow::Borrowed(name))
    }
}

/// The port that an authority names, for `X-Forwarded-Port`.
pub(super) fn port_of(authority: &[u8]) -> Option<u16> {
    split_port(std::str::from_utf8(authority).ok()?)?.1.parse().ok()
}

/// Host and port; the port is empty where there is none.
fn split_port(authority: &str) -> Option<(&str, &str)> {
    if authority.starts_with('[') {
        let (address, rest) = authority.split_at(authority.find(']')? + 1);
        return if rest.is_empty() { Some((address, "")) } else { Some((address, rest.strip_prefix(':')?)) };
    }
    Some(authority.split_once(':').unwrap_or((authority, "")))
}

#[cfg(test)]
mod tests {
    use super::{name_of, port_of};

    #[test]
    fn one_name_for_every_spelling() {
        for written in ["shop.example.com", "Shop.Example.COM", "shop.example.com.", "shop.example.com:8080"]
        {
            assert_eq!(name_of(written.as_bytes()).as_deref(), Some("shop.example.com"), "{written}");
        }
        assert_eq!(name_of(b"[::1]:8080").as_deref(), Some("[::1]"));
        assert_eq!(name_of(b"127.0.0.1").as_deref(), Some("127.0.0.1"));
    }

    #[test]
    fn refuses_what_no_browser_sends() {
        for written in [
            "",
            ".",
            ":80",
            "a b",
            "user@shop",
            "shop:80:80",
            "shop:x",
            "shop:123456",
            "shop/..",
            "[::1",
            "sh\u{f6}p",
            "[::1]x",
        ] {
            assert_eq!(name_of(written.as_bytes()), None, "{written}");
        }
    }

    #[test]
    fn ports() {
        assert_eq!(port_of(b"shop:8080"), Some(8080));
        assert_eq!(port_of(b"[::1]:81"), Some(81));
        assert_eq!(port_of(b"shop"), None);
        assert_eq!(port_of(b"shop:99999"), None);
    }
}
