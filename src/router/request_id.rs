//! `X-Request-Id`: one id for a request in the client's log, the app's and ours.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Makes ids that are unique on this server: a number drawn at start and one that counts.
#[derive(Debug)]
pub(super) struct RequestIds {
    start: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        Self { start: rand::random(), next: AtomicU64::new(0) }
    }

    /// The id of a request: the client's own where it is well-formed, else a new one. Set in `headers` either way.
    pub(super) fn settle(&self, headers: &mut HeaderMap) -> HeaderValue {
        let mut given = headers.get_all(HEADER).iter();
        if let (Some(id), None) = (given.next(), given.next())
            && is_well_formed(id.as_bytes())
        {
            return id.clone();
        }
        let id = self.make();
        headers.insert(HEADER, id.clone());
        id
    }

    fn make(&self) -> HeaderValue {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = [0_u8; 32];
        let (start, end) = text.split_at_mut(16);
        write_hex(start, self.start);
        write_hex(end, count);
        HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}

/// 8 to 128 characters that mean nothing to a shell, a log or a page.
fn is_well_formed(id: &[u8]) -> bool {
    (8..=128).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_=+/.:".contains(byte))
}

fn write_hex(into: &mut [u8], number: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (place, byte) in into.iter_mut().rev().enumerate() {
        *byte = DIGITS[(number >> (4 * place) & 0xf) as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_formed_id_is_kept_and_others_are_replaced() {
        let ids = RequestIds { start: 0xabc, next: AtomicU64::new(0x1f) };
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_static("01H-abc_9=+/"));
        assert_eq!(ids.settle(&mut headers), "01H-abc_9=+/");

        for bad in ["short", "has spaces in it", "<script>alert(1)</script>"] {
            headers.insert(HEADER, HeaderValue::from_str(bad).unwrap());
            assert_ne!(ids.settle(&mut headers), bad);
        }
        headers.insert(HEADER, HeaderValue::from_static("one-good-id"));
        headers.append(HEADER, HeaderValue::from_static("and-a-second"));
        assert_eq!(ids.settle(&mut headers), "0000000000000abc0000000000000022");
        assert_eq!(headers.get_all(HEADER).iter().count(), 1);
    }
}
