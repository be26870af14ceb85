//! In which form events are told, and where to.

use crate::model::drain::{DrainProtocol, DrainUrl};
use crate::model::name::Email;
use crate::model::repository_url::RepositoryUrl;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::str::FromStr;

/// In which form a webhook is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookFormat {
    /// The event itself, signed.
    #[default]
    Json,
    /// What Slack's incoming webhooks take, and those of others that take the same.
    Slack,
    /// What Discord's webhooks take.
    Discord,
    /// Mail.
    Email,
    /// What a provider of repositories takes: statuses of commits, deployments, comments. A connection to a repository
    /// makes it; nobody else does.
    CommitStatus,
}

impl WebhookFormat {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Email => "email",
            Self::CommitStatus => "commit_status",
        }
    }

    /// Whether what is sent is signed: the others could not check it.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        match self {
            Self::Json => true,
            Self::Slack | Self::Discord | Self::Email | Self::CommitStatus => false,
        }
    }
}

/// A word is no format that one can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("This must be json, slack, discord or email.")]
pub struct UnknownFormat;

impl FromStr for WebhookFormat {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        let all = [Self::Json, Self::Slack, Self::Discord, Self::Email];
        all.into_iter().find(|format| format.as_str() == word).ok_or(UnknownFormat)
    }
}

/// Where events are sent: `https://example.com/hooks?from=gilgal`. Those of chats are as good as a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl(DrainUrl);

/// A text is not the URL of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("This must be a URL without a password: https://host/path.")]
pub struct InvalidWebhookUrl;

impl WebhookUrl {
    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The address that it names, where it names one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.0.address()
    }

    /// Whether everybody on the way can read what is sent.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.0.protocol().is_plain()
    }
}

impl FromStr for WebhookUrl {
    type Err = InvalidWebhookUrl;

    fn from_str(text: &str) -> Result<Self, InvalidWebhookUrl> {
        let url: DrainUrl = text.parse().map_err(|_| InvalidWebhookUrl)?;
        match url.protocol() {
            DrainProtocol::Https | DrainProtocol::Http => Ok(Self(url)),
            DrainProtocol::SyslogTcp | DrainProtocol::SyslogTls => Err(InvalidWebhookUrl),
        }
    }
}

/// Where a webhook leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookTarget {
    Url(WebhookUrl),
    Mailbox(Email),
    /// Whoever has the repository.
    Repository(RepositoryUrl),
}

impl WebhookTarget {
    /// The whole of it.
    #[must_use]
    pub fn expose(&self) -> &str {
        match self {
            Self::Url(url) => url.as_str(),
            Self::Mailbox(address) => address.as_str(),
            Self::Repository(repository) => repository.as_str(),
        }
    }

    /// As much of it as whoever sees the webhook may know: of a chat the host.
    #[must_use]
    pub fn shown(&self, format: WebhookFormat) -> String {
        match (self, format) {
            (Self::Url(url), WebhookFormat::Slack | WebhookFormat::Discord) => {
                format!("{}/…", url.0.origin())
            }
            (
                Self::Url(_) | Self::Mailbox(_) | Self::Repository(_),
                WebhookFormat::Json
                | WebhookFormat::Slack
                | WebhookFormat::Discord
                | WebhookFormat::Email
                | WebhookFormat::CommitStatus,
            ) => self.expose().to_owned(),
        }
    }

    /// What a text is the target of.
    ///
    /// # Errors
    /// When it is none of this format.
    pub fn parse(format: WebhookFormat, text: &str) -> Result<Self, InvalidWebhookUrl> {
        match format {
            WebhookFormat::Json | WebhookFormat::Slack | WebhookFormat::Discord => {
                text.parse().map(Self::Url)
            }
            WebhookFormat::Email => text.parse().map(Self::Mailbox).map_err(|_| InvalidWebhookUrl),
            WebhookFormat::CommitStatus => text.parse().map(Self::Repository).map_err(|_| InvalidWebhookUrl),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_http_and_have_no_password() {
        for right in ["https://example.com/in?a=b", "http://10.0.0.1:8080", "https://[::1]/x"] {
            assert_eq!(right.parse::<WebhookUrl>().unwrap().as_str(), right);
        }
        for wrong in ["", "example.com", "syslog+tls://example.com:1", "https://a:b@example.com", "file:///x"]
        {
            assert!(wrong.parse::<WebhookUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_opens_a_chat_is_not_shown() {
        let url = "https://hooks.slack.com/services/T0/B0/hunter2?x=hunter2";
        let target = WebhookTarget::parse(WebhookFormat::Slack, url).unwrap();
        assert_eq!(target.shown(WebhookFormat::Slack), "https://hooks.slack.com/…");
        assert_eq!(target.shown(WebhookFormat::Json), url);
        assert!(!format!("{target:?}").contains("hunter2"));
        let other = r"https://hooks.slack.com:8443\services\T0\hunter2";
        let other =
            WebhookTarget::parse(WebhookFormat::Slack, other).map(|it| it.shown(WebhookFormat::Slack));
        assert!(other.is_err() || other == Ok("https://hooks.slack.com:8443/…".to_owned()), "{other:?}");
        assert!(WebhookTarget::parse(WebhookFormat::Email, url).is_err());
    }
}
