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

/// Instructions with their continuation lines joined, without comments.
fn instructions(text: &str) -> Vec<String> {
    let mut instructions = Vec::new();
    let mut current = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(part) = line.strip_suffix('\\') {
            current.push_str(part);
            current.push(' ');
        } else {
            current.push_str(line);
            instructions.push(std::mem::take(&mut current));
        }
    }
    instructions.push(current);
    instructions
}

/// `A=1 B="2"`, and the old form `A 1`.
fn assignments(text: &str) -> Vec<(String, String)> {
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
    use super::exposed_port;

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
