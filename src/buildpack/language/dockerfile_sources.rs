//! What a Dockerfile has the engine fetch from elsewhere: images, and what `ADD` names by a URL.
//!
//! The engine does so itself, from the machine's own network, where it reaches what no container does. Variables are
//! followed as far as the Dockerfile and the build arguments say what they are; what only a base image sets is not known.

use super::dockerfile::{assignments, instructions};
use std::collections::BTreeMap;

/// Arguments that BuildKit knows by itself and that are one word (`amd64`, `linux`), with nothing in it that makes a host.
const OF_THE_PLATFORM: [&str; 6] =
    ["TARGETARCH", "TARGETOS", "TARGETVARIANT", "BUILDARCH", "BUILDOS", "BUILDVARIANT"];
const PLATFORM_WORD: &str = "amd64";

type Variables = BTreeMap<String, String>;

/// Something that the engine fetches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fetched {
    /// The name of an image, or of a stage.
    Image(String),
    /// `https://…`, `git@host:path`.
    Url(String),
}

/// What is known of variables at a place.
#[derive(Debug, Clone, Default)]
struct Known {
    /// What `ENV` says; those who build on a stage have it too.
    environment: Variables,
    /// What `ARG` says.
    arguments: Variables,
    /// Whether a name that is not here may be set all the same: by a base image.
    is_open: bool,
}

impl Known {
    fn get(&self, name: &str) -> Option<&String> {
        self.environment.get(name).or_else(|| self.arguments.get(name))
    }
}

/// What a Dockerfile has the engine fetch, each once, with its variables replaced. What is left of those begins with `$`.
pub(crate) fn fetched(text: &str, given: &Variables) -> Vec<Fetched> {
    let of_the_platform = OF_THE_PLATFORM.map(|name| (name.to_owned(), PLATFORM_WORD.to_owned()));
    let mut of_all = Known { arguments: of_the_platform.into(), ..Known::default() };
    let mut stages: BTreeMap<String, Variables> = BTreeMap::new();
    let mut current: Option<(Option<String>, Known)> = None;
    let mut fetched = Vec::new();
    for line in instructions(text) {
        let line = without_onbuild(&line);
        let (instruction, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let instruction = instruction.to_ascii_uppercase();
        match (instruction.as_str(), &mut current) {
            // Only these hold for `FROM`; in a stage they hold once it names them.
            ("ARG", None) => declare(rest, given, None, &mut of_all),
            ("ARG", Some((_, stage))) => declare(rest, given, Some(&of_all), stage),
            ("ENV", Some((_, stage))) => {
                // Each of a line has what was there before the line.
                let before = stage.clone();
                let new =
                    assignments(rest).into_iter().map(|(name, value)| (name, replaced(&value, &before)));
                stage.environment.extend(new);
            }
            ("FROM", _) => {
                let mut words = rest.split_whitespace().filter(|word| !word.starts_with("--"));
                let image = replaced(unquoted(words.next().unwrap_or_default()), &of_all);
                let name = words.nth(1).map(str::to_ascii_lowercase);
                if let Some((Some(name), known)) = current.take() {
                    stages.insert(name, known.environment);
                }
                let environment = stages.get(&image.to_ascii_lowercase()).cloned().unwrap_or_default();
                fetched.push(Fetched::Image(image));
                current = Some((name, Known { environment, is_open: true, ..Known::default() }));
            }
            (_, current) => {
                let known = current.as_ref().map_or(&of_all, |(_, known)| known);
                fetched.extend(images(rest).map(|image| Fetched::Image(replaced(&image, known))));
                if instruction == "ADD" {
                    let sources = sources(rest).into_iter().map(|source| replaced(&source, known));
                    fetched.extend(sources.filter(|source| is_url(source)).map(Fetched::Url));
                }
            }
        }
    }
    fetched.sort();
    fetched.dedup();
    fetched
}

/// `ONBUILD` in front of an instruction is for those who build on the image.
fn without_onbuild(line: &str) -> &str {
    let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    if first.eq_ignore_ascii_case("ONBUILD") { without_onbuild(rest.trim_start()) } else { line }
}

/// What an `ARG` line makes known: what the build was given goes first, then its own word, then what is known of all stages.
fn declare(rest: &str, given: &Variables, of_all: Option<&Known>, known: &mut Known) {
    for word in rest.split_whitespace() {
        let (name, own) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let own = own.map(|value| replaced(unquoted(value), known));
        let of_all = || of_all.and_then(|of_all| of_all.arguments.get(name).cloned());
        if let Some(value) = given.get(name).cloned().or(own).or_else(of_all) {
            known.arguments.insert(name.to_owned(), value);
        }
    }
}

/// The images that are copied or mounted from: `--from=`, `--mount=type=bind,from=`. The parts of a mount are fields of CSV,
/// and their keys are of either case.
fn images(rest: &str) -> impl Iterator<Item = String> {
    let options = rest.split_whitespace().take_while(|word| word.starts_with("--"));
    let parts =
        options.flat_map(|option| option.trim_start_matches("--mount=").trim_start_matches("--").split(','));
    parts.filter_map(|part| {
        let (key, image) = unquoted(part).split_once('=')?;
        unquoted(key).eq_ignore_ascii_case("from").then(|| unquoted(image).to_owned())
    })
}

/// The operands of `ADD` but for the last one, which is where it puts them.
fn sources(rest: &str) -> Vec<String> {
    let is_part = |word: &&str| !word.is_empty();
    let words = rest
        .split([' ', '\t', '"', '\'', '[', ']', ','])
        .filter(is_part)
        .filter(|word| !word.starts_with("--"));
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    words.pop();
    words
}

/// Whether a source of `ADD` is fetched: with a scheme, or as git has it over SSH. One that begins with a variable that is not
/// known may be.
fn is_url(source: &str) -> bool {
    let begins =
        |scheme: &str| source.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    ["http://", "https://", "git://", "ssh://", "git@", "$"].into_iter().any(begins)
}

fn unquoted(word: &str) -> &str {
    word.trim_matches(['"', '\''])
}

/// A text with its variables replaced: `$A`, `${A}`, `${A:-word}`, `${A:+word}`. What cannot be followed stays.
fn replaced(text: &str, known: &Known) -> String {
    let (mut rest, mut whole) = (text, String::new());
    while let Some((before, after)) = rest.split_once('$') {
        whole.push_str(before);
        let in_braces = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        let (expression, left) = in_braces.unwrap_or_else(|| after.split_at(end));
        if let Some(value) = value(expression, known) {
            whole.push_str(&value);
        } else {
            whole.push('$');
            whole.push_str(expression);
        }
        rest = left;
    }
    whole.push_str(rest);
    whole
}

/// What stands for an expression; `None` where that cannot be told.
fn value(expression: &str, known: &Known) -> Option<String> {
    let end = expression.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(expression.len());
    let (name, operation) = expression.split_at(end);
    let own = known.get(name);
    if own.is_none() && known.is_open {
        return None;
    }
    let is_there =
        if operation.starts_with(':') { own.is_some_and(|own| !own.is_empty()) } else { own.is_some() };
    let own = own.cloned().unwrap_or_default();
    match operation.trim_start_matches(':').split_at_checked(1) {
        None if operation.is_empty() => Some(own),
        Some(("-", word)) => Some(if is_there { own } else { word.to_owned() }),
        Some(("+", word)) => Some(if is_there { word.to_owned() } else { String::new() }),
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, given: &[(&str, &str)]) -> Vec<String> {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let text_of = |fetched| match fetched {
            Fetched::Image(text) | Fetched::Url(text) => text,
        };
        fetched(text, &given.collect()).into_iter().map(text_of).collect()
    }

    #[test]
    fn what_the_engine_fetches_is_found() {
        for (text, expected) in [
            ("FROM node:22 AS build\nCOPY --from=build /a /a", vec!["build", "node:22"]),
            ("FROM --platform=linux/amd64 \\\n  10.0.0.1:5000/a", vec!["10.0.0.1:5000/a"]),
            ("from a\nONBUILD copy --from=b.c/d / /", vec!["a", "b.c/d"]),
            ("FROM a\nRUN --mount=type=bind,from=b.c/d,target=/x ls", vec!["a", "b.c/d"]),
            ("FROM a\nRUN --mount=type=bind,FROM=b.c/d ls", vec!["a", "b.c/d"]),
            ("FROM a\nRUN --mount=type=bind,\"from=b.c/d\" ls", vec!["a", "b.c/d"]),
            ("FROM a\nADD --chown=1 http://10.0.0.1/x y.txt /", vec!["a", "http://10.0.0.1/x"]),
            ("FROM a\nADD [\"HTTPS://b.c/x\", \"/\"]", vec!["a", "HTTPS://b.c/x"]),
            ("FROM a\nADD git@b.c:d/e.git /", vec!["a", "git@b.c:d/e.git"]),
            ("FROM a\nADD app /http://x", vec!["a"]),
            // Where it is put is not fetched.
            ("FROM tomcat:9\nADD target/app.war $CATALINA_HOME/webapps/", vec!["tomcat:9"]),
        ] {
            assert_eq!(of(text, &[]), expected, "{text}");
        }
    }

    #[test]
    fn lines_are_joined_as_buildkit_does() {
        for text in [
            "FR\\\nOM 10.0.0.1/a",
            "FROM 10.0.\\\n0.1/a",
            "FROM \\\n\n# x\n10.0.0.1/a",
            "# escape=`\nFROM `\n10.0.0.1/a",
            "# syntax=docker/dockerfile:1\n# escape=`\nFROM `\n10.0.0.1/a",
            // It is no directive any more.
            "# a word\n# escape=`\nFROM \\\n10.0.0.1/a",
            "\u{feff}FROM 10.0.0.1/a",
        ] {
            assert_eq!(of(text, &[]), ["10.0.0.1/a"], "{text:?}");
        }
    }

    #[test]
    fn variables_are_followed_as_docker_does() {
        for (text, expected) in [
            ("ARG X=evil/a\nFROM $X", vec!["evil/a"]),
            ("ARG X=evil\nFROM ${X}/a:${TAG:-1}", vec!["evil/a:1"]),
            // What a stage says of it comes too late for `FROM`.
            ("ARG X=evil\nFROM b\nARG X=good\nFROM $X", vec!["b", "evil"]),
            ("ARG X=evil\nFROM b\nADD http://$X/ /\n", vec!["b", "http://$X/"]),
            ("ARG X=evil\nFROM b\nARG X\nADD http://$X/ /\n", vec!["b", "http://evil/"]),
            ("FROM b\nENV U=http://evil\nADD $U/x /\n", vec!["b", "http://evil/x"]),
            ("FROM b\nADD $OF_THE_BASE /\n", vec!["b", "$OF_THE_BASE"]),
            ("FROM b\nADD https://ok${OF_BASE:-.com}/ /\n", vec!["b", "https://ok$OF_BASE:-.com/"]),
            ("FROM ${UNSET:+ok.com/}10.0.0.1/a", vec!["10.0.0.1/a"]),
            ("FROM b\nENV X=10.0.0.1\nENV X=ok.com U=http://$X/\nADD $U /\n", vec!["b", "http://10.0.0.1/"]),
            // A stage has what the one has that it is built on.
            (
                "FROM node AS Base\nENV U=http://ok.com\nFROM base\nADD $U/x /",
                vec!["base", "http://ok.com/x", "node"],
            ),
            ("FROM base-${TARGETARCH}", vec!["base-amd64"]),
            ("ARG X=a\nFROM ${X#a}", vec!["$X#a"]),
        ] {
            let mut found = of(text, &[]);
            let mut expected = expected;
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(of("ARG X=good\nFROM $X", &[("X", "evil")]), ["evil"]);
    }
}
