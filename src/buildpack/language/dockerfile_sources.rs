//! What a Dockerfile has the engine fetch from elsewhere: images, and what `ADD` names by a URL.
//!
//! The engine does so itself, from the machine's own network, where it reaches what no container does. Variables are
//! followed as far as the Dockerfile and the build arguments say what they are.

use super::dockerfile::{assignments, instructions};
use std::collections::BTreeMap;

/// Something that the engine fetches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fetched {
    /// The name of an image, or of a stage.
    Image(String),
    /// `https://…`, `git@host:path`.
    Url(String),
}

/// What a Dockerfile has the engine fetch, each once, with its variables replaced; what is left of them begins with `$`.
pub(crate) fn fetched(text: &str, arguments: &BTreeMap<String, String>) -> Vec<Fetched> {
    let (mut of_all, mut of_stage) = (BTreeMap::new(), None::<BTreeMap<String, String>>);
    let mut fetched = Vec::new();
    for line in instructions(text) {
        let line = without_onbuild(&line);
        let (instruction, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let instruction = instruction.to_ascii_uppercase();
        match instruction.as_str() {
            // Only these hold for `FROM`; in a stage they hold once it names them.
            "ARG" if of_stage.is_none() => declare(rest, arguments, None, &mut of_all),
            "ARG" => {
                if let Some(stage) = &mut of_stage {
                    declare(rest, arguments, Some(&of_all), stage);
                }
            }
            "ENV" => {
                let known = of_stage.get_or_insert_with(BTreeMap::new);
                for (name, value) in assignments(rest) {
                    let value = replaced(&value, known);
                    known.insert(name, value);
                }
            }
            "FROM" => {
                let named = rest.split_whitespace().find(|word| !word.starts_with("--"));
                fetched.extend(named.map(|image| Fetched::Image(replaced(unquoted(image), &of_all))));
                of_stage = Some(BTreeMap::new());
            }
            _ => {
                let known = of_stage.as_ref().unwrap_or(&of_all);
                fetched.extend(images(rest).map(|image| Fetched::Image(replaced(image, known))));
                if instruction == "ADD" {
                    let sources =
                        rest.split([' ', '\t', '"', '\'', '[', ']', ',']).map(|word| replaced(word, known));
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
fn declare(
    rest: &str,
    arguments: &BTreeMap<String, String>,
    of_all: Option<&BTreeMap<String, String>>,
    known: &mut BTreeMap<String, String>,
) {
    for word in rest.split_whitespace() {
        let (name, own) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let own = own.map(|value| replaced(unquoted(value), known));
        let of_all = || of_all.and_then(|of_all| of_all.get(name).cloned());
        if let Some(value) = arguments.get(name).cloned().or(own).or_else(of_all) {
            known.insert(name.to_owned(), value);
        }
    }
}

/// The images that are copied or mounted from: `--from=`, `--mount=type=bind,from=`.
fn images(rest: &str) -> impl Iterator<Item = &str> {
    let options = rest.split_whitespace().take_while(|word| word.starts_with("--"));
    let parts =
        options.flat_map(|option| option.trim_start_matches("--mount=").trim_start_matches("--").split(','));
    parts.filter_map(|part| part.strip_prefix("from=")).map(unquoted)
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
fn replaced(text: &str, known: &BTreeMap<String, String>) -> String {
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

fn value(expression: &str, known: &BTreeMap<String, String>) -> Option<String> {
    let end = expression.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(expression.len());
    let (name, operation) = expression.split_at(end);
    let own = known.get(name).filter(|value| !value.is_empty());
    match operation {
        "" => known.get(name).cloned(),
        operation => {
            let word = |operator| operation.strip_prefix(operator).map(str::to_owned);
            if let Some(word) = word(":-").or_else(|| word("-")) {
                return Some(own.cloned().unwrap_or(word));
            }
            // Whether it is set is not known of what a base image sets.
            word(":+").or_else(|| word("+"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, arguments: &[(&str, &str)]) -> Vec<String> {
        let arguments = arguments.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let text_of = |fetched| match fetched {
            Fetched::Image(text) | Fetched::Url(text) => text,
        };
        fetched(text, &arguments.collect()).into_iter().map(text_of).collect()
    }

    #[test]
    fn what_the_engine_fetches_is_found() {
        for (text, expected) in [
            ("FROM node:22 AS build\nCOPY --from=build /a /a", vec!["build", "node:22"]),
            ("FROM --platform=linux/amd64 \\\n  10.0.0.1:5000/a", vec!["10.0.0.1:5000/a"]),
            ("# escape=`\nFROM `\n10.0.0.1/a", vec!["10.0.0.1/a"]),
            ("from a\nONBUILD copy --from=b.c/d / /", vec!["a", "b.c/d"]),
            ("FROM a\nRUN --mount=type=bind,from=b.c/d,target=/x ls", vec!["a", "b.c/d"]),
            ("FROM a\nADD --chown=1 http://10.0.0.1/x y.txt /", vec!["a", "http://10.0.0.1/x"]),
            ("FROM a\nADD [\"HTTPS://b.c/x\", \"/\"]", vec!["a", "HTTPS://b.c/x"]),
            ("FROM a\nADD git@b.c:d/e.git /", vec!["a", "git@b.c:d/e.git"]),
            ("FROM a\nADD app /http://x", vec!["a"]),
        ] {
            assert_eq!(of(text, &[]), expected, "{text}");
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
            ("ARG X=a\nFROM ${X#a}", vec!["$X#a"]),
        ] {
            assert_eq!(of(text, &[]), expected, "{text}");
        }
        assert_eq!(of("ARG X=good\nFROM $X", &[("X", "evil")]), ["evil"]);
    }
}
