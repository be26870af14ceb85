//! Keeps the values of secrets out of logs.

use crate::model::secret::Secret;
use std::ops::Range;

/// Shorter values are not masked: `1` or `true` would turn a log into stars and hide nothing.
const SHORTEST: usize = 6;
const MASK: &str = "********";

/// The values that must not be read in a log.
#[derive(Debug, Clone, Default)]
pub struct Mask(Vec<Secret<String>>);

impl Mask {
    /// Masks each line of each value that is long enough to be a secret.
    #[must_use]
    pub fn new<'a>(values: impl IntoIterator<Item = &'a Secret<String>>) -> Self {
        let mut parts: Vec<String> = values
            .into_iter()
            .flat_map(|value| value.expose().lines().map(str::trim).map(str::to_owned))
            .filter(|part| part.len() >= SHORTEST)
            .collect();
        // The longest first, so that a value that holds another is masked whole.
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        parts.dedup();
        Self(parts.into_iter().map(Secret::new).collect())
    }

    /// Masks these values as well.
    pub(super) fn add<'a>(&mut self, values: impl IntoIterator<Item = &'a Secret<String>>) {
        let known = std::mem::take(&mut self.0);
        let all: Vec<Secret<String>> = known.into_iter().chain(values.into_iter().cloned()).collect();
        *self = Self::new(&all);
    }

    /// A line with its values masked, of which no more than its first `at_most` bytes is shown.
    ///
    /// The line may be the beginning of a longer one, with up to `at_most` bytes behind what is shown: a value that
    /// begins in what is shown is masked, wherever it ends.
    #[must_use]
    pub fn apply(&self, text: &str, at_most: usize) -> String {
        let end = text.floor_char_boundary(at_most);
        let (mut shown, mut from) = (String::with_capacity(end), 0);
        for span in self.spans(text, end) {
            shown.push_str(&text[from..span.start]);
            shown.push_str(MASK);
            from = span.end;
        }
        shown.push_str(text.get(from..end).unwrap_or_default());
        if end < text.len() {
            shown.push_str(" … (the line is longer)");
        }
        shown
    }

    /// Where values begin before `end`, in their order; those that overlap are one.
    fn spans(&self, text: &str, end: usize) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for value in &self.0 {
            let value = value.expose().as_str();
            found.extend(text.match_indices(value).map(|(at, _)| at..at + value.len()));
            if end < text.len() {
                found.extend(begun(text, value, end));
            }
        }
        found.retain(|span| span.start < end);
        found.sort_by_key(|span| span.start);
        let mut apart: Vec<Range<usize>> = Vec::new();
        for span in found {
            match apart.last_mut() {
                Some(last) if span.start < last.end => last.end = last.end.max(span.end),
                Some(_) | None => apart.push(span),
            }
        }
        apart
    }
}

/// The place before `end` where a value begins that the end of the text cuts off. Only a value that is longer than all
/// that is not shown can.
fn begun(text: &str, value: &str, end: usize) -> Option<Range<usize>> {
    (0..end)
        .filter(|at| text.is_char_boundary(*at) && text.len() - at < value.len())
        .find(|at| value.starts_with(&text[*at..]))
        .map(|at| at..text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_masked_wherever_they_stand() {
        let values = ["hunter2-hunter2", "hunter2", "no", "first line\nsecond line"]
            .map(|v| Secret::new(v.to_owned()));
        let mask = Mask::new(&values);
        let masked = mask.apply("a=hunter2-hunter2 b=hunter2 c=no second line", 1000);
        assert_eq!(masked, "a=******** b=******** c=no ********");
    }

    #[test]
    fn a_value_is_masked_that_a_cut_goes_through() {
        let mask = |value: &str| Mask::new(&[Secret::new(value.to_owned())]);
        // Before, across and behind the last byte that is shown.
        for at in 0..40 {
            let text = format!("{}canary-canary{}", "x".repeat(at), "y".repeat(40));
            let shown = mask("canary-canary").apply(&text, 20);
            assert!(!shown.contains('c') && !shown.contains("ary"), "{at}: {shown}");
            assert_eq!(shown.contains(MASK), at < 20, "{at}: {shown}");
        }
        // Longer than what is kept of the line.
        let value: String = (0..200).map(|number| format!("canary{number}")).collect();
        let shown = mask(&value).apply(&format!("x={}", &value[..100]), 50);
        assert_eq!(shown, "x=******** … (the line is longer)");
    }

    #[test]
    fn values_that_overlap_are_masked_together() {
        let values = ["abcdefgh", "efghijkl"].map(|value| Secret::new(value.to_owned()));
        assert_eq!(Mask::new(&values).apply("<abcdefghijkl>", 1000), "<********>");
    }
}
