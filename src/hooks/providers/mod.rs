//! One file for each provider. The shapes are those of their documentation, as far as something is read from them.

mod bitbucket;
mod custom;
mod gitea;
mod github;
mod gitlab;

pub(super) use self::bitbucket::Bitbucket;
pub(super) use self::custom::Custom;
pub(super) use self::gitea::Gitea;
pub(super) use self::github::Github;
pub(super) use self::gitlab::Gitlab;
