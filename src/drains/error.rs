//! Why a drain cannot be as it was asked to be.

use crate::model::drain::MOST_DRAINS;
use crate::model::name::EnvironmentName;
use crate::secrets::SealError;
use crate::store::StoreError;

/// Why a drain was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum DrainError {
    #[error("A project has at most {MOST_DRAINS} drains. Delete one that is not used.")]
    TooMany,
    /// Everything that is wrong of what was asked for.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))]
    Invalid(Vec<DrainFault>),
    #[error(transparent)]
    Sealed(#[from] SealError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong of a drain: a sentence with the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrainFault {
    #[error("There is no environment {0} in this project.")]
    NoEnvironment(EnvironmentName),
    #[error(
        "Drains send to public addresses, and to networks that the operator allows (GILGAL_DRAIN_ALLOW_NETWORKS)."
    )]
    NotPublic,
    #[error(
        "Use https or syslog+tls: without TLS drains send only to networks that the operator allows (GILGAL_DRAIN_ALLOW_NETWORKS)."
    )]
    Plain,
    #[error(
        "For syslog the token is an element of structured data without its brackets: `TOKEN@41058`, `auth@1 token=\"…\"`."
    )]
    NoStructuredData,
    #[error(
        "The token is for where the drain leads now. Give it again with the new url, another one, or null for none."
    )]
    TokenOfAnother,
    #[error("{0}")]
    Certificates(&'static str),
}

impl DrainFault {
    /// What of the drain is wrong.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::NoEnvironment(_) => "environment",
            Self::NotPublic | Self::Plain => "url",
            Self::NoStructuredData | Self::TokenOfAnother => "token",
            Self::Certificates(_) => "certificates",
        }
    }
}
