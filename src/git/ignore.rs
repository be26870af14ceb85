//! `.dockerignore`: which paths of a tree stay out of a build context.
//!
//! The rules are those of moby's `patternmatcher` (its documentation is Docker's "dockerignore file"): patterns are
//! rooted, `*`, `?` and `[…]` stay within one path segment, `**` spans any number of them, a pattern that matches a
//! folder matches all below it, `!` takes paths back, and the last pattern that decides wins.

/// The segment that stands for any number of folders.
const ANY_FOLDERS: &str = "**";
/// Patterns that are looked at; more are not for a project.
const MAX_PATTERNS: usize = 1_000;

/// A parsed `.dockerignore`.
#[derive(Debug, Default)]
pub(super) struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    segments: Vec<String>,
    takes_back: bool,
}

impl Ignore {
    pub(super) fn parse(text: &str) -> Self {
        let lines = text.trim_start_matches('\u{feff}').lines();
        Self {
            patterns: lines
                .filter(|line| !line.starts_with('#'))
                .filter_map(Pattern::parse)
                .take(MAX_PATTERNS)
                .collect(),
        }
    }

    /// Whether a path of the tree, a file or a folder, stays out.
    pub(super) fn excludes(&self, path: &str) -> bool {
        let segments: Vec<&str> = path.split('/').collect();
        let mut excluded = false;
        for pattern in &self.patterns {
            // A pattern that says what already holds need not be looked at.
            if pattern.takes_back == excluded && pattern.matches_or_holds(&segments) {
                excluded = !pattern.takes_back;
            }
        }
        excluded
    }

    /// Whether an excluded folder can be passed over whole: nothing below it can be taken back.
    pub(super) fn excludes_all_below(&self, folder: &str) -> bool {
        self.excludes(folder) && !self.patterns.iter().any(|pattern| pattern.takes_back)
    }
}

impl Pattern {
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let (takes_back, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, line),
        };
        let segments: Vec<String> =
            line.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect();
        (!segments.is_empty()).then_some(Self { segments, takes_back })
    }

    /// Whether the pattern matches the path or a folder that holds it.
    ///
    /// Goes through the path once and keeps the places of the pattern that it can be at: the time is the product of the
    /// two lengths, whatever the pattern.
    fn matches_or_holds(&self, path: &[&str]) -> bool {
        let end = self.segments.len();
        let mut places = vec![false; end + 1];
        places[0] = true;
        self.pass_over(&mut places);
        for segment in path {
            let mut next = vec![false; end + 1];
            for place in (0..end).filter(|place| places[*place]) {
                if self.segments[place] == ANY_FOLDERS {
                    next[place] = true;
                } else if segment_matches(self.segments[place].as_bytes(), segment.as_bytes()) {
                    next[place + 1] = true;
                }
            }
            self.pass_over(&mut next);
            if next[end] {
                return true;
            }
            places = next;
        }
        false
    }

    /// `**` also stands for no folder at all.
    fn pass_over(&self, places: &mut [bool]) {
        for (place, segment) in self.segments.iter().enumerate() {
            if places[place] && segment == ANY_FOLDERS {
                places[place + 1] = true;
            }
        }
    }
}

/// Matches one segment, going back only to the newest `*`: linear in practice and never exponential.
fn segment_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        if pattern.get(at_pattern) == Some(&b'*') {
            star = Some((at_pattern, at_text));
            at_pattern += 1;
        } else if let Some(length) = character_matches(&pattern[at_pattern..], text[at_text]) {
            at_pattern += length;
            at_text += 1;
        } else if let Some((star_pattern, star_text)) = star {
            star = Some((star_pattern, star_text + 1));
            at_pattern = star_pattern + 1;
            at_text = star_text + 1;
        } else {
            return false;
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

/// Whether the head of a pattern (`?`, `[a-z]`, `\*`, a literal) takes a byte, and how long that head is.
fn character_matches(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [b'[', class @ ..] => {
            let end = class.iter().skip(1).position(|c| *c == b']')? + 1;
            class_contains(&class[..end], byte).then_some(end + 2)
        }
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

fn class_contains(class: &[u8], byte: u8) -> bool {
    let (negated, mut rest) = match class {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, class),
    };
    let mut contains = false;
    while let [first, tail @ ..] = rest {
        if let [b'-', last, after @ ..] = tail {
            contains |= (*first..=*last).contains(&byte);
            rest = after;
        } else {
            contains |= *first == byte;
            rest = tail;
        }
    }
    contains != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_docker() {
        let ignore = Ignore::parse(
            "# a comment\nnode_modules\n**/*.log\n/build/*\n!build/keep\n*.md\n!README.md\nlogs?/a[0-9]\n.env*\n",
        );
        for (path, excluded) in [
            ("node_modules", true),
            ("node_modules/x/y", true),
            ("a/node_modules/x", false),
            ("a/b.log", true),
            ("b.log", true),
            ("build/x", true),
            ("build/keep", false),
            ("build/keep/z", false),
            ("x.md", true),
            ("d/x.md", false),
            ("README.md", false),
            ("logs1/a3", true),
            ("logs1/ax", false),
            (".env.local", true),
            ("src/index.js", false),
        ] {
            assert_eq!(ignore.excludes(path), excluded, "{path}");
        }
        assert!(!ignore.excludes_all_below("node_modules"), "something may be taken back below it");
        assert!(Ignore::parse("node_modules").excludes_all_below("node_modules"));
    }

    #[test]
    fn hostile_patterns_end_quickly() {
        let ignore = Ignore::parse(&"*a".repeat(200));
        assert!(!ignore.excludes(&"a".repeat(4000).replace("aaaa", "aaab")));
        let folders = Ignore::parse(&format!("{}zz", "**/a/".repeat(40)));
        assert!(!folders.excludes(&"a/".repeat(100)));
        assert!(!Ignore::parse("[").excludes("x"));
        assert!(!Ignore::parse("[a").excludes("a"));
    }
}
