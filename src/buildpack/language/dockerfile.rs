//! What a Dockerfile says about the port of its app.

use std::collections::BTreeMap;

/// The first port that the last stage exposes over TCP. Variables are followed as far as `ENV` and `ARG` lines say
/// what they are.
pub(crate) fn exposed_port(text: &str) -> Option<u16> {
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    let mut port = None;
    for line in instructions(text) {
        let (instruction, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        match instruction.to_ascii_uppercase().as_str() {
            "FROM" => port = None,
            "ENV" | "ARG" => variables.extend(assignments(rest)),
            "EXPOSE" => {
                let ports = rest.split_whitespace().filter_map(|word| tcp_port(&expand(word, &variables)));
                port = port.or(ports.into_iter().next());
            }
            _ => {}
        }
    }
    port
}

/// The first image of this server's apps that a Dockerfile builds on or copies from. Names that hold variables are not
/// followed: that the names are secret is what keeps the images apart, and this is what says so to people.
pub(crate) fn image_of_an_app(text: &str) -> Option<String> {
    let mut named = instructions(text).into_iter().flat_map(|line| images(&line));
    named.find(|image| is_of_an_app(image))
}

/// Whether an image is called as those of this server's apps.
pub(crate) fn is_of_an_app(image: &str) -> bool {
    hub_name(image).starts_with("gilgal/")
}

/// The program that a Dockerfile asks to be read by (`# syntax=…`), where it is not Docker's own. BuildKit runs it with the
/// right to do what no Dockerfile can: to write into the caches of others.
///
/// What BuildKit takes for the directive differs by version (`#`, `//`, a file that is JSON), so everything before the first
/// instruction that could be one counts.
pub(crate) fn foreign_frontend(text: &str) -> Option<String> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('{') {
        return Some("JSON".to_owned());
    }
    let is_comment = |line: &str| line.is_empty() || line.starts_with('#') || line.starts_with("//");
    let beginning = text.lines().map(str::trim).take_while(|line| is_comment(line));
    let mut images = beginning.filter_map(|line| {
        let (name, image) = line.trim_start_matches(['#', '/']).split_once('=')?;
        name.trim().eq_ignore_ascii_case("syntax").then(|| image.trim().to_owned())
    });
    images.find(|image| {
        let name = hub_name(image);
        let end = name.find([':', '@']).unwrap_or(name.len());
        name.get(..end) != Some("docker/dockerfile")
    })
}

/// The name of an image, without Docker Hub's own host.
fn hub_name(image: &str) -> String {
    let name = image.trim_matches(['"', '\'']).to_ascii_lowercase();
    let on_hub = ["docker.io/", "index.docker.io/"].iter().find_map(|host| name.strip_prefix(host));
    on_hub.unwrap_or(&name).to_owned()
}

/// The images that an instruction names.
fn images(line: &str) -> Vec<String> {
    let mut words = line.split_whitespace().skip_while(|word| word.eq_ignore_ascii_case("ONBUILD"));
    let instruction = words.next().unwrap_or_default();
    if instruction.eq_ignore_ascii_case("FROM") {
        return words.find(|word| !word.starts_with("--")).map(str::to_owned).into_iter().collect();
    }
    let options = words.take_while(|word| word.starts_with("--"));
    options
        .flat_map(|option| option.trim_start_matches("--mount=").trim_start_matches("--").split(','))
        .filter_map(|part| part.strip_prefix("from=").map(str::to_owned))
        .collect()
}

/// Instructions without comments and with their continuation lines joined, as BuildKit's parser joins them: with nothing
/// between, over comments and empty lines.
pub(super) fn instructions(text: &str) -> Vec<String> {
    let text = text.trim_start_matches('\u{feff}');
    let escape = escape(text);
    let mut instructions = Vec::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        let is_left_out = line.trim().is_empty() || line.trim_start().starts_with('#');
        if is_left_out {
            continue;
        }
        let (part, goes_on) = match line.trim_end().strip_suffix(escape) {
            Some(part) => (part, true),
            None => (line, false),
        };
        match &mut current {
            Some(instruction) => instruction.push_str(part),
            None => current = Some(part.trim_start().to_owned()),
        }
        if !goes_on {
            instructions.extend(current.take());
        }
    }
    instructions.extend(current);
    instructions.into_iter().map(|instruction| instruction.trim().to_owned()).collect()
}

/// What joins a line with the next one: a backslash, unless a directive says otherwise (`# escape=`). Directives end at the
/// first line that is none.
fn escape(text: &str) -> char {
    let directive = |line: &str| {
        let (name, value) = line.trim().strip_prefix('#')?.split_once('=')?;
        let name = name.trim();
        let is_one = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric())
            && !value.trim().is_empty();
        is_one.then(|| (name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let said = text.lines().map_while(directive).find(|(name, _)| name == "escape");
    if said.is_some_and(|(_, value)| value == "`") { '`' } else { '\\' }
}

/// `A=1 B="2"`, and the old form `A 1`.
pub(super) fn assignments(text: &str) -> Vec<(String, String)> {
    let clean = |value: &str| value.trim().trim_matches(['"', '\'']).to_owned();
    match text.split_once(char::is_whitespace) {
        Some((name, value)) if !name.contains('=') => vec![(name.to_owned(), clean(value))],
        _ => text
            .split_whitespace()
            .filter_map(|word| word.split_once('='))
            .map(|(name, value)| (name.to_owned(), clean(value)))
            .collect(),
    }
}

/// A word that is one variable (`$PORT`, `${PORT}`, `${PORT:-80}`) or has none.
fn expand(word: &str, variables: &BTreeMap<String, String>) -> String {
    let Some(name) = word.strip_prefix('$') else { return word.to_owned() };
    let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    let (name, default) = name.split_once(":-").unwrap_or((name, ""));
    variables.get(name).cloned().unwrap_or_else(|| default.to_owned())
}

/// `8080`, `8080/tcp`; the first of a range.
fn tcp_port(word: &str) -> Option<u16> {
    let number = word.strip_suffix("/tcp").unwrap_or(word);
    let first = number.split_once('-').map_or(number, |(first, _)| first);
    first.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::{exposed_port, foreign_frontend, image_of_an_app};

    #[test]
    fn only_dockers_own_frontend_reads_a_dockerfile() {
        for (text, foreign) in [
            ("FROM a\n# syntax=evil/x", None),
            ("# syntax=docker/dockerfile:1\nFROM a", None),
            ("# syntax = docker.io/docker/dockerfile@sha256:1\nFROM a", None),
            ("# syntax=docker/dockerfile\nFROM a", None),
            ("# syntax=docker/dockerfile-upstream:master\nFROM a", Some("docker/dockerfile-upstream:master")),
            ("# syntax=evil/x\nFROM a", Some("evil/x")),
            ("\u{feff}\n#!/bin/x\n# escape=`\n#  SYNTAX =evil/x\nFROM a", Some("evil/x")),
            ("// syntax=evil/x\nFROM a", Some("evil/x")),
            ("{\"syntax\": \"evil/x\"}", Some("JSON")),
            (
                "# syntax=docker.io.evil/docker/dockerfile:1\nFROM a",
                Some("docker.io.evil/docker/dockerfile:1"),
            ),
        ] {
            assert_eq!(foreign_frontend(text).as_deref(), foreign, "{text}");
        }
    }

    #[test]
    fn images_of_apps_are_found() {
        for text in [
            "FROM gilgal/a/b:c",
            "ARG X\nFROM --platform=linux/amd64 docker.io/gilgal/a:b AS base",
            "FROM a\nCOPY --chown=1:1 --from=gilgal/a:b /x /x",
            "FROM a\nRUN --mount=type=bind,from=gilgal/a:b,target=/x cat /x",
            "FROM a\nRUN --mount=type=cache,target=/y --mount=from=\"gilgal/a:b\",target=/x cat /x",
            "from \\\n  GILGAL/a",
            "FROM a\nONBUILD COPY --from=gilgal/a:b /x /x",
        ] {
            assert!(image_of_an_app(text).is_some(), "{text}");
        }
        for text in [
            "FROM gilgalish/a",
            "FROM a/gilgal/b",
            "FROM a\nRUN echo from=gilgal/a",
            "FROM a\nCOPY gilgal/a gilgal/b",
            "# FROM gilgal/a\nFROM a",
            "FROM a AS gilgal",
            "",
        ] {
            assert_eq!(image_of_an_app(text), None, "{text}");
        }
    }

    #[test]
    fn the_port_is_found_where_docker_would_find_it() {
        for (text, port) in [
            ("FROM a\nEXPOSE 3000", Some(3000)),
            ("FROM a\nexpose 53/udp 8080/tcp 9090", Some(8080)),
            ("FROM a\nEXPOSE 80\nFROM b\nRUN x", None),
            ("FROM a AS one\nEXPOSE 80\nFROM b\nEXPOSE 81", Some(81)),
            ("FROM a\nENV PORT=4000\nEXPOSE $PORT", Some(4000)),
            ("ARG PORT=5000\nFROM a\nEXPOSE ${PORT}", Some(5000)),
            ("FROM a\nENV PORT 4001\nEXPOSE \\\n  # the port\n  $PORT", Some(4001)),
            ("FROM a\nEXPOSE ${PORT:-7000}", Some(7000)),
            ("FROM a\nEXPOSE 8000-8010", Some(8000)),
            ("FROM a\n# EXPOSE 1", None),
            ("FROM a\nEXPOSE 99999 0 $(id) `id`", None),
            ("", None),
        ] {
            assert_eq!(exposed_port(text), port, "{text}");
        }
    }
}
