//! Bare repositories: the only folder that knows git2 and starts git.
