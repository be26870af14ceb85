//! Looking for a text in what is printed.

use std::str::FromStr;

/// A text that lines have, in capitals or small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search(String);

/// The text cannot be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is a text of 1 to {} characters in one line", Search::LONGEST)]
pub struct InvalidSearch;

impl Search {
    const LONGEST: usize = 200;

    /// Whether a line has the text.
    #[must_use]
    pub fn finds(&self, line: &str) -> bool {
        line.to_lowercase().contains(&self.0)
    }
}

impl FromStr for Search {
    type Err = InvalidSearch;

    fn from_str(text: &str) -> Result<Self, InvalidSearch> {
        let is_one = (1..=Self::LONGEST).contains(&text.chars().count()) && !text.contains(char::is_control);
        if is_one { Ok(Self(text.to_lowercase())) } else { Err(InvalidSearch) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_in_capitals_or_small_letters() {
        let search: Search = "Größe 404".parse().unwrap();
        assert!(search.finds("GET / GRÖSSE größe 404!"));
        assert!(!search.finds("größe 40"));
        for wrong in ["", "a\nb", "\u{1b}", &"x".repeat(201)] {
            assert_eq!(wrong.parse::<Search>(), Err(InvalidSearch), "{wrong}");
        }
    }
}
