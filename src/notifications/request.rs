//! What is sent for an event, in each format. The same event gives the same, however often it is sent.

use super::text::Words;
use super::{chat, feedback};
use crate::model::address::PublicAddress;
use crate::model::webhook::{Event, WebhookFormat};
use crate::wire::event::EventBody;

/// The body of the request, or the text of the message.
pub(super) fn body(
    event: &Event,
    format: WebhookFormat,
    (address, api_url): (&PublicAddress, Option<&str>),
) -> String {
    match format {
        WebhookFormat::Json => serde_json::json!(EventBody::of(event, address)).to_string(),
        WebhookFormat::Slack => chat::slack(&Words::of(event, address)),
        WebhookFormat::Discord => chat::discord(&Words::of(event, address), event.at),
        WebhookFormat::Email => Words::of(event, address).plain(),
        WebhookFormat::CommitStatus => feedback::shown(event, address, api_url),
    }
}

/// The subject of a message.
pub(super) fn subject(event: &Event, address: &PublicAddress) -> String {
    Words::of(event, address).headline
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config_file::{ConfigEdit, ConfigKind, Edit};
    use crate::model::deployment::DeploymentSource;
    use crate::model::id::{DeploymentId, EnvironmentId, EventId, ProjectId};
    use crate::model::webhook::{DeploymentFacts, EnvironmentFacts, EventKind, InstanceFacts, ProjectFacts};
    use uuid::Uuid;

    fn event(kind: EventKind) -> Event {
        let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        Event {
            id: EventId::from_uuid(id),
            kind,
            at: "2026-11-26T11:00:00.5Z".parse().unwrap(),
            project: ProjectFacts {
                id: ProjectId::from_uuid(id),
                slug: "shop".parse().unwrap(),
                name: "The <Shop>".to_owned(),
            },
            environment: Some(EnvironmentFacts {
                id: EnvironmentId::from_uuid(id),
                name: "staging".parse().unwrap(),
                pull_request: None,
            }),
            deployment: None,
            instance: None,
            edits: Vec::new(),
            author: Some("ada".parse().unwrap()),
            reason: None,
        }
    }

    fn deployed(kind: EventKind, reason: Option<&str>) -> Event {
        let facts = DeploymentFacts {
            id: DeploymentId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002)),
            version: Some(7),
            commit: Some("1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b".parse().unwrap()),
            announced: None,
            branch: Some("main".parse().unwrap()),
            source: DeploymentSource::Push,
        };
        Event { deployment: Some(facts), reason: reason.map(str::to_owned), ..event(kind) }
    }

    #[test]
    fn every_format_says_the_same() {
        let address = PublicAddress {
            base_domain: "apps.test".to_owned(),
            http_port: 8080,
            ssh_host: "git.test".to_owned(),
            ssh_port: 2222,
        };
        let name = |name: &str| ConfigEdit {
            kind: ConfigKind::Variable,
            name: name.to_owned(),
            edit: Edit::Changed,
        };
        let crashed = InstanceFacts { name: "web.1".to_owned(), exit_code: 137, crashes: 3 };
        let events = [
            deployed(EventKind::DeploymentSucceeded, None),
            deployed(EventKind::DeploymentFailed, Some("`npm ci` failed & <ended> with exit code 1.")),
            Event { instance: Some(crashed), author: None, ..event(EventKind::InstanceCrashLooping) },
            Event { edits: vec![name("DATABASE_URL"); 12], ..event(EventKind::ConfigChanged) },
            Event { environment: None, ..event(EventKind::Test) },
        ];
        let formats =
            [WebhookFormat::Json, WebhookFormat::Slack, WebhookFormat::Discord, WebhookFormat::Email];
        let all = events.iter().flat_map(|event| formats.map(|format| body(event, format, (&address, None))));
        insta::assert_snapshot!(all.collect::<Vec<_>>().join("\n"));
    }
}
