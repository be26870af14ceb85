//! What a registry answers to somebody whom it does not know (RFC 9110 §11.6.1; the distribution project's `auth/token.md`).

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// How a registry wants to be told who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// With each request.
    Basic,
    /// By a token, which is given out somewhere else.
    Bearer { realm: String, service: Option<String> },
}

/// What is asked for; of several ways the one by a token. `None` where there is none that is known here.
pub(super) fn asked(headers: &HeaderMap) -> Option<Challenge> {
    let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let challenges: Vec<Challenge> = texts.filter_map(read).collect();
    challenges.iter().find(|challenge| **challenge != Challenge::Basic).or(challenges.first()).cloned()
}

fn read(text: &str) -> Option<Challenge> {
    let (scheme, parameters) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let realm = parameter(parameters, "realm")?;
    Some(Challenge::Bearer { realm, service: parameter(parameters, "service") })
}

/// The value of `name="value"`, in which commas may be.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    let mut rest = parameters;
    while let Some((key, behind)) = rest.split_once('=') {
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => behind.split_once(',').unwrap_or((behind, "")),
        };
        if key.trim_matches([',', ' ']).eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        rest = behind;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) })
        };
        for (texts, challenge) in [
            (
                &[r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io""#][..],
                bearer("https://auth.docker.io/token", Some("registry.docker.io")),
            ),
            (
                &[
                    r#"bearer service="a,b", scope="repository:a/b:pull,push", realm="https://h.example/t?x=1""#,
                ],
                bearer("https://h.example/t?x=1", Some("a,b")),
            ),
            (&[r"Bearer realm=https://h.example/t"], bearer("https://h.example/t", None)),
            (&[r#"Basic realm="Registry""#], Some(Challenge::Basic)),
            (&["Basic", r#"Bearer realm="https://h.example/t""#], bearer("https://h.example/t", None)),
            (&["Bearer"], None),
            (&[r"Negotiate"], None),
            (&[r#"Bearer realm="unended"#], None),
            (&[], None),
        ] {
            let headers = texts.iter().map(|text| (WWW_AUTHENTICATE, text.parse().unwrap()));
            let mut all = HeaderMap::new();
            for (name, value) in headers {
                all.append(name, value);
            }
            assert_eq!(asked(&all), challenge, "{texts:?}");
        }
    }
}
