//! The address of a server, as people type it.

use reqwest::Url;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Where the API of a server is: scheme, host and port, without anything behind them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(in crate::cli) struct ServerUrl(Url);

impl ServerUrl {
    /// Where a server listens that nobody has told otherwise.
    pub(super) const DEFAULT: &str = "http://127.0.0.1:3000";

    /// The URL of a path of the API, which begins with `/`.
    pub(super) fn join(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// Whether it is on this machine: no proxy is asked for it, and nobody can listen on the way.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl FromStr for ServerUrl {
    type Err = String;

    /// Without a scheme, a server on this machine is asked over HTTP, and every other one over HTTPS.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong = |why: &str| format!("{why}; write it as https://gilgal.example.com");
        let parse =
            |text: &str| Url::parse(text).map_err(|error| wrong(&format!("this is no address ({error})")));
        let url = if text.contains("://") {
            parse(text)?
        } else {
            let encrypted = parse(&format!("https://{text}"))?;
            if Self(encrypted.clone()).is_loopback() { parse(&format!("http://{text}"))? } else { encrypted }
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("a server is asked over http or https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("an address has no password in it"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("an address ends with the host or its port"));
        }
        Ok(Self(url))
    }
}

impl TryFrom<String> for ServerUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ServerUrl> for String {
    fn from(server: ServerUrl) -> Self {
        server.to_string()
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_type_them() {
        for (text, url) in [
            ("gilgal.example.com", "https://gilgal.example.com"),
            ("Gilgal.Example.com:8443", "https://gilgal.example.com:8443"),
            ("http://gilgal.example.com:80/", "http://gilgal.example.com"),
            ("localhost:3000", "http://localhost:3000"),
            (" 127.0.0.1:3000 ", "http://127.0.0.1:3000"),
            ("https://127.0.0.1", "https://127.0.0.1"),
            ("[::1]:3000", "http://[::1]:3000"),
            ("192.0.2.1", "https://192.0.2.1"),
        ] {
            assert_eq!(text.parse::<ServerUrl>().unwrap().to_string(), url, "{text}");
        }
        assert!(ServerUrl::DEFAULT.parse::<ServerUrl>().unwrap().is_loopback());
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused() {
        for bad in [
            "",
            "https://",
            "ftp://example.com",
            "ssh://git@example.com",
            "https://ada:secret@example.com",
            "https://example.com/api",
            "https://example.com/?token=x",
            "a b",
        ] {
            assert!(bad.parse::<ServerUrl>().is_err(), "{bad}");
        }
    }
}
