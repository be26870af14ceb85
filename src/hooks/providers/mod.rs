//! One file for each provider, and one for what GitHub and Gitea say of pull requests. The shapes are those of their
//! documentation, as far as something is read from them.

mod bitbucket;
mod bitbucket_pull_request;
mod custom;
mod gitea;
mod github;
mod gitlab;
mod pull_request;
#[cfg(test)]
mod tests;

pub(super) use self::bitbucket::Bitbucket;
pub(super) use self::custom::Custom;
pub(super) use self::gitea::Gitea;
pub(super) use self::github::Github;
pub(super) use self::gitlab::Gitlab;
