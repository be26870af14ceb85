//! URLs of repositories elsewhere, and what is wanted of one.

use crate::model::name::BranchName;
use crate::model::remote_host::RemoteHost;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use url::{Host, Url};

/// Longest URL that is taken.
const LONGEST: usize = 1024;
/// Who logs in over SSH where the URL does not say.
const GIT: &str = "git";

/// How a repository is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    Https,
    Ssh,
    /// Neither is it known who answers, nor is anything kept secret on the way.
    Http,
}

impl Scheme {
    /// The word of it in a URL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Ssh => "ssh",
            Self::Http => "http",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Ssh => 22,
            Self::Http => 80,
        }
    }
}

impl FromStr for Scheme {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Https, Self::Ssh, Self::Http].into_iter().find(|scheme| scheme.as_str() == text).ok_or(())
    }
}

/// The URL of a repository elsewhere, as git takes it: `https://github.com/a/b.git`, `ssh://git@host:2222/a/b.git`. It has no
/// password in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryUrl {
    text: String,
    scheme: Scheme,
    /// A name, or an address without brackets.
    host: String,
    port: u16,
}

/// A text is not the URL of a repository that can be fetched: a whole sentence says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRepositoryUrl(String);

impl RepositoryUrl {
    /// The URL as git takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How it is reached.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The name or the address of the host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port that is connected to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What its host calls it: `ada/shop`.
    #[must_use]
    pub fn name(&self) -> &str {
        let path = self.text.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        path.map_or("", |(_, path)| path).trim_matches('/').trim_end_matches(".git")
    }

    /// Another repository, named relative to this one as submodules are (git-submodule(1), "add"). `None` where it is none.
    #[must_use]
    pub fn joined(&self, relative: &str) -> Option<Self> {
        let (scheme, rest) = self.text.split_once("://")?;
        let (authority, path) = rest.split_once('/')?;
        let mut folders: Vec<&str> = path.trim_matches('/').split('/').collect();
        let mut rest = relative;
        loop {
            if let Some(behind) = rest.strip_prefix("./") {
                rest = behind;
            } else if let Some(behind) = rest.strip_prefix("../") {
                folders.pop()?;
                rest = behind;
            } else {
                break;
            }
        }
        let path = folders.into_iter().chain([rest]).collect::<Vec<_>>().join("/");
        format!("{scheme}://{authority}/{path}").parse().ok()
    }

    /// The host as credentials and host keys are kept for it, with the port where that is not the usual one of a scheme that
    /// keeps secrets. `None` for an address of IPv6, for which nothing can be kept.
    #[must_use]
    pub fn remote(&self) -> Option<RemoteHost> {
        let is_usual = match self.scheme {
            Scheme::Https | Scheme::Ssh => self.port == self.scheme.port(),
            // What is set for the host by its name alone is not said where everybody can read it.
            Scheme::Http => false,
        };
        let text = if is_usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) };
        text.parse().ok()
    }
}

impl FromStr for RepositoryUrl {
    type Err = InvalidRepositoryUrl;

    fn from_str(text: &str) -> Result<Self, InvalidRepositoryUrl> {
        let refused = |sentence: &str| Err(InvalidRepositoryUrl(sentence.to_owned()));
        let example = "Write it as https://host/path, ssh://git@host/path or git@host:path.";
        if text.len() > LONGEST
            || text.chars().any(|c| c.is_whitespace() || c.is_control() || "\\'\"`".contains(c))
        {
            return refused(&format!("This is not the URL of a repository. {example}"));
        }
        let spelled = if text.contains("://") { Some(text.to_owned()) } else { spelled_out(text) };
        let Some(mut url) = spelled.and_then(|text| Url::parse(&text).ok()) else {
            return refused(&format!("This is not the URL of a repository. {example}"));
        };
        let Ok(scheme) = url.scheme().parse::<Scheme>() else {
            return refused(&format!("Repositories are fetched over https and ssh only. {example}"));
        };
        if url.password().is_some() || (scheme != Scheme::Ssh && !url.username().is_empty()) {
            return refused(
                "A URL carries no credentials: it is shown and kept. Set them for the host: `PUT \
                 /api/projects/:id/credentials/:host`.",
            );
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refused("The URL of a repository has neither `?` nor `#`.");
        }
        let host = match url.host() {
            // Of a scheme that the URL standard does not know, a host is a text like any other.
            Some(Host::Domain(name)) => checked_host(name),
            Some(Host::Ipv4(address)) => Some(address.to_string()),
            Some(Host::Ipv6(address)) => Some(address.to_string()),
            None => None,
        };
        let Some(host) = host else { return refused(&format!("The URL names no host. {example}")) };
        let path = url.path().trim_matches('/');
        if path.is_empty() || path.split('/').any(|part| part == "..") {
            return refused("The URL names no repository on its host.");
        }
        let port = url.port().unwrap_or(scheme.port());
        if port == 0 {
            return refused("The port of the URL is none that can be connected to.");
        }
        if scheme == Scheme::Ssh {
            // The key that it shows could not be kept, and whoever answers would be believed each time.
            if host.contains(':') {
                return refused("Over ssh, write the name of the host in the place of its IPv6 address.");
            }
            if url.username().is_empty() && url.set_username(GIT).is_err() {
                return refused(&format!("This is not the URL of a repository. {example}"));
            }
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if url.username().starts_with('-') || !url.username().chars().all(is_plain) {
                return refused(
                    "The user name of the URL has letters, digits, dots, dashes and underscores only.",
                );
            }
        }
        Ok(Self { text: url.to_string(), scheme, host, port })
    }
}

/// `git@host:path` as the URL that it stands for (git-clone(1), "GIT URLS").
fn spelled_out(text: &str) -> Option<String> {
    let (authority, path) = text.split_once(':')?;
    // Two colons would name a program that git starts (gitremote-helpers(7)).
    let is_path = !path.is_empty() && !path.starts_with("//") && !path.starts_with(':');
    let is_one = is_path && !authority.is_empty() && !authority.contains('/');
    is_one.then(|| format!("ssh://{authority}/{}", path.trim_start_matches('/')))
}

/// A name that can be looked up, in lower case; an address that is spelled as one.
fn checked_host(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    // A dot at its end stays, and is refused: what git connects to is pinned by the very name that the URL has.
    if let Ok(address) = name.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    // What ends in a number is an address in a spelling that only some programs read: `0x7f.1`, `2130706433`.
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.starts_with("0x") || last.chars().all(|c| c.is_ascii_digit());
    let is_name = name.parse::<RemoteHost>().is_ok() && !name.contains(':');
    (is_name && !is_number).then_some(name)
}

impl fmt::Display for RepositoryUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl TryFrom<String> for RepositoryUrl {
    type Error = InvalidRepositoryUrl;

    fn try_from(text: String) -> Result<Self, InvalidRepositoryUrl> {
        text.parse()
    }
}

impl From<RepositoryUrl> for String {
    fn from(url: RepositoryUrl) -> Self {
        url.text
    }
}

/// What is wanted of a repository: a branch, a tag, the id of a commit. By git's rule for branches, which tags share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReferenceName(BranchName);

impl ReferenceName {
    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for ReferenceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // In front of what is fetched, `+` is not a part of its name (git-fetch(1), "refspec").
        let name = Some(text).filter(|text| !text.starts_with('+')).and_then(|text| text.parse().ok());
        name.map(Self).ok_or_else(|| "This is not a branch, a tag or the full id of a commit.".to_owned())
    }
}

impl fmt::Display for ReferenceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_git_reads_them() {
        for (text, url, host, port) in [
            ("https://github.com/a/b", "https://github.com/a/b", "github.com", 443),
            ("HTTPS://GitHub.com:443/a/b.git", "https://github.com/a/b.git", "github.com", 443),
            ("https://h.example:8443/a", "https://h.example:8443/a", "h.example", 8443),
            ("http://127.0.0.1:3000/a/b", "http://127.0.0.1:3000/a/b", "127.0.0.1", 3000),
            ("git@github.com:a/b.git", "ssh://git@github.com/a/b.git", "github.com", 22),
            ("github.com:/srv/a", "ssh://git@github.com/srv/a", "github.com", 22),
            ("ssh://ada@h.example:2222/~/a", "ssh://ada@h.example:2222/~/a", "h.example", 2222),
            ("ssh://h.example/a", "ssh://git@h.example/a", "h.example", 22),
            ("https://[::1]:8443/a", "https://[::1]:8443/a", "::1", 8443),
            // As a browser, curl would read it so too.
            ("https://0x7f.1/a", "https://127.0.0.1/a", "127.0.0.1", 443),
            ("https://2130706433/a", "https://127.0.0.1/a", "127.0.0.1", 443),
        ] {
            let parsed: RepositoryUrl = text.parse().unwrap();
            assert_eq!((parsed.as_str(), parsed.host(), parsed.port()), (url, host, port), "{text}");
            assert_eq!(String::from(parsed.clone()).parse(), Ok(parsed));
        }
    }

    #[test]
    fn a_submodule_may_be_named_relative_to_its_repository() {
        let joined = |url: &str, relative: &str| {
            let joined = url.parse::<RepositoryUrl>().unwrap().joined(relative);
            joined.map(String::from)
        };
        for (url, relative, wanted) in [
            ("https://h.example/a/b.git", "../c.git", Some("https://h.example/a/c.git")),
            ("https://h.example/a/b/", "../../x/c", Some("https://h.example/x/c")),
            ("git@h.example:a/b.git", "../c.git", Some("ssh://git@h.example/a/c.git")),
            ("ssh://ada@h.example:2222/a/b", "./c", Some("ssh://ada@h.example:2222/a/b/c")),
            ("https://h.example/a/b", "../../../c", None),
            ("https://h.example/a/b", "../..", None),
        ] {
            assert_eq!(joined(url, relative).as_deref(), wanted, "{url} {relative}");
        }
    }

    #[test]
    fn what_is_kept_for_a_host_is_found_by_its_port() {
        for (url, remote) in [
            ("https://code.example/a", Some("code.example")),
            ("ssh://code.example/a", Some("code.example")),
            ("https://code.example:8443/a", Some("code.example:8443")),
            ("http://code.example/a", Some("code.example:80")),
            ("https://[2001:db8::1]/a", None),
        ] {
            let found = url.parse::<RepositoryUrl>().unwrap().remote();
            assert_eq!(found.as_ref().map(RemoteHost::as_str), remote, "{url}");
        }
    }

    #[test]
    fn what_is_no_repository_elsewhere_is_refused() {
        for text in [
            "",
            "a",
            "/srv/git/a.git",
            "../a",
            "file:///srv/git/a.git",
            "git://h.example/a",
            "ftp://h.example/a",
            "ext::sh -c id",
            "ext::sh",
            "https://h.example",
            "https://h.example/",
            "https://ada:secret@h.example/a",
            "https://token@h.example/a",
            "ssh://ada:secret@h.example/a",
            "ssh://-oProxyCommand=id@h.example/a",
            "ssh://-oProxyCommand=id/a",
            "-oProxyCommand=id:a",
            "git@-h:a",
            "https://h.example/a?b",
            "https://h.example/a#b",
            "https://h.example:0/a",
            "https://h.example:99999/a",
            "https:///a",
            "ssh://0x7f.1/a",
            "ssh://git@[2001:db8::1]/a",
            "ssh://2130706433/a",
            "ssh://h.example/a b",
            "ssh://h.example/'a'",
            "https://h.example/a\nb",
            "ssh://h example/a",
            "C:\\a",
        ] {
            assert!(text.parse::<RepositoryUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn references_are_no_options_and_no_patterns() {
        for text in ["main", "v1.2", "refs/pull/7/head", &"a".repeat(40)] {
            assert_eq!(text.parse::<ReferenceName>().unwrap().as_str(), text);
        }
        for text in ["", "-x", "--upload-pack=id", "a:b", "refs/heads/*", "a..b", "HEAD~1", "+main", "^main"]
        {
            assert!(text.parse::<ReferenceName>().is_err(), "{text}");
        }
    }
}
