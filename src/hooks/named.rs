//! Which repository a delivery says that it is about.

use super::decide::{Verdict, skipped};
use crate::model::hook::{Hook, Provider, SkipReason};

/// The repository that a delivery is about, if that is another one than the one that is connected.
pub(super) fn other_repository<'a>(hook: &Hook, said: Option<&'a str>) -> Option<&'a str> {
    let said = said?;
    (!is_named(hook.provider, hook.repository.name(), said)).then_some(said)
}

/// Whether the path of a repository on its host is what that calls it.
fn is_named(provider: Provider, path: &str, said: &str) -> bool {
    let (path, said) = (path.to_lowercase(), said.to_lowercase());
    match provider {
        // Groups are in groups: `ada/shop` is another one than `group/ada/shop`.
        Provider::Gitlab => path == said,
        // A name has two parts; what is in front of them is where the host has its repositories, such as `scm/`.
        Provider::Github | Provider::Gitea | Provider::Bitbucket | Provider::Custom => {
            path.strip_suffix(&*said).is_some_and(|front| front.is_empty() || front.ends_with('/'))
        }
    }
}

/// The verdict on what is about another repository.
pub(super) fn about_another(hook: &Hook, other: &str) -> Verdict {
    let message = format!("It is about {other}; this hook is for {}.", hook.repository);
    skipped(SkipReason::OtherRepository, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_told_from_others_by_its_whole_name() {
        for (provider, path, said, is_it) in [
            (Provider::Github, "Ada/Shop", "ada/shop", true),
            (Provider::Github, "canada/shop", "ada/shop", false),
            (Provider::Bitbucket, "scm/ada/shop", "ADA/shop", true),
            (Provider::Gitea, "git/ada/shop", "ada/shop", true),
            (Provider::Gitlab, "group/ada/shop", "group/ada/shop", true),
            (Provider::Gitlab, "group/ada/shop", "ada/shop", false),
        ] {
            assert_eq!(is_named(provider, path, said), is_it, "{path} {said}");
        }
    }
}
