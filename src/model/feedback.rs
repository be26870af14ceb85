//! Where a provider is told what becomes of the commits of a repository.

use crate::model::hook::Provider;
use crate::model::remote_host::RemoteHost;
use crate::model::repository_url::{RepositoryUrl, Scheme};
use std::net::IpAddr;

/// The API of a provider, for one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedbackApi {
    pub provider: Provider,
    /// What every path begins with: `https://api.github.com`.
    pub base: String,
    /// The address that the base names, where it names one.
    pub address: Option<IpAddr>,
    /// Whether everybody on the way can read what is sent: the repository is fetched so too.
    pub is_plain: bool,
    /// As its host calls it: `ada/shop`.
    pub repository: String,
    /// The host for which the project keeps the credential.
    pub host: RemoteHost,
}

/// Nothing can be told back of a repository: a whole sentence says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoFeedback {
    #[error(
        "A repository of the provider custom has nobody who could be told. Make a webhook: `gilgal webhooks add`."
    )]
    Custom,
    #[error("Of Bitbucket it is bitbucket.org alone that is told what becomes of a commit.")]
    BitbucketServer,
    #[error("The URL of the repository does not end with what its host calls it, such as ada/shop.")]
    Name,
    #[error(
        "Write the name of the host in the place of its IPv6 address: no credential can be kept for that."
    )]
    Address,
}

impl FeedbackApi {
    /// The API for a repository. Over SSH only the repository is reached: the API is where the host's pages are.
    ///
    /// # Errors
    /// When there is none.
    pub fn of(provider: Provider, repository: &RepositoryUrl) -> Result<Self, NoFeedback> {
        let (scheme, host) = match repository.scheme() {
            Scheme::Ssh => (Scheme::Https, repository.host().parse().ok()),
            scheme @ (Scheme::Https | Scheme::Http) => (scheme, repository.remote()),
        };
        let host: RemoteHost = host.ok_or(NoFeedback::Address)?;
        let origin = format!("{}://{host}", scheme.as_str());
        let (base, is_named) = match provider {
            Provider::Github if host.as_str() == "github.com" => {
                ("https://api.github.com".to_owned(), is_name(repository.name(), 2..=2))
            }
            // GitHub Enterprise Server.
            Provider::Github => (format!("{origin}/api/v3"), is_name(repository.name(), 2..=2)),
            // Groups are in groups.
            Provider::Gitlab => (format!("{origin}/api/v4"), is_name(repository.name(), 2..=usize::MAX)),
            Provider::Gitea => (format!("{origin}/api/v1"), is_name(repository.name(), 2..=2)),
            Provider::Bitbucket if host.as_str() == "bitbucket.org" => {
                ("https://api.bitbucket.org/2.0".to_owned(), is_name(repository.name(), 2..=2))
            }
            Provider::Bitbucket => return Err(NoFeedback::BitbucketServer),
            Provider::Custom => return Err(NoFeedback::Custom),
        };
        if !is_named {
            return Err(NoFeedback::Name);
        }
        Ok(Self {
            provider,
            base,
            address: repository.host().parse().ok(),
            is_plain: scheme == Scheme::Http,
            repository: repository.name().to_owned(),
            host,
        })
    }
}

/// What was made at a provider for one environment, by its ids there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedbackPlace {
    /// The deployment that is live, where the provider ends none by itself.
    pub deployment: Option<u64>,
    /// The comment of the pull request.
    pub comment: Option<u64>,
}

/// A part of what is told or asked, which a token may be allowed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedbackPart {
    Status,
    Deployment,
    Comment,
    /// Nothing is told: how the checks of a commit are.
    Checks,
}

impl FeedbackPart {
    /// What a token has to have for it, in the words of the provider.
    #[must_use]
    pub const fn permissions(self, provider: Provider) -> &'static str {
        match (provider, self) {
            (Provider::Github, Self::Status | Self::Deployment) => {
                "the permissions Commit statuses and Deployments (write)"
            }
            (Provider::Github, Self::Comment) => "the permission Pull requests (write)",
            (Provider::Github, Self::Checks) => {
                "the permissions Commit statuses and Checks (read), or the scope repo"
            }
            (Provider::Gitlab, Self::Checks) => "the scope read_api and the role Reporter",
            (Provider::Gitea, Self::Checks) => "the scope read:repository",
            (Provider::Gitlab, Self::Status | Self::Deployment | Self::Comment) => {
                "the scope api and the role Developer"
            }
            (Provider::Gitea, Self::Status | Self::Deployment) => "the scope write:repository",
            (Provider::Gitea, Self::Comment) => "the scope write:issue",
            (
                Provider::Bitbucket | Provider::Custom,
                Self::Status | Self::Deployment | Self::Comment | Self::Checks,
            ) => "write access to the repository",
        }
    }
}

/// Whether a name has so many parts, each of which means itself in a path.
fn is_name(name: &str, parts: std::ops::RangeInclusive<usize>) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_part =
        |part: &str| !part.is_empty() && !part.chars().all(|c| c == '.') && part.chars().all(is_plain);
    parts.contains(&name.split('/').count()) && name.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(provider: Provider, url: &str) -> Result<FeedbackApi, NoFeedback> {
        FeedbackApi::of(provider, &url.parse().unwrap())
    }

    #[test]
    fn the_api_is_where_the_repository_is() {
        for (provider, url, base, repository, host) in [
            (
                Provider::Github,
                "git@github.com:ada/shop.git",
                "https://api.github.com",
                "ada/shop",
                "github.com",
            ),
            (
                Provider::Github,
                "https://GitHub.com/ada/shop",
                "https://api.github.com",
                "ada/shop",
                "github.com",
            ),
            (
                Provider::Github,
                "https://code.example:8443/ada/shop.git/",
                "https://code.example:8443/api/v3",
                "ada/shop",
                "code.example:8443",
            ),
            (
                Provider::Github,
                "http://127.0.0.1:3000/ada/shop.git",
                "http://127.0.0.1:3000/api/v3",
                "ada/shop",
                "127.0.0.1:3000",
            ),
            (
                Provider::Gitlab,
                "ssh://git@git.example:2222/group/sub/shop.git",
                "https://git.example/api/v4",
                "group/sub/shop",
                "git.example",
            ),
            (
                Provider::Gitea,
                "https://codeberg.org/ada/shop.js.git",
                "https://codeberg.org/api/v1",
                "ada/shop.js",
                "codeberg.org",
            ),
            (
                Provider::Bitbucket,
                "git@bitbucket.org:ada/shop.git",
                "https://api.bitbucket.org/2.0",
                "ada/shop",
                "bitbucket.org",
            ),
        ] {
            let api = of(provider, url).unwrap();
            assert_eq!(
                (api.base.as_str(), api.repository.as_str(), api.host.as_str()),
                (base, repository, host)
            );
            assert_eq!(
                (api.is_plain, api.address.is_some()),
                (url.starts_with("http:"), url.contains("127"))
            );
        }
    }

    #[test]
    fn where_there_is_none_it_is_said_why() {
        for (provider, url, why) in [
            (Provider::Custom, "https://code.example/ada/shop", NoFeedback::Custom),
            (Provider::Bitbucket, "https://code.example/scm/ada/shop", NoFeedback::BitbucketServer),
            (Provider::Github, "https://github.com/shop", NoFeedback::Name),
            (Provider::Github, "https://github.com/ada/shop/wiki", NoFeedback::Name),
            (Provider::Github, "https://github.com/ada/sh%2Fop", NoFeedback::Name),
            (Provider::Github, "https://github.com/ada//shop", NoFeedback::Name),
            (Provider::Gitlab, "git@gitlab.com:shop.git", NoFeedback::Name),
            (Provider::Gitea, "https://[2001:db8::1]/ada/shop", NoFeedback::Address),
        ] {
            assert_eq!(of(provider, url), Err(why), "{url}");
        }
    }
}
