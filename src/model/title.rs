//! Short free texts that people name things with.

use crate::model::name::Slug;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The name of a project or the title of a key: one line for people, which no program relies on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Title(String);

/// A text cannot be a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Use 1 to {} visible characters.", Title::MAX_CHARACTERS)]
pub struct InvalidTitle;

impl Title {
    /// Most characters of a title.
    pub const MAX_CHARACTERS: usize = 100;

    /// The text of the title.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Title {
    type Err = InvalidTitle;

    /// Takes the text without the space around it.
    fn from_str(text: &str) -> Result<Self, InvalidTitle> {
        let text = text.trim();
        let valid = (1..=Self::MAX_CHARACTERS).contains(&text.chars().count())
            && text.chars().any(|c| !c.is_whitespace() && !is_invisible(c))
            && !text.chars().any(|c| c.is_control() || is_invisible(c));
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidTitle) }
    }
}

/// Characters that turn or hide the text around them: a title made of them could pass for another one
/// (Unicode TR 36 §3).
pub(super) const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Display for Title {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<Slug> for Title {
    /// A slug is visible and short, so that it can always stand in for a name that nobody has given.
    fn from(slug: Slug) -> Self {
        Self(slug.into())
    }
}

impl TryFrom<String> for Title {
    type Error = InvalidTitle;

    fn try_from(text: String) -> Result<Self, InvalidTitle> {
        text.parse()
    }
}

impl From<Title> for String {
    fn from(title: Title) -> Self {
        title.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_one_visible_line() {
        for (good, title) in
            [("Shop", "Shop"), (" My Shop ", "My Shop"), ("Äpfel & <b>Co</b>", "Äpfel & <b>Co</b>")]
        {
            assert_eq!(good.parse::<Title>().unwrap().as_str(), title);
        }
        for bad in ["", "  ", "a\nb", "a\u{1b}[2Jb", "a\0b", "\u{202e}pohs", "\u{200b}", &"x".repeat(101)] {
            assert!(bad.parse::<Title>().is_err(), "{bad:?}");
        }
    }
}
