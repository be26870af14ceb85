//! What each route is for, takes and gives that is about getting something from elsewhere.

use super::description::section::SOURCES;
use super::description::{Description, Shown, about, list, one};
use crate::wire::deployment::DeploymentBody;
use crate::wire::hook::{
    HookBody, HookDeliveryBody, NewHookBody, RotateHookBody, ShownHookBody, UpdateHookBody,
};
use crate::wire::preview::{ApprovePreviewBody, PreviewBody};
use crate::wire::source::{CredentialBody, DeployKeyBody, KnownHostBody, PutCredentialBody};

pub(super) fn show_deploy_key() -> Description {
    about(SOURCES, "The key with which a project fetches over SSH", one::<DeployKeyBody>(200))
}

pub(super) fn make_deploy_key() -> Description {
    about(SOURCES, "Make the deploy key of a project, unless it has one", one::<DeployKeyBody>(200))
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

pub(super) fn list_hooks() -> Description {
    about(SOURCES, "The hooks of a project", list::<HookBody>())
}

pub(super) fn create_hook() -> Description {
    about(
        SOURCES,
        "Connect a project to a repository elsewhere; its secret is told once",
        one::<ShownHookBody>(201),
    )
    .takes::<NewHookBody>()
}

pub(super) fn show_hook() -> Description {
    about(SOURCES, "A hook", one::<HookBody>(200))
}

pub(super) fn update_hook() -> Description {
    about(SOURCES, "Change a hook", one::<HookBody>(200)).takes::<UpdateHookBody>()
}

pub(super) fn delete_hook() -> Description {
    about(SOURCES, "Remove a hook", Shown::Nothing)
}

pub(super) fn rotate_hook() -> Description {
    about(SOURCES, "Give a hook another secret", one::<ShownHookBody>(200)).takes::<RotateHookBody>()
}

pub(super) fn list_deliveries() -> Description {
    about(SOURCES, "What has come for a hook", list::<HookDeliveryBody>()).paged()
}

pub(super) fn show_delivery() -> Description {
    about(SOURCES, "A delivery with its headers and its body", one::<HookDeliveryBody>(200))
}

pub(super) fn redeliver() -> Description {
    about(SOURCES, "Do once more what a delivery asks for", one::<HookDeliveryBody>(202))
}

pub(super) fn receive_delivery() -> Description {
    about(
        SOURCES,
        "For providers: somebody has pushed, or something has happened to a pull request",
        one::<HookDeliveryBody>(202),
    )
}

pub(super) fn list_previews() -> Description {
    about(SOURCES, "The previews of pull requests, and what waits for an approval", list::<PreviewBody>())
}

pub(super) fn approve_preview() -> Description {
    about(SOURCES, "Let the newest commit of a fork's pull request in", one::<DeploymentBody>(202))
        .takes::<ApprovePreviewBody>()
}

pub(super) fn delete_preview() -> Description {
    about(SOURCES, "Remove a preview, until the next push to its pull request", Shown::Nothing)
}
