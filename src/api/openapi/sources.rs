//! What each route is for, takes and gives that is about getting something from elsewhere.

use super::description::{Description, Shown, about, list, one};
use crate::wire::source::{CredentialBody, DeployKeyBody, KnownHostBody, PutCredentialBody};
use crate::wire::webhook::{
    DeliveryBody, NewWebhookBody, RotateWebhookBody, ShownWebhookBody, UpdateWebhookBody, WebhookBody,
};

const SOURCES: &str = "sources";

pub(super) fn show_deploy_key() -> Description {
    about(SOURCES, "The key with which a project fetches over SSH", one::<DeployKeyBody>(200))
}

pub(super) fn rotate_deploy_key() -> Description {
    about(SOURCES, "Give a project another deploy key", one::<DeployKeyBody>(200))
}

pub(super) fn list_credentials() -> Description {
    about(SOURCES, "Who hosts are told that asks", list::<CredentialBody>())
}

pub(super) fn put_credential() -> Description {
    about(SOURCES, "Set who a host is told that asks", one::<CredentialBody>(200))
        .takes::<PutCredentialBody>()
}

pub(super) fn delete_credential() -> Description {
    about(SOURCES, "Remove a credential", Shown::Nothing)
}

pub(super) fn list_known_hosts() -> Description {
    about(SOURCES, "The hosts that were fetched from over SSH", list::<KnownHostBody>())
}

pub(super) fn delete_known_host() -> Description {
    about(SOURCES, "Forget the keys of a host", Shown::Nothing)
}

pub(super) fn list_webhooks() -> Description {
    about(SOURCES, "The webhooks of a project", list::<WebhookBody>())
}

pub(super) fn create_webhook() -> Description {
    about(
        SOURCES,
        "Connect a project to a repository elsewhere; its secret is told once",
        one::<ShownWebhookBody>(201),
    )
    .takes::<NewWebhookBody>()
}

pub(super) fn show_webhook() -> Description {
    about(SOURCES, "A webhook", one::<WebhookBody>(200))
}

pub(super) fn update_webhook() -> Description {
    about(SOURCES, "Change a webhook", one::<WebhookBody>(200)).takes::<UpdateWebhookBody>()
}

pub(super) fn delete_webhook() -> Description {
    about(SOURCES, "Remove a webhook", Shown::Nothing)
}

pub(super) fn rotate_webhook() -> Description {
    about(SOURCES, "Give a webhook another secret", one::<ShownWebhookBody>(200)).takes::<RotateWebhookBody>()
}

pub(super) fn list_deliveries() -> Description {
    about(SOURCES, "What has come for a webhook", list::<DeliveryBody>()).paged()
}

pub(super) fn show_delivery() -> Description {
    about(SOURCES, "A delivery with its headers and its body", one::<DeliveryBody>(200))
}

pub(super) fn redeliver() -> Description {
    about(SOURCES, "Do once more what a delivery asks for", one::<DeliveryBody>(202))
}

pub(super) fn receive_delivery() -> Description {
    about(SOURCES, "For providers: somebody has pushed", one::<DeliveryBody>(202))
}
