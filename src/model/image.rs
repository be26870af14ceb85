//! The names of images in registries.

use crate::model::remote_host::RemoteHost;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The tag of an image that has neither tag nor digest.
const LATEST: &str = "latest";
/// Longest name, without tag and digest (the distribution project's `reference` package).
const LONGEST: usize = 255;

/// The full name of an image in a registry: `docker.io/library/nginx:1.27`, `ghcr.io/a/b@sha256:…`.
///
/// It is always whole, so that no engine can take it for the id of an image that it has. Images of this server's apps
/// (`gilgal/…`) have no such name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageName {
    registry: RemoteHost,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// A text is not the name of an image: a whole sentence says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidImageName(String);

fn refused<T>(sentence: impl Into<String>) -> Result<T, InvalidImageName> {
    Err(InvalidImageName(sentence.into()))
}

impl FromStr for ImageName {
    type Err = InvalidImageName;

    /// Reads a name as `docker pull` takes it.
    fn from_str(text: &str) -> Result<Self, InvalidImageName> {
        let example = "Write it as for `docker pull`: nginx:1.27, or ghcr.io/a/b@sha256:….";
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (text, None),
        };
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return refused(format!("A digest is sha256: and 64 hexadecimal digits. {example}"));
        }
        // A colon behind the last slash begins a tag; one before it, a port.
        let last = named.rfind('/').map_or(0, |slash| slash + 1);
        let (whole, tag) = match named[last..].split_once(':') {
            Some((name, tag)) => (&named[..last + name.len()], Some(tag)),
            None => (named, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return refused(format!("The tag of the image is not one. {example}"));
        }
        let (registry, path) = match whole.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => {
                let registry = host
                    .parse()
                    .map_err(|_| InvalidImageName(format!("{host} is no registry. {example}")))?;
                (registry, path)
            }
            Some(_) | None => (RemoteHost::hub(), whole),
        };
        let is_id = path.len() == 64 && path.chars().all(|c| c.is_ascii_hexdigit());
        if path.len() > LONGEST || is_id || path == "sha256" || !path.split('/').all(is_path_component) {
            return refused(format!("This is not the name of an image in a registry. {example}"));
        }
        let path = if registry.is_hub() && !path.contains('/') {
            format!("library/{path}")
        } else {
            path.to_owned()
        };
        if registry.is_hub() && path.starts_with("gilgal/") {
            return refused(
                "Images called gilgal/… are those of this server's apps: none of them is deployed by its name.",
            );
        }
        let digest = digest.map(str::to_owned);
        let tag = tag.map(str::to_owned).or_else(|| digest.is_none().then(|| LATEST.to_owned()));
        Ok(Self { registry, path, tag, digest })
    }
}

impl ImageName {
    /// The registry that it is in.
    #[must_use]
    pub const fn registry(&self) -> &RemoteHost {
        &self.registry
    }

    /// What the registry calls the repository of it: `library/nginx`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Registry and path, without tag and digest: `docker.io/library/nginx`.
    #[must_use]
    pub fn repository(&self) -> String {
        format!("{}/{}", self.registry, self.path)
    }

    /// What is asked for of it: its digest, or else its tag.
    #[must_use]
    pub fn version(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or(LATEST)
    }

    /// The digest, where the name has one.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The very image that this name stands for now. `None` where the text is no digest.
    #[must_use]
    pub fn pinned(&self, digest: &str) -> Option<Self> {
        is_digest(digest).then(|| Self { tag: None, digest: Some(digest.to_owned()), ..self.clone() })
    }

    /// The same image with another tag, and without a digest. `None` where the text is no tag.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> Option<Self> {
        is_tag(tag).then(|| Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() })
    }

    /// The name as an engine takes it. Where it has a digest the tag says nothing, and is left out.
    #[must_use]
    pub fn full(&self) -> String {
        let separator = if self.digest.is_some() { '@' } else { ':' };
        format!("{}{separator}{}", self.repository(), self.version())
    }
}

impl fmt::Display for ImageName {
    /// As people write it: `nginx:1.27`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let full = self.full();
        let short = full.strip_prefix("docker.io/").unwrap_or(&full);
        formatter.write_str(short.strip_prefix("library/").unwrap_or(short))
    }
}

impl TryFrom<String> for ImageName {
    type Error = InvalidImageName;

    fn try_from(text: String) -> Result<Self, InvalidImageName> {
        text.parse()
    }
}

impl From<ImageName> for String {
    fn from(name: ImageName) -> Self {
        name.full()
    }
}

fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    digits.len() == 64 && digits.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}

fn is_tag(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// Letters and digits with `.`, `_`, `__` or dashes between them.
fn is_path_component(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(is_plain)
        && text.ends_with(is_plain)
        && text.chars().all(|c| is_plain(c) || "._-".contains(c))
        && !text.contains("..")
        && !text.contains("___")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_whole() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (text, full, shown) in [
            ("nginx", "docker.io/library/nginx:latest", "nginx:latest"),
            ("nginx:1.27", "docker.io/library/nginx:1.27", "nginx:1.27"),
            ("docker.io/nginx", "docker.io/library/nginx:latest", "nginx:latest"),
            ("index.docker.io/a/b:1", "docker.io/a/b:1", "a/b:1"),
            ("ghcr.io/a/b-c/d_e:V1.2-x", "ghcr.io/a/b-c/d_e:V1.2-x", "ghcr.io/a/b-c/d_e:V1.2-x"),
            ("localhost/a", "localhost/a:latest", "localhost/a:latest"),
            ("127.0.0.1:5000/a:1", "127.0.0.1:5000/a:1", "127.0.0.1:5000/a:1"),
            ("3f2a1b4c5d6e", "docker.io/library/3f2a1b4c5d6e:latest", "3f2a1b4c5d6e:latest"),
        ] {
            let name: ImageName = text.parse().unwrap();
            assert_eq!((name.full().as_str(), name.to_string().as_str()), (full, shown));
            assert_eq!(String::from(name.clone()).parse(), Ok(name));
        }
        let pinned: ImageName = format!("nginx:1.27@{digest}").parse().unwrap();
        assert_eq!(pinned.full(), format!("docker.io/library/nginx@{digest}"));
        let later: ImageName = "nginx:1.27".parse().unwrap();
        assert_eq!(later.pinned(&digest).unwrap().full(), pinned.full());
        assert_eq!(later.pinned("sha256:1"), None);
    }

    #[test]
    fn what_is_no_name_of_an_image_in_a_registry_is_refused() {
        let id = "a".repeat(64);
        for text in [
            "",
            "gilgal/a/b:c",
            "docker.io/gilgal/a",
            "index.docker.io/gilgal/a:1",
            "registry-1.docker.io/gilgal/a:1",
            &id,
            &format!("sha256:{id}"),
            &format!("a@{id}"),
            "a@sha256:1",
            "A/b",
            "a b",
            "a\nb",
            "-a",
            "a/",
            "/a",
            "a//b",
            "../a",
            "a/../b",
            "a:",
            "a:b:c",
            "--name=x",
            "http://a.b/c",
            "a.b:x/c",
            "a.b:0/c",
            "[::1]:5000/a",
            "user@host/a",
        ] {
            assert!(text.parse::<ImageName>().is_err(), "{text}");
        }
    }
}
