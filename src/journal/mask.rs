//! Keeps the values of secrets out of logs.

use crate::model::secret::Secret;

/// Shorter values are not masked: `1` or `true` would turn a log into stars and hide nothing.
const SHORTEST: usize = 6;
const MASK: &str = "********";

/// The values that must not be read in a log.
#[derive(Debug, Clone, Default)]
pub(super) struct Mask(Vec<Secret<String>>);

impl Mask {
    /// Masks each line of each value that is long enough to be a secret.
    pub(super) fn new<'a>(values: impl IntoIterator<Item = &'a Secret<String>>) -> Self {
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

    pub(super) fn apply(&self, mut text: String) -> String {
        for value in &self.0 {
            if text.contains(value.expose().as_str()) {
                text = text.replace(value.expose().as_str(), MASK);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_masked_wherever_they_stand() {
        let values = ["hunter2-hunter2", "hunter2", "no", "first line\nsecond line"]
            .map(|v| Secret::new(v.to_owned()));
        let mask = Mask::new(&values);
        let masked = mask.apply("a=hunter2-hunter2 b=hunter2 c=no second line".to_owned());
        assert_eq!(masked, "a=******** b=******** c=no ********");
    }
}
