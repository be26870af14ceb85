//! Releases as people name them.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// A release: `v7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Version(pub(super) i64);

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('v').unwrap_or(text);
        match digits.parse() {
            Ok(number) if number > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Self(number)),
            Ok(_) | Err(_) => Err("write a release as lists show it: v7".to_owned()),
        }
    }
}

impl Display for Version {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "v{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_numbers_from_one() {
        assert_eq!("v7".parse(), Ok(Version(7)));
        assert_eq!("12".parse(), Ok(Version(12)));
        for wrong in ["", "v", "v0", "v-1", "+1", "seven", "v7x"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
        assert_eq!(Version(7).to_string(), "v7");
    }
}
