//! What people write where a version is asked for: npm's ranges, PEP 440's specifiers and Poetry's constraints.
//!
//! They are close enough to be read by one parser as a set of intervals, since the question is always the same one:
//! is there any version of the line `22` (or `3.13`) that satisfies this?

/// A release number; missing parts are zero.
type Number = (u64, u64, u64);

const END: Number = (u64::MAX, 0, 0);

/// Versions from `start`, up to and without `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval {
    start: Number,
    end: Number,
}

/// The set of versions that a text allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Requirement(Vec<Interval>);

impl Requirement {
    /// Reads a requirement: alternatives divided by `||`, each a list of comparisons divided by spaces or commas.
    /// `None` where the text is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut intervals = Vec::new();
        // Poetry also writes a single bar between alternatives.
        for alternative in text.split('|').filter(|part| !part.is_empty()) {
            intervals.extend(parse_alternative(alternative)?);
        }
        (!intervals.is_empty()).then_some(Self(intervals))
    }

    /// Whether some version of a line satisfies the requirement. The line `22` stands for everything from 22.0.0 to
    /// before 23.0.0.
    pub(crate) fn allows_line(&self, line: &str) -> bool {
        let Some(line) = Partial::parse(line) else { return false };
        self.0.iter().any(|interval| intersection(*interval, line.interval()).is_some())
    }
}

fn parse_alternative(text: &str) -> Option<Vec<Interval>> {
    if let Some((from, to)) = text.split_once(" - ") {
        let (from, to) = (Partial::parse(from.trim())?, Partial::parse(to.trim())?);
        return Some(vec![Interval { start: from.start(), end: to.end() }]);
    }
    let mut allowed = vec![Interval { start: (0, 0, 0), end: END }];
    let mut operator = String::new();
    for word in text.split([' ', ',', '\t']).filter(|word| !word.is_empty()) {
        let digits = word.find(|c: char| !"<>=^~!".contains(c)).unwrap_or(word.len());
        operator.push_str(&word[..digits]);
        // An operator may stand alone before its version: ">= 18".
        if digits == word.len() {
            continue;
        }
        let comparison = comparison(&operator, &Partial::parse(&word[digits..])?)?;
        allowed = allowed
            .iter()
            .flat_map(|left| comparison.iter().filter_map(|right| intersection(*left, *right)))
            .collect();
        operator.clear();
    }
    operator.is_empty().then_some(allowed)
}

/// The versions that one comparison allows.
fn comparison(operator: &str, version: &Partial) -> Option<Vec<Interval>> {
    let (start, end) = (version.start(), version.end());
    let interval = match operator {
        "" | "=" | "==" | "===" => Interval { start, end },
        ">=" => Interval { start, end: END },
        ">" => Interval { start: end, end: END },
        "<=" => Interval { start: (0, 0, 0), end },
        "<" => Interval { start: (0, 0, 0), end: start },
        "^" => Interval { start, end: version.next_incompatible() },
        "~" => Interval { start, end: version.next_in(if version.numbers.len() < 2 { 1 } else { 2 }) },
        // PEP 440: ~= 3.11 allows 3.12, ~= 3.11.2 does not.
        // So does ~> of Ruby and Elixir.
        "~=" | "~>" => {
            Interval { start, end: version.next_in(version.numbers.len().saturating_sub(1).max(1)) }
        }
        "!=" => {
            return Some(vec![Interval { start: (0, 0, 0), end: start }, Interval { start: end, end: END }]);
        }
        _ => return None,
    };
    Some(vec![interval])
}

fn intersection(left: Interval, right: Interval) -> Option<Interval> {
    let interval = Interval { start: left.start.max(right.start), end: left.end.min(right.end) };
    (interval.start < interval.end).then_some(interval)
}

/// A version of which only the first parts may be given: `22`, `3.13`, `20.x`, `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Partial {
    numbers: Vec<u64>,
}

impl Partial {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start_matches(['v', 'V']);
        let mut numbers = Vec::new();
        // What follows a dash or a plus is a pre-release or a build; it does not change the line.
        for part in text.split(['-', '+']).next()?.split('.') {
            if matches!(part, "*" | "x" | "X") {
                break;
            }
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            let is_number = digits > 0
                && part[digits..].chars().all(|c| c.is_ascii_alphanumeric())
                && part.len() <= 12
                && (digits == part.len() || !numbers.is_empty());
            if !is_number || numbers.len() == 4 {
                return None;
            }
            numbers.push(part[..digits].parse().ok()?);
        }
        numbers.truncate(3);
        Some(Self { numbers })
    }

    fn number(&self, index: usize) -> u64 {
        self.numbers.get(index).copied().unwrap_or(0)
    }

    fn start(&self) -> Number {
        (self.number(0), self.number(1), self.number(2))
    }

    /// The first version that does not have these parts.
    fn end(&self) -> Number {
        self.next_in(self.numbers.len())
    }

    fn interval(&self) -> Interval {
        Interval { start: self.start(), end: self.end() }
    }

    /// The first version after all that share the first `parts` parts.
    fn next_in(&self, parts: usize) -> Number {
        match parts {
            0 => END,
            1 => (self.number(0) + 1, 0, 0),
            2 => (self.number(0), self.number(1) + 1, 0),
            _ => (self.number(0), self.number(1), self.number(2) + 1),
        }
    }

    /// The end of a caret range: the first non-zero part may not change.
    fn next_incompatible(&self) -> Number {
        let first =
            self.numbers.iter().position(|number| *number != 0).unwrap_or(self.numbers.len().max(1) - 1);
        if self.numbers.is_empty() { END } else { self.next_in(first + 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::Requirement;

    fn allowed(text: &str, lines: &[&'static str]) -> Option<Vec<&'static str>> {
        let requirement = Requirement::parse(text)?;
        Some(lines.iter().copied().filter(|line| requirement.allows_line(line)).collect())
    }

    #[test]
    fn npm_ranges() {
        let lines = ["18", "20", "22", "24"];
        for (text, expected) in [
            ("22", vec!["22"]),
            ("v22.3.0", vec!["22"]),
            ("20.x", vec!["20"]),
            (">=18", vec!["18", "20", "22", "24"]),
            (">= 20.9.0 <23", vec!["20", "22"]),
            ("^20.19.0 || >=22.12.0", vec!["20", "22", "24"]),
            ("^18 || ^20", vec!["18", "20"]),
            ("18 - 20", vec!["18", "20"]),
            ("~22.1", vec!["22"]),
            ("*", vec!["18", "20", "22", "24"]),
            ("<20", vec!["18"]),
            (">22", vec!["24"]),
            ("22.0.0-rc.1", vec!["22"]),
            ("16", vec![]),
            ("^0.12", vec![]),
        ] {
            assert_eq!(allowed(text, &lines), Some(expected), "{text}");
        }
    }

    #[test]
    fn python_specifiers() {
        let lines = ["3.9", "3.10", "3.11", "3.12", "3.13"];
        for (text, expected) in [
            ("3.12.4", vec!["3.12"]),
            (">=3.11", vec!["3.11", "3.12", "3.13"]),
            (">=3.10,<3.13", vec!["3.10", "3.11", "3.12"]),
            ("~=3.11", vec!["3.11", "3.12", "3.13"]),
            ("~=3.11.2", vec!["3.11"]),
            ("==3.12.*", vec!["3.12"]),
            (">=3.11, !=3.12.*", vec!["3.11", "3.13"]),
            ("^3.11", vec!["3.11", "3.12", "3.13"]),
            ("~3.11", vec!["3.11"]),
            ("3", vec!["3.9", "3.10", "3.11", "3.12", "3.13"]),
            ("3.13.0rc1", vec!["3.13"]),
        ] {
            assert_eq!(allowed(text, &lines), Some(expected), "{text}");
        }
    }

    #[test]
    fn hostile_text_is_not_a_requirement() {
        for text in [
            "",
            "||",
            "22; RUN rm -rf /",
            "$(id)",
            "`id`",
            "22\nRUN id",
            "latest",
            "99999999999999999999",
            ">=",
            "1.2.3.4.5",
            "=>22",
            "\"22\"",
        ] {
            assert_eq!(Requirement::parse(text), None, "{text:?}");
        }
    }
}
