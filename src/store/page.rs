//! Long lists, a page at a time.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
}

/// Which page of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    limit: i64,
    after: Option<Cursor>,
}

/// The place in a list after which a page begins: the key of the last item that was seen, so that rows which come and
/// go in between neither repeat nor hide others. Its text is opaque to whoever holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(u128);

/// The text is not one that a list gave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor of a list")]
pub struct InvalidCursor;

impl PageRequest {
    /// Most items of a page.
    pub const MAX_LIMIT: u16 = 100;

    /// A page of `limit` items, cut to 1 to [`Self::MAX_LIMIT`], after a cursor or from the start.
    #[must_use]
    pub fn new(limit: u16, after: Option<Cursor>) -> Self {
        Self { limit: i64::from(limit.clamp(1, Self::MAX_LIMIT)), after }
    }

    /// The first page, as long as a page may be.
    #[must_use]
    pub fn first() -> Self {
        Self::new(Self::MAX_LIMIT, None)
    }

    /// Rows to ask the database for: one more than are shown tells whether there is another page.
    pub(super) const fn rows(self) -> i64 {
        self.limit + 1
    }

    /// The id after which the page begins.
    pub(super) fn after_id(self) -> Option<Uuid> {
        self.after.map(|cursor| Uuid::from_u128(cursor.0))
    }

    /// The number after which the page begins.
    pub(super) fn after_number(self) -> Option<i64> {
        self.after.map(|cursor| i64::try_from(cursor.0).unwrap_or(i64::MAX))
    }
}

impl<T> Page<T> {
    /// The page made of the rows that a request asked for; `cursor` gives the place of an item.
    pub(super) fn from_rows(
        mut data: Vec<T>,
        request: PageRequest,
        cursor: impl FnOnce(&T) -> Cursor,
    ) -> Self {
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let more = data.len() > limit;
        data.truncate(limit);
        let next = if more { data.last().map(cursor) } else { None };
        Self { data, next }
    }
}

impl Cursor {
    /// The place of an item in a list that is sorted by id. Ids are UUIDv7 and so sort by time.
    pub(super) const fn id(id: Uuid) -> Self {
        Self(id.as_u128())
    }

    /// The place of an item in a list that is sorted by a number from 0.
    pub(super) fn number(number: i64) -> Self {
        Self(u128::try_from(number).unwrap_or(0))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0.to_be_bytes()))
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        bytes.try_into().map(u128::from_be_bytes).map(Self).map_err(|_| InvalidCursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text() {
        let cursor = Cursor::id(Uuid::now_v7());
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "x", "AAAA", "'; DROP TABLE users", &"A".repeat(23)] {
            assert_eq!(bad.parse::<Cursor>(), Err(InvalidCursor), "{bad}");
        }
    }

    #[test]
    fn only_a_full_page_has_a_next_one() {
        let request = PageRequest::new(2, None);
        assert_eq!(Page::from_rows(vec![5, 4], request, |n| Cursor::number(*n)).next, None);
        let page = Page::from_rows(vec![5, 4, 3], request, |n| Cursor::number(*n));
        assert_eq!((page.data, page.next), (vec![5, 4], Some(Cursor(4))));
        assert_eq!(PageRequest::new(0, None).limit, 1);
        assert_eq!(PageRequest::new(5000, None).limit, 100);
    }
}
