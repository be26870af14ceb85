//! The config vars of an environment as a whole: which names are free, how much there may be, and references.
//!
//! `${NAME}` in a value stands for the value of another config var of the environment; `$${` for the two characters
//! `${`. A `$` before anything else is a `$`. References are resolved when a deployment takes its config.

use crate::model::id::EnvironmentId;
use crate::model::name::{ConfigName, shown};
use crate::model::secret::Secret;
use std::collections::{BTreeMap, BTreeSet};

/// Most config vars of an environment.
pub const MOST_VARIABLES: usize = 256;
/// Most bytes of one value, with and without its references resolved. Linux takes 128 KiB for each `NAME=value`
/// (execve(2), `MAX_ARG_STRLEN`).
pub const LONGEST_VALUE: usize = 64 * 1024;
/// Most bytes of all values together, with references resolved. Linux takes 2 MiB with the usual stack.
pub const MOST_BYTES: usize = 512 * 1024;

/// What config vars and files are sealed for: those of one environment cannot be opened in another.
#[must_use]
pub fn seal_purpose(environment: EnvironmentId) -> String {
    format!("environment {environment}")
}

/// Values of config vars by their names.
pub type Values = BTreeMap<ConfigName, Secret<String>>;

/// Why config vars cannot be as they were asked to be: a sentence that holds no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFault {
    #[error("{name} is set by the server{}.", what_else(.name))]
    Reserved { name: ConfigName },
    #[error("An environment has at most {MOST_VARIABLES} config vars.")]
    TooMany,
    #[error("The value of {name} is longer than {} KiB.", LONGEST_VALUE / 1024)]
    TooLong { name: ConfigName },
    #[error("The values of an environment have at most {} KiB together.", MOST_BYTES / 1024)]
    TooMuch,
    #[error("The value of {name} holds the character NUL, which no environment can have.")]
    Nul { name: ConfigName },
    #[error(
        "{name} refers to ${{{reference}}}, and there is no config var of this name. Write `$${{` for the text `${{`."
    )]
    Unknown { name: ConfigName, reference: ConfigName },
    #[error("{name} holds `${{{text}`, which is no reference. Write `$${{` for the text `${{`.")]
    NoReference { name: ConfigName, text: String },
    #[error("{}.", circle(.names))]
    Circle { names: Vec<ConfigName> },
}

/// Everything that is wrong with config vars.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))]
pub struct ConfigFaults(pub Vec<ConfigFault>);

impl ConfigFault {
    /// The config vars that are to blame, the first of all if any is.
    #[must_use]
    pub fn names(&self) -> &[ConfigName] {
        match self {
            Self::Reserved { name }
            | Self::TooLong { name }
            | Self::Nul { name }
            | Self::Unknown { name, .. }
            | Self::NoReference { name, .. } => std::slice::from_ref(name),
            Self::Circle { names } => names,
            Self::TooMany | Self::TooMuch => &[],
        }
    }
}

fn what_else(name: &ConfigName) -> &'static str {
    match name.as_str() {
        "PORT" => ", to the port that the app is to listen on; `deploy.port` of gilgal.toml chooses it",
        "PATH" => ": the image says where its programs are",
        _ => " or kept for it",
    }
}

fn circle(names: &[ConfigName]) -> String {
    match names {
        [only] => format!("{only} refers to itself"),
        several => {
            let names: Vec<&str> = several.iter().map(ConfigName::as_str).collect();
            format!("{} refer to each other in a circle", names.join(" and "))
        }
    }
}

/// Whether the server decides a variable itself.
#[must_use]
pub fn is_reserved(name: &ConfigName) -> bool {
    let name = name.as_str();
    matches!(name, "PORT" | "PATH" | "TINI_KILL_PROCESS_GROUP") || name.starts_with("GILGAL_")
}

/// The values with every reference in its place.
///
/// # Errors
/// For names that are reserved, values that are too long or refer to what is not there, and circles.
pub fn resolve(values: &Values) -> Result<Values, ConfigFaults> {
    if values.len() > MOST_VARIABLES {
        return Err(ConfigFaults(vec![ConfigFault::TooMany]));
    }
    let reserved = values.keys().filter(|name| is_reserved(name));
    let mut faults: Vec<ConfigFault> =
        reserved.map(|name| ConfigFault::Reserved { name: name.clone() }).collect();
    let mut resolving =
        Resolving { values, resolved: BTreeMap::new(), wrong: BTreeSet::new(), open: Vec::new(), bytes: 0 };
    for name in values.keys() {
        // Each fault is one of another name: what refers to it is looked at once more.
        while let Err(fault) = resolving.value(name) {
            resolving.open.clear();
            resolving.wrong.extend(fault.names().iter().cloned());
            let is_last = fault == ConfigFault::TooMuch;
            faults.push(fault);
            if is_last {
                return Err(ConfigFaults(faults));
            }
        }
    }
    if faults.is_empty() { Ok(resolving.resolved) } else { Err(ConfigFaults(faults)) }
}

/// The work of [`resolve`]: at most [`MOST_VARIABLES`] calls deep.
struct Resolving<'values> {
    values: &'values Values,
    resolved: Values,
    /// Those that have no value, as something is wrong with them.
    wrong: BTreeSet<ConfigName>,
    /// The variables whose values wait for those that they refer to.
    open: Vec<&'values ConfigName>,
    bytes: usize,
}

impl<'values> Resolving<'values> {
    fn value(&mut self, name: &'values ConfigName) -> Result<(), ConfigFault> {
        if self.resolved.contains_key(name) || self.wrong.contains(name) {
            return Ok(());
        }
        if let Some(begin) = self.open.iter().position(|open| *open == name) {
            return Err(ConfigFault::Circle { names: self.open[begin..].iter().copied().cloned().collect() });
        }
        let Some(raw) = self.values.get(name) else { return Ok(()) };
        let too_long = || ConfigFault::TooLong { name: name.clone() };
        if raw.expose().contains('\0') {
            return Err(ConfigFault::Nul { name: name.clone() });
        }
        if raw.expose().len() > LONGEST_VALUE {
            return Err(too_long());
        }
        self.open.push(name);
        let mut value = String::new();
        for part in parts(name, raw.expose()) {
            match part? {
                Part::Text(text) => value.push_str(text),
                Part::Reference(reference) => {
                    let Some((reference, _)) = self.values.get_key_value(&reference) else {
                        return Err(ConfigFault::Unknown { name: name.clone(), reference });
                    };
                    self.value(reference)?;
                    value.push_str(self.resolved.get(reference).map_or("", |value| value.expose()));
                }
            }
            if value.len() > LONGEST_VALUE {
                return Err(too_long());
            }
        }
        self.open.pop();
        self.bytes += value.len();
        if self.bytes > MOST_BYTES {
            return Err(ConfigFault::TooMuch);
        }
        self.resolved.insert(name.clone(), Secret::new(value));
        Ok(())
    }
}

enum Part<'text> {
    Text(&'text str),
    Reference(ConfigName),
}

/// A value, taken apart; `name` is whose it is.
fn parts<'text>(
    name: &'text ConfigName,
    value: &'text str,
) -> impl Iterator<Item = Result<Part<'text>, ConfigFault>> {
    let mut rest = value;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(after) = rest.strip_prefix("$${") {
            rest = after;
            return Some(Ok(Part::Text("${")));
        }
        if let Some(after) = rest.strip_prefix("${") {
            let reference = after.split_once('}').and_then(|(inside, behind)| {
                rest = behind;
                inside.parse().ok()
            });
            let text = || shown(after.split('}').next().unwrap_or_default()).chars().take(20).collect();
            return Some(reference.map(Part::Reference).ok_or_else(|| {
                rest = "";
                ConfigFault::NoReference { name: name.clone(), text: text() }
            }));
        }
        // Up to the next thing that may be one of the two.
        let from = rest.char_indices().nth(1).map_or(rest.len(), |(second, _)| second);
        let end = rest[from..].find('$').map_or(rest.len(), |at| from + at);
        let (text, behind) = rest.split_at(end);
        rest = behind;
        Some(Ok(Part::Text(text)))
    })
}

/// A text as the value that stands for just this text.
#[must_use]
pub fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), Secret::new((*value).to_owned()))).collect()
    }

    fn resolved(pairs: &[(&str, &str)], name: &str) -> String {
        resolve(&values(pairs)).unwrap()[&name.parse().unwrap()].expose().clone()
    }

    fn refused(pairs: &[(&str, &str)]) -> String {
        resolve(&values(pairs)).unwrap_err().to_string()
    }

    #[test]
    fn references_are_resolved_at_any_depth() {
        let config =
            [("URL", "pg://${USER}:${PASS}@db"), ("USER", "ada"), ("PASS", "${SALT}!"), ("SALT", "ä$")];
        assert_eq!(resolved(&config, "URL"), "pg://ada:ä$!@db");
        assert_eq!(resolved(&config, "USER"), "ada");
    }

    #[test]
    fn a_dollar_is_a_dollar() {
        for text in ["$", "$$", "$X", "$$X", "a$b$", "$2b$12$x", "{X}", "$ {X}", "}"] {
            assert_eq!(resolved(&[("A", text)], "A"), text);
        }
        assert_eq!(resolved(&[("A", "$${B}")], "A"), "${B}");
        assert_eq!(resolved(&[("A", "$$${B}"), ("B", "b")], "A"), "$${B}");
        for text in ["${B}", "$${B}", "$$${", "a${"] {
            assert_eq!(resolved(&[("A", &literal(text))], "A"), text, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_resolved_is_refused_with_a_sentence() {
        let sentences = [
            refused(&[("A", "x${B}")]),
            refused(&[("A", "${B}"), ("B", "${C}"), ("C", "${B}")]),
            refused(&[("A", "${A}")]),
            refused(&[("A", "${b:-c}")]),
            refused(&[("A", "${")]),
            refused(&[("A", "${}")]),
            refused(&[("PORT", "80")]),
            refused(&[("GILGAL_HOME", "/")]),
            refused(&[("A", "a\0b")]),
            refused(&[("A", &"a".repeat(LONGEST_VALUE + 1))]),
        ];
        insta::assert_snapshot!(sentences.join("\n"));
    }

    #[test]
    fn each_that_is_wrong_is_named_once() {
        let config = [
            ("A", "${B}${NOPE}"),
            ("B", "${C}"),
            ("C", "${B}"),
            ("D", "${A}"),
            ("E", "a\0b"),
            ("F", "${E}${"),
            ("PORT", "80"),
            ("Z", "fine"),
        ];
        let ConfigFaults(faults) = resolve(&values(&config)).unwrap_err();
        let mut named: Vec<&str> = faults.iter().map(|fault| fault.names()[0].as_str()).collect();
        named.sort_unstable();
        assert_eq!(named, ["A", "B", "E", "F", "PORT"]);
    }

    #[test]
    fn small_values_cannot_become_large_ones() {
        // Each twice as long as the one before: 2^30 bytes without a limit.
        let mut config: Vec<(String, String)> =
            (1..30).map(|number| (format!("A{number}"), format!("${{A{0}}}${{A{0}}}", number - 1))).collect();
        config.push(("A0".to_owned(), "x".to_owned()));
        let config: Vec<(&str, &str)> = config.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert!(refused(&config).contains("longer than 64 KiB"));
        let long = "x".repeat(LONGEST_VALUE);
        let nine: Vec<String> = (0..9).map(|number| format!("B{number}")).collect();
        let nine: Vec<(&str, &str)> = nine.iter().map(|name| (name.as_str(), long.as_str())).collect();
        assert!(refused(&nine).contains("together"));
        let many: Vec<String> = (0..=MOST_VARIABLES).map(|number| format!("C{number}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
        assert!(refused(&many).contains("at most 256"));
    }
}
