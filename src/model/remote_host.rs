//! Hosts that repositories and images come from.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Docker Hub, which is the host of images that name none.
const HUB: &str = "docker.io";
/// Other names of it.
const HUB_ALIASES: [&str; 3] = ["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

/// A host that images or repositories come from, with its port where that is not the usual one: `ghcr.io`,
/// `registry.example.com:5000`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RemoteHost(String);

/// A text is not the name of a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("This is not the name of a host, such as ghcr.io or registry.example.com:5000.")]
pub struct InvalidHost;

/// Whether a text is the name of a host (RFC 1123 §2.1; `_` is in use too), or an address of version 4.
pub(super) fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

impl FromStr for RemoteHost {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        let text = text.to_ascii_lowercase();
        let (host, port) =
            text.split_once(':').map_or((text.as_str(), None), |(host, port)| (host, Some(port)));
        let port_valid = port.is_none_or(|port| {
            !port.is_empty()
                && port.chars().all(|c| c.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if !is_host_name(host) || !port_valid {
            return Err(InvalidHost);
        }
        Ok(Self(if HUB_ALIASES.contains(&text.as_str()) { HUB.to_owned() } else { text }))
    }
}

impl RemoteHost {
    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host without a port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.split(':').next().unwrap_or(&self.0)
    }

    /// The port that it names.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.0.split_once(':').and_then(|(_, port)| port.parse().ok())
    }

    /// Docker Hub.
    #[must_use]
    pub fn hub() -> Self {
        Self(HUB.to_owned())
    }

    /// Whether it is Docker Hub.
    #[must_use]
    pub fn is_hub(&self) -> bool {
        self.0 == HUB
    }
}

impl fmt::Display for RemoteHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for RemoteHost {
    type Error = InvalidHost;

    fn try_from(text: String) -> Result<Self, InvalidHost> {
        text.parse()
    }
}

impl From<RemoteHost> for String {
    fn from(host: RemoteHost) -> Self {
        host.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_with_a_port_or_without_one() {
        for (text, host, port) in [
            ("ghcr.io", "ghcr.io", None),
            ("Registry.Example.com:5000", "registry.example.com", Some(5000)),
            ("10.0.0.1:80", "10.0.0.1", Some(80)),
        ] {
            let parsed: RemoteHost = text.parse().unwrap();
            assert_eq!((parsed.host(), parsed.port()), (host, port));
        }
        assert!("index.docker.io".parse::<RemoteHost>().unwrap().is_hub());
        for text in ["", "a/b", "a:b", "a:", ":1", "a..b", "-a", "a:99999", "https://a", "a@b", "[::1]"] {
            assert!(text.parse::<RemoteHost>().is_err(), "{text}");
        }
    }
}
