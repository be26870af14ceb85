//! Scopes: how far an API key reaches.

use serde::{Deserialize, Serialize};

/// How far an API key reaches, within what its account may do. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// See what the account sees.
    Read,
    /// Start, cancel, repeat and roll back deployments; scale, restart, stop and start.
    Deploy,
    /// Make, change and remove projects and what belongs to them; run commands, which have the secrets of a project.
    Write,
    /// Change who gets in: SSH keys, API keys, logins, password, and what operators do.
    Admin,
}

impl Scope {
    /// Every scope, the smallest first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Deploy, Self::Write, Self::Admin];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Deploy => "deploy",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// Whether one of some scopes reaches as far as what is needed.
    #[must_use]
    pub fn is_among(self, scopes: &[Self]) -> bool {
        scopes.iter().any(|scope| *scope >= self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_includes_those_before_it() {
        for (index, scope) in Scope::ALL.into_iter().enumerate() {
            for (needed_index, needed) in Scope::ALL.into_iter().enumerate() {
                assert_eq!(needed.is_among(&[scope]), needed_index <= index, "{scope:?} for {needed:?}");
            }
            assert!(!scope.is_among(&[]), "no scope reaches nowhere");
        }
        assert!(Scope::Deploy.is_among(&[Scope::Read, Scope::Write]));
    }
}
