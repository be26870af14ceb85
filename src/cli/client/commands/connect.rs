//! `gilgal connect`

use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::failure::Failure;
use crate::cli::client::project::Project;
use crate::cli::client::refusal::parse;
use crate::cli::client::table::facts;
use crate::model::feedback::{FeedbackApi, FeedbackPart};
use crate::model::hook::Provider;
use crate::model::id::HookId;
use crate::model::name::EnvironmentName;
use crate::model::repository_url::{RepositoryUrl, Scheme};
use crate::wire::hook::ShownHookBody;
use crate::wire::source::DeployKeyBody;
use serde_json::json;

/// Where a provider's repositories are that are named without a host.
const fn usual_host(provider: Provider) -> Option<&'static str> {
    match provider {
        Provider::Github => Some("github.com"),
        Provider::Gitlab => Some("gitlab.com"),
        Provider::Bitbucket => Some("bitbucket.org"),
        Provider::Gitea | Provider::Custom => None,
    }
}

/// What was typed.
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command")]
pub(super) struct Wanted<'a> {
    pub(super) provider: Provider,
    pub(super) repository: &'a str,
    pub(super) https: bool,
    pub(super) tags: Option<EnvironmentName>,
    pub(super) previews: bool,
    /// Whether what becomes of each commit is told there.
    pub(super) feedback: bool,
    /// Whether what is pushed waits for the checks of its commit.
    pub(super) waits: bool,
    /// The hook whose webhook tells of this repository as well.
    pub(super) via: Option<HookId>,
}

/// Connects a project, and says what is to be entered on the other side.
pub(super) async fn connect(
    context: &Context,
    project: &Project,
    wanted: Wanted<'_>,
) -> Result<Answer, Failure> {
    let Wanted { provider, repository, https, tags, previews, feedback, waits, via } = wanted;
    let repository = url_of(provider, repository, https)?;
    let slug = &project.body.slug;
    let mut body = json!({
        "provider": provider,
        "repository": repository,
        "tag_environment": tags,
        "feedback": feedback,
        "wait_for_checks": waits,
        "via": via,
    });
    if previews {
        body["previews"] = json!({});
    }
    let mut json = context.api.post(&format!("/api/projects/{slug}/hooks"), &body).await?;
    let ShownHookBody { secret, hook } = parse(json.clone())?;
    // The server is reached from here by other ways as well: through a tunnel to this machine.
    let url = hook.url.clone().unwrap_or_else(|| context.api.server.join(&hook.path));
    json["url"] = json!(url);
    let mut screen = format!("Connected {slug} to {repository}. What is left to do there:\n");
    let mut number = 0;
    let mut step = |title: &str, entries: &[(&str, String)]| {
        number += 1;
        screen.push_str(&format!("\n{number}. {title}\n"));
        screen.extend(facts(entries).lines().map(|line| format!("   {line}\n")));
    };
    if repository.scheme() == Scheme::Ssh {
        let shown = context.api.post(&format!("/api/projects/{slug}/deploy-key"), &json!({})).await?;
        let DeployKeyBody { public_key, created_at: _ } = parse(shown)?;
        json["deploy_key"] = json!(public_key);
        let entries = [
            ("Where", keys_page(provider, &repository)),
            ("Title", format!("gilgal {slug}")),
            ("Key", public_key),
        ];
        step("Let it be read: add this deploy key, without write access.", &entries);
    }
    if via.is_none() {
        step(title(provider), &entries(provider, &repository, (previews, waits), (url, secret)));
    }
    if let (true, Ok(api)) = (feedback || waits, FeedbackApi::of(provider, &repository)) {
        let part = if feedback { FeedbackPart::Status } else { FeedbackPart::Checks };
        let needed = part.permissions(provider);
        let entries = [
            ("Token", format!("one that has {needed}")),
            ("Where", format!("PUT /api/projects/{slug}/credentials/{}", api.host)),
        ];
        step("Let its API be asked: set a token as the credential.", &entries);
    }
    screen.push_str(if via.is_some() {
        "\nThe hook that was named hands over what is about this repository."
    } else {
        "\nThe secret is shown this once."
    });
    screen.push_str(
        " A push to the branch that an environment follows then deploys to it.\n\
         What has come: gilgal hooks deliveries\n",
    );
    let answer = Answer::new(screen, json);
    Ok(if via.is_none() && context.api.server.is_loopback() {
        answer.with_notice(format!(
            "{} is an address of this machine, which {} cannot reach: use the server's public one in its place.",
            context.api.server,
            provider.shown()
        ))
    } else {
        answer
    })
}

/// The URL of a repository that is named as its host does, or by a URL.
fn url_of(provider: Provider, repository: &str, https: bool) -> Result<RepositoryUrl, Failure> {
    let is_name = !repository.contains(':');
    let text = match usual_host(provider) {
        Some(host) if is_name && repository.contains('/') => {
            let name = repository.trim_matches('/').trim_end_matches(".git");
            if https { format!("https://{host}/{name}.git") } else { format!("git@{host}:{name}.git") }
        }
        Some(_) | None => repository.to_owned(),
    };
    text.parse::<RepositoryUrl>().map_err(|error| Failure::usage(error.to_string()))
}

/// The page of a repository on its host.
fn page(repository: &RepositoryUrl) -> String {
    format!("https://{}/{}", repository.host(), repository.name())
}

/// Where the keys of a repository are.
fn keys_page(provider: Provider, repository: &RepositoryUrl) -> String {
    let page = page(repository);
    match provider {
        Provider::Github => format!("{page}/settings/keys/new"),
        Provider::Gitlab => format!("{page}/-/settings/repository (Deploy keys)"),
        Provider::Gitea => format!("{page}/settings/keys"),
        Provider::Bitbucket => format!("{page}/admin/access-keys/"),
        Provider::Custom => format!("the account that may read {repository}"),
    }
}

const fn title(provider: Provider) -> &'static str {
    match provider {
        Provider::Github | Provider::Gitlab | Provider::Gitea | Provider::Bitbucket => {
            "Let it tell of pushes: add this webhook."
        }
        Provider::Custom => "Send a signed request after each push: docs/hooks.md has the whole of it.",
    }
}

/// What is entered, in the words of the provider's page.
fn entries(
    provider: Provider,
    repository: &RepositoryUrl,
    (previews, waits): (bool, bool),
    (url, secret): (String, String),
) -> Vec<(&'static str, String)> {
    let page = page(repository);
    let text = |text: &str| text.to_owned();
    // What is told of in any case, of pull requests, and of checks; `usual` where it is the first alone.
    let events = |usual: &str, of: [&str; 3]| {
        let wanted = [true, previews, waits];
        let chosen: Vec<&str> = of.into_iter().zip(wanted).filter_map(|(of, is)| is.then_some(of)).collect();
        if chosen.len() == 1 { text(usual) } else { chosen.join(", ") }
    };
    match provider {
        Provider::Github => vec![
            ("Where", format!("{page}/settings/hooks/new")),
            ("Payload URL", url),
            ("Content type", text("application/json")),
            ("Secret", secret),
            (
                "Events",
                events(
                    "Just the push event",
                    ["Individual events: Pushes", "Pull requests", "Check suites, Statuses"],
                ),
            ),
        ],
        Provider::Gitlab => vec![
            ("Where", format!("{page}/-/hooks (Add new webhook)")),
            ("URL", url),
            ("Secret token", secret),
            (
                "Trigger",
                events(
                    "Push events, Tag push events",
                    ["Push events, Tag push events", "Merge request events", "Pipeline events"],
                ),
            ),
        ],
        Provider::Gitea => vec![
            ("Where", format!("{page}/settings/hooks/gitea/new (in Forgejo: …/forgejo/new)")),
            ("Target URL", url),
            ("HTTP method", text("POST")),
            ("Content type", text("application/json")),
            ("Secret", secret),
            (
                "Trigger on",
                events(
                    "Push events",
                    [
                        "Custom events: Push",
                        "Pull Request, Pull Request Synchronized",
                        "Status, Workflow run",
                    ],
                ),
            ),
        ],
        Provider::Bitbucket => vec![
            ("Where", format!("{page}/admin/webhooks (Add webhook)")),
            ("Title", text("gilgal")),
            ("URL", url),
            ("Secret", secret),
            (
                "Triggers",
                text(if previews {
                    "Repository push; Pull request: Created, Updated, Merged, Declined"
                } else {
                    "Repository push"
                }),
            ),
        ],
        Provider::Custom => vec![
            ("URL", url),
            ("Secret", secret),
            ("X-Gilgal-Timestamp", text("seconds since 1970")),
            (
                "X-Gilgal-Signature",
                text("sha256= and the HMAC-SHA256 of TIMESTAMP.BODY in hexadecimal digits"),
            ),
            ("Body", text("{\"ref\": \"refs/heads/main\"}")),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_named_as_its_host_does_or_by_its_url() {
        for (provider, named, https, url) in [
            (Provider::Github, "ada/shop", false, "ssh://git@github.com/ada/shop.git"),
            (Provider::Github, "ada/shop.git", true, "https://github.com/ada/shop.git"),
            (Provider::Gitlab, "group/sub/shop", false, "ssh://git@gitlab.com/group/sub/shop.git"),
            (Provider::Gitlab, "https://git.example/a/b", false, "https://git.example/a/b"),
            (Provider::Gitea, "git@git.example:a/b.git", false, "ssh://git@git.example/a/b.git"),
        ] {
            assert_eq!(url_of(provider, named, https).unwrap().as_str(), url);
        }
        for (provider, named) in [(Provider::Gitea, "ada/shop"), (Provider::Github, "shop")] {
            assert!(url_of(provider, named, false).is_err(), "{named}");
        }
        assert_eq!(page(&"git@git.example:a/b.git".parse().unwrap()), "https://git.example/a/b");
    }
}
