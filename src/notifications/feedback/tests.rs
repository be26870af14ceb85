use super::report::Report;
use super::{Told, bitbucket, gitea, github, gitlab, shown};
use crate::model::address::PublicAddress;
use crate::model::deployment::DeploymentSource;
use crate::model::feedback::{FeedbackApi, FeedbackPart as Part};
use crate::model::hook::Provider;
use crate::model::id::{DeploymentId, EnvironmentId, EventId, ProjectId};
use crate::model::webhook::{DeploymentFacts, EnvironmentFacts, Event, EventKind, ProjectFacts};
use crate::notifications::schedule::Failure;
use crate::secrets::MasterKey;
use crate::sources::{Call, Refusal};
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

const COMMIT: &str = "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b";
const ANNOUNCED: &str = "abababababababababababababababababababab";

fn event(kind: EventKind, environment: &str, pull_request: Option<u64>, reason: Option<&str>) -> Event {
    let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
    Event {
        id: EventId::from_uuid(id),
        kind,
        at: "2026-11-26T11:00:00.5Z".parse().unwrap(),
        project: ProjectFacts {
            id: ProjectId::from_uuid(id),
            slug: "shop".parse().unwrap(),
            name: "Shop".to_owned(),
        },
        environment: Some(EnvironmentFacts {
            id: EnvironmentId::from_uuid(id),
            name: environment.parse().unwrap(),
            pull_request,
        }),
        deployment: Some(DeploymentFacts {
            id: DeploymentId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002)),
            version: Some(7),
            commit: Some(COMMIT.parse().unwrap()),
            announced: Some(COMMIT.parse().unwrap()),
            branch: Some("main".parse().unwrap()),
            source: DeploymentSource::Push,
        }),
        instance: None,
        edits: Vec::new(),
        author: None,
        reason: reason.map(str::to_owned),
    }
}

fn address() -> PublicAddress {
    PublicAddress {
        base_domain: "apps.test".to_owned(),
        http_port: 8080,
        ssh_host: "git.test".to_owned(),
        ssh_port: 2222,
    }
}

fn reports(event: &Event) -> Vec<Report> {
    Report::of(event, &address(), Some("https://gilgal.test"))
}

fn api(provider: Provider, url: &str) -> FeedbackApi {
    FeedbackApi::of(provider, &url.parse().unwrap()).unwrap()
}

fn line(call: &Call) -> String {
    let body = call.body.as_ref().map_or_else(String::new, |body| format!(" {body}"));
    format!("{:?} {}{body}", call.verb, call.url)
}

#[test]
fn every_provider_is_told_in_its_own_words() {
    let (github_api, gitlab_api) = (
        api(Provider::Github, "git@github.com:ada/shop.git"),
        api(Provider::Gitlab, "https://git.example:8443/group/sub/shop.git"),
    );
    let (gitea_api, bitbucket_api) = (
        api(Provider::Gitea, "git@codeberg.org:ada/shop.git"),
        api(Provider::Bitbucket, "git@bitbucket.org:ada/shop.git"),
    );
    let reason = "`npm ci` failed with exit code 1.\nMore of it.";
    let mut lines = Vec::new();
    for (kind, reason) in [
        (EventKind::DeploymentQueued, None),
        (EventKind::DeploymentStarted, None),
        (EventKind::DeploymentSucceeded, None),
        (EventKind::DeploymentRolledBack, None),
        (EventKind::DeploymentFailed, Some(reason)),
        (EventKind::DeploymentCancelled, Some("Cancelled by ada.")),
        (EventKind::DeploymentSuperseded, None),
    ] {
        let [report] = &reports(&event(kind, "production", None, reason))[..] else { panic!("not one") };
        lines.push(format!("# {}", kind.as_str()));
        lines.push(line(&github::status(&github_api, report)));
        lines.push(line(&github::find(&github_api, report)));
        lines.push(line(&github::create(&github_api, report)));
        lines.push(line(&github::progress(&github_api, 42, report)));
        lines.push(line(&gitlab::status(&gitlab_api, report)));
        lines.push(line(&gitlab::find(&gitlab_api, report)));
        lines.push(line(&gitlab::create(&gitlab_api, report, "running")));
        lines.push(line(&gitea::status(&gitea_api, report)));
        lines.push(line(&bitbucket::status(&bitbucket_api, report)));
        lines.push(line(&Call::get(super::repository(&gitlab_api))));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_comment_says_how_far_it_is_and_calls_nobody() {
    let text = |kind, reason| {
        let reports = reports(&event(kind, "pr-7", Some(7), reason));
        reports[0].comment.as_ref().unwrap().text.clone()
    };
    let all = [
        text(EventKind::DeploymentQueued, None),
        text(EventKind::DeploymentStarted, None),
        text(EventKind::DeploymentSucceeded, None),
        text(EventKind::DeploymentFailed, Some("```\n@ada ran `rm` <script>")),
        text(EventKind::DeploymentCancelled, Some("Cancelled by @ada.")),
        text(EventKind::DeploymentSuperseded, None),
    ];
    insta::assert_snapshot!(all.join("----\n"));
    let marker = "<!-- gilgal:01900000-0000-7000-8000-000000000001:pr-7 -->\n";
    assert!(all.iter().all(|text| text.starts_with(marker)));
}

#[test]
fn a_commit_that_was_announced_is_told_until_it_is_known_and_then_both() {
    let mut event = event(EventKind::DeploymentQueued, "production", None, None);
    let facts = |event: &mut Event, commit: Option<&str>| {
        let deployment = event.deployment.as_mut().unwrap();
        deployment.commit = commit.map(|commit| commit.parse().unwrap());
        deployment.announced = Some(ANNOUNCED.parse().unwrap());
    };
    let told = |event: &Event| {
        let of = |report: &Report| {
            let stage = serde_json::json!(report.stage).as_str().unwrap().to_owned();
            (report.commit.short().to_owned(), stage)
        };
        reports(event).iter().map(of).collect::<Vec<_>>()
    };
    let pair = |commit: &str, stage: &str| (commit[..7].to_owned(), stage.to_owned());
    facts(&mut event, None);
    assert_eq!(told(&event), [pair(ANNOUNCED, "queued")]);
    facts(&mut event, Some(COMMIT));
    event.kind = EventKind::DeploymentSucceeded;
    assert_eq!(told(&event), [pair(COMMIT, "live"), pair(ANNOUNCED, "contained")]);
    event.kind = EventKind::DeploymentFailed;
    assert_eq!(told(&event), [pair(COMMIT, "failed"), pair(ANNOUNCED, "failed")]);
    event.deployment.as_mut().unwrap().announced = None;
    event.deployment.as_mut().unwrap().commit = None;
    assert_eq!(told(&event), []);
    assert_eq!(shown(&event, &address(), None), "[]");
}

#[test]
fn a_description_is_as_long_as_is_taken() {
    let long = "ä".repeat(200);
    let reports = reports(&event(EventKind::DeploymentFailed, "production", None, Some(&long)));
    assert_eq!(reports[0].description.chars().count(), 140);
    assert!(reports[0].description.ends_with('…'));
}

fn refused(status: u16, message: &str) -> Refusal {
    Refusal::Answered { status, message: message.to_owned(), wait: None }
}

#[test]
fn a_refusal_says_what_to_do() {
    let api = api(Provider::Github, "git@github.com:ada/shop.git");
    let failure = |told: Told| told.failure(&api).0;
    assert_eq!(failure(Told { succeeded: true, refusals: Vec::new() }), None);
    for (status, message, reason) in [
        (
            403,
            "Resource not accessible by personal access token",
            "GitHub answers 403 Resource not accessible by personal access token: give the token the permissions Commit \
             statuses and Deployments (write).",
        ),
        (
            401,
            "Bad credentials",
            "GitHub answers 401 Bad credentials: the credential for github.com is wrong or over. Set another one.",
        ),
        (500, "Server Error", "GitHub answers 500 Server Error."),
    ] {
        let told = Told { succeeded: false, refusals: vec![(Part::Status, refused(status, message))] };
        let failure = failure(told).unwrap();
        // All of it is tried for a day.
        assert_eq!((failure.reason.as_str(), failure.is_refusal), (reason, false));
    }

    // What lacks a permission that the rest has is only said; that the other side fails matters more.
    let partly = || (Part::Comment, refused(403, "No"));
    let told = Told { succeeded: true, refusals: vec![partly()] };
    let (failed, lack) = told.failure(&api);
    assert!(failed.is_none() && lack.is_some_and(|lack| lack.starts_with("GitHub answers 403 No: ")));
    let told = Told { succeeded: true, refusals: vec![partly(), (Part::Deployment, refused(502, "Away"))] };
    let away = failure(told).unwrap();
    assert!(!away.is_refusal && away.reason.contains("502"), "{away:?}");
    let told = Told { succeeded: false, refusals: vec![(Part::Status, refused(422, "Validation Failed"))] };
    assert!(failure(told).unwrap().is_refusal);

    // Too many requests are no lack of a permission.
    let busy =
        Refusal::Answered { status: 403, message: "Slow".to_owned(), wait: Some(Duration::from_secs(60)) };
    let busy = failure(Told { succeeded: true, refusals: vec![(Part::Status, busy)] });
    let reason = "GitHub answers 403 Slow.".to_owned();
    assert_eq!(busy, Some(Failure { reason, is_refusal: false, wait: Some(Duration::from_secs(60)) }));
}

#[test]
fn a_commit_that_is_not_there_is_no_failure() {
    for (status, message) in [
        (422, "No commit found for SHA: 1a2b"),
        (422, "No ref found for: 1a2b"),
        (404, "404 Commit Not Found"),
        (404, "Commit not found"),
    ] {
        let mut told = Told::default();
        assert!(!told.status(Err(refused(status, message))), "{message}");
        assert!(told.succeeded && told.refusals.is_empty());
    }
    for (status, message) in [(404, "Not Found"), (422, "Validation Failed"), (500, "No commit found")] {
        assert!(Told::default().status(Err(refused(status, message))), "{message}");
    }
    assert!(Told::default().status(Ok(Value::Null)));
}

#[test]
fn nobody_else_can_have_written_a_comment_of_ours() {
    let event = event(EventKind::DeploymentSucceeded, "pr-7", Some(7), None);
    let comment = || reports(&event).remove(0).comment.unwrap();
    let (ours, others) = (MasterKey::from_bytes([1; 32]), MasterKey::from_bytes([2; 32]));
    let [plain, signed, other] =
        [comment(), comment().sign(&ours), comment().sign(&others)].map(|one| one.text);
    let beginning = |text: &str| text.lines().next().unwrap().to_owned();
    assert_eq!(signed, comment().sign(&ours).text);
    assert!(
        beginning(&signed).starts_with("<!-- gilgal:") && beginning(&signed).ends_with(" -->"),
        "{signed}"
    );
    assert!(beginning(&signed) != beginning(&plain) && beginning(&signed) != beginning(&other));
    assert_eq!(signed.split_once('\n').unwrap().1, plain.split_once('\n').unwrap().1);
}
