//! What each provider says of pull requests, in our words.

use crate::hooks::provider::{Sent, of};
use crate::model::hook::{Event, Provider};
use crate::model::preview::{PullRequest, PullRequestAction};
use crate::model::time::now;
use serde_json::{Value, json};

/// What is read from a request of a provider with one header and a body.
#[track_caller]
fn read(provider: Provider, (header, event): (&str, &str), body: &Value) -> Event {
    let headers = [(header.to_owned(), event.to_owned())].into();
    let body = body.to_string();
    let sent = Sent { headers: &headers, body: body.as_bytes(), received_at: now() };
    of(provider).read(&sent).unwrap()
}

#[track_caller]
fn pull_request(provider: Provider, header: (&str, &str), body: &Value) -> PullRequest {
    match read(provider, header, body) {
        Event::PullRequest { pull_request } => pull_request,
        other => panic!("{other:?}"),
    }
}

fn commit(digit: char) -> String {
    digit.to_string().repeat(40)
}

/// The pull request that every example is about.
fn expected(reference: &str, repository: &str) -> PullRequest {
    PullRequest {
        number: 7,
        action: PullRequestAction::Opened,
        reference: Some(reference.to_owned()),
        head: commit('a').parse().ok(),
        head_branch: "colours".to_owned(),
        base_branch: Some("main".to_owned()),
        repository: Some(repository.to_owned()),
        is_fork: false,
        title: "Colours".to_owned(),
        author: Some("eve".to_owned()),
    }
}

/// As GitHub and Gitea send it.
fn of_github(action: &str, head: &Value) -> Value {
    json!({
        "action": action, "number": 7,
        "pull_request": {
            "title": "Colours", "user": { "login": "eve" },
            "head": { "ref": "colours", "sha": commit('a'), "repo": head },
            "base": { "ref": "main", "sha": commit('b'), "repo": { "full_name": "ada/shop" } },
        },
        "repository": { "full_name": "ada/shop" },
    })
}

#[test]
fn of_github_and_gitea() {
    let (own, fork) = (json!({ "full_name": "Ada/Shop" }), json!({ "full_name": "eve/shop" }));
    let known = expected("refs/pull/7/head", "ada/shop");
    for (provider, header, update) in [
        (Provider::Github, ("x-github-event", "pull_request"), "synchronize"),
        (Provider::Gitea, ("x-gitea-event", "pull_request"), "synchronized"),
        (Provider::Gitea, ("x-forgejo-event", "pull_request_sync"), "synchronized"),
    ] {
        let read = |action: &str, head: &Value| pull_request(provider, header, &of_github(action, head));
        assert_eq!(read("opened", &own), known);
        assert_eq!(read("opened", &fork), PullRequest { is_fork: true, ..known.clone() });
        assert!(read("opened", &Value::Null).is_fork, "it was deleted");
        for (action, ours) in [
            ("reopened", PullRequestAction::Opened),
            (update, PullRequestAction::Updated),
            ("closed", PullRequestAction::Closed),
            ("labeled", PullRequestAction::Other),
            ("edited", PullRequestAction::Other),
        ] {
            assert_eq!(read(action, &own), PullRequest { action: ours, ..known.clone() }, "{action}");
        }
    }
}

#[test]
fn of_gitlab() {
    let body = |action: Value, oldrev: Value, source: u64| {
        json!({
            "object_kind": "merge_request", "user": { "username": "eve" },
            "project": { "path_with_namespace": "ada/shop" },
            "object_attributes": {
                "iid": 7, "title": "Colours", "source_branch": "colours", "target_branch": "main",
                "source_project_id": source, "target_project_id": 1, "action": action, "oldrev": oldrev,
                "last_commit": { "id": commit('a'), "message": "Colours" },
            },
        })
    };
    let read = |action: &str, oldrev: Value, source: u64| {
        let header = ("x-gitlab-event", "Merge Request Hook");
        pull_request(Provider::Gitlab, header, &body(json!(action), oldrev, source))
    };
    let known = expected("refs/merge-requests/7/head", "ada/shop");
    assert_eq!(read("open", Value::Null, 1), known);
    assert_eq!(read("open", Value::Null, 2), PullRequest { is_fork: true, ..known.clone() });
    for (action, oldrev, ours) in [
        ("reopen", Value::Null, PullRequestAction::Opened),
        ("update", json!(commit('b')), PullRequestAction::Updated),
        ("update", Value::Null, PullRequestAction::Other),
        ("close", Value::Null, PullRequestAction::Closed),
        ("merge", Value::Null, PullRequestAction::Closed),
        ("approved", Value::Null, PullRequestAction::Other),
    ] {
        assert_eq!(read(action, oldrev, 1), PullRequest { action: ours, ..known.clone() }, "{action}");
    }
}

#[test]
fn of_bitbucket_in_the_cloud() {
    let side = |branch: &str, hash: &str, repository: &str| json!({ "branch": { "name": branch }, "commit": { "hash": hash }, "repository": { "full_name": repository } });
    let body = |source: &str, hash: &str| {
        json!({
            "pullrequest": {
                "id": 7, "title": "Colours", "author": { "nickname": "eve", "display_name": "Eve" },
                "source": side("colours", hash, source), "destination": side("main", "bbbbbbbbbbbb", "ada/shop"),
            },
            "repository": { "full_name": "ada/shop" },
        })
    };
    let read = |key: &str, source: &str, hash: &str| {
        pull_request(Provider::Bitbucket, ("x-event-key", key), &body(source, hash))
    };
    let known = expected("refs/heads/colours", "ada/shop");
    assert_eq!(read("pullrequest:created", "ada/shop", &commit('a')), known);
    let short = PullRequest { head: None, ..known.clone() };
    assert_eq!(read("pullrequest:created", "ada/shop", "aaaaaaaaaaaa"), short);
    // Nothing in the repository has its files.
    let fork = PullRequest { is_fork: true, reference: None, ..short.clone() };
    assert_eq!(read("pullrequest:created", "eve/shop", "aaaaaaaaaaaa"), fork);
    for (key, ours) in [
        ("pullrequest:updated", PullRequestAction::Updated),
        ("pullrequest:fulfilled", PullRequestAction::Closed),
        ("pullrequest:rejected", PullRequestAction::Closed),
    ] {
        assert_eq!(read(key, "ada/shop", "aaaaaaaaaaaa"), PullRequest { action: ours, ..short.clone() });
    }
    let comment = ("x-event-key", "pullrequest:comment_created");
    assert_eq!(read_event(comment, &body("ada/shop", "aaaaaaaaaaaa")), Event::Other);
}

fn read_event(header: (&str, &str), body: &Value) -> Event {
    read(Provider::Bitbucket, header, body)
}

#[test]
fn of_bitbucket_data_center() {
    let side = |branch: &str, digit: char, project: &str| {
        json!({
            "id": format!("refs/heads/{branch}"), "displayId": branch, "latestCommit": commit(digit),
            "repository": { "slug": "shop", "project": { "key": project } },
        })
    };
    let body = |project: &str| {
        json!({
            "eventKey": "pr:opened",
            "pullRequest": {
                "id": 7, "title": "Colours", "author": { "user": { "name": "eve" } },
                "fromRef": side("colours", 'a', project), "toRef": side("main", 'b', "ADA"),
            },
        })
    };
    let read =
        |key: &str, project: &str| pull_request(Provider::Bitbucket, ("x-event-key", key), &body(project));
    let known = expected("refs/pull-requests/7/from", "ADA/shop");
    assert_eq!(read("pr:opened", "ADA"), known);
    assert_eq!(read("pr:opened", "~eve"), PullRequest { is_fork: true, ..known.clone() });
    for (key, ours) in [
        ("pr:from_ref_updated", PullRequestAction::Updated),
        ("pr:merged", PullRequestAction::Closed),
        ("pr:declined", PullRequestAction::Closed),
        ("pr:deleted", PullRequestAction::Closed),
    ] {
        assert_eq!(read(key, "ADA"), PullRequest { action: ours, ..known.clone() }, "{key}");
    }
    assert_eq!(read_event(("x-event-key", "pr:modified"), &body("ADA")), Event::Other);
}
