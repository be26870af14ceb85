//! What each route is for, takes and gives.

use super::description::section::{
    ACCOUNTS, DEPLOYMENTS, KEYS, NOTIFICATIONS, OPERATORS, PROCESSES, PROJECTS, SYSTEM,
};
use super::description::{Description, Shown, about, applied, list, one};
use super::part::Part;
use super::sources;
use crate::api::endpoint::Endpoint;
use crate::api::new_deployment;
use crate::wire::account::{
    ChangePassword, Login, LoginSessionBody, Register, RemoveAccount, SessionBody, UpdateAccount, UserBody,
    WithRefreshToken,
};
use crate::wire::api_key::{ApiKeyBody, NewApiKeyBody, RotateApiKeyBody, ShownApiKeyBody};
use crate::wire::audit::AuditBody;
use crate::wire::config::{
    ConfigChangedBody, ConfigHistoryBody, FileBody, NewFileBody, PutFileBody, PutVariableBody,
    UpdateConfigBody, VariableBody,
};
use crate::wire::cron::{CronBody, CronRunBody};
use crate::wire::deployment::{DeploymentBody, NewDeploymentBody, PromoteBody, RedeployBody, RollbackBody};
use crate::wire::drain::{DrainBody, NewDrainBody, UpdateDrainBody};
use crate::wire::environment::{
    EnvironmentBody, MaintenanceBody, NewEnvironmentBody, ReplaceEnvironmentBody, UpdateEnvironmentBody,
};
use crate::wire::invitation::{InvitationBody, NewInvitationBody, ShownInvitationBody};
use crate::wire::key::{KeyBody, NewKey};
use crate::wire::log::LogLineBody;
use crate::wire::pins::PinsBody;
use crate::wire::process::{AppLineBody, FormationBody, ProcessBody, ScaledBody};
use crate::wire::project::{NewProjectBody, ProjectBody, ReplaceProjectBody, UpdateProjectBody};
use crate::wire::release::ReleaseBody;
use crate::wire::second_factor::{
    EnrolmentBody, RecoveryCodesBody, SecondFactorBody, WithCode, WithPassword,
};
use crate::wire::signing_key::SigningKeyBody;
use crate::wire::system::{HealthBody, ReadyBody, VersionBody};
use crate::wire::volume::VolumeBody;
use crate::wire::webhook::{
    DeliveryBody, NewWebhookBody, RotateWebhookBody, ShownWebhookBody, UpdateWebhookBody, WebhookBody,
};

impl Endpoint {
    /// The description of a route.
    pub(in crate::api) fn describe(self) -> Description {
        match self {
            Self::Register => about(ACCOUNTS, "Sign up", one::<UserBody>(201)).takes::<Register>(),
            Self::Login => about(ACCOUNTS, "Log in", one::<SessionBody>(200)).takes::<Login>(),
            Self::Refresh => about(ACCOUNTS, "Trade a refresh token for new tokens", one::<SessionBody>(200))
                .takes::<WithRefreshToken>(),
            Self::Logout => about(ACCOUNTS, "Log out", Shown::Nothing).takes::<WithRefreshToken>(),
            Self::ShowAccount => about(ACCOUNTS, "Your account", one::<UserBody>(200)),
            Self::UpdateAccount => {
                about(ACCOUNTS, "Change your account", one::<UserBody>(200)).takes::<UpdateAccount>()
            }
            Self::ChangePassword => {
                about(ACCOUNTS, "Change your password, and end every other login", Shown::Nothing)
                    .takes::<ChangePassword>()
            }
            Self::RemoveAccount => {
                about(ACCOUNTS, "Remove your account", Shown::Nothing).takes::<RemoveAccount>()
            }
            Self::ListSessions => about(ACCOUNTS, "Your logins", list::<LoginSessionBody>()).paged(),
            Self::EndSession => about(ACCOUNTS, "End a login", Shown::Nothing),
            Self::ShowSecondFactor => about(ACCOUNTS, "Your second factor", one::<SecondFactorBody>(200)),
            Self::EnrolSecondFactor => {
                about(ACCOUNTS, "Make the secret of a second factor", one::<EnrolmentBody>(201))
                    .takes::<WithPassword>()
            }
            Self::ConfirmSecondFactor => {
                about(ACCOUNTS, "Turn the second factor on", one::<RecoveryCodesBody>(200))
                    .takes::<WithCode>()
            }
            Self::RemoveSecondFactor => {
                about(ACCOUNTS, "Turn the second factor off", Shown::Nothing).takes::<WithPassword>()
            }
            Self::ListInvitations => about(OPERATORS, "Invitations", list::<InvitationBody>()).paged(),
            Self::CreateInvitation => {
                about(OPERATORS, "Invite somebody to sign up", one::<ShownInvitationBody>(201))
                    .takes::<NewInvitationBody>()
            }
            Self::DeleteInvitation => about(OPERATORS, "Take an invitation back", Shown::Nothing),
            Self::ListSigningKeys => {
                about(OPERATORS, "Keys that sign access tokens", list::<SigningKeyBody>())
            }
            Self::CreateSigningKey => {
                about(OPERATORS, "Sign access tokens with a new key", one::<SigningKeyBody>(201))
            }
            Self::ListKeys => about(KEYS, "Your SSH keys", list::<KeyBody>()),
            Self::CreateKey => about(KEYS, "Add an SSH key", one::<KeyBody>(201)).takes::<NewKey>(),
            Self::DeleteKey => about(KEYS, "Remove an SSH key", Shown::Nothing),
            Self::ListApiKeys => about(KEYS, "Your API keys", list::<ApiKeyBody>()),
            Self::CreateApiKey => {
                about(KEYS, "Make an API key", one::<ShownApiKeyBody>(201)).takes::<NewApiKeyBody>()
            }
            Self::RotateApiKey => about(KEYS, "Give an API key another secret", one::<ShownApiKeyBody>(200))
                .takes::<RotateApiKeyBody>(),
            Self::DeleteApiKey => about(KEYS, "Remove an API key", Shown::Nothing),
            Self::ListAudit => about(OPERATORS, "The audit log", list::<AuditBody>())
                .paged()
                .text("project_id", "Of this project only.")
                .text("user_id", "Of this account only.")
                .text("action", "Of this action only: `create_project`."),
            Self::ListProjects => about(PROJECTS, "Projects", list::<ProjectBody>())
                .paged()
                .text("deleted", "`true`: those that were deleted and can be brought back."),
            Self::CreateProject => {
                about(PROJECTS, "Make a project", one::<ProjectBody>(201)).takes::<NewProjectBody>()
            }
            Self::ShowProject => about(PROJECTS, "A project, by id or slug", one::<ProjectBody>(200)),
            Self::ReplaceProject => {
                about(PROJECTS, "Change everything that can be changed", one::<ProjectBody>(200))
                    .takes::<ReplaceProjectBody>()
            }
            Self::UpdateProject => {
                about(PROJECTS, "Change a project", one::<ProjectBody>(200)).takes::<UpdateProjectBody>()
            }
            Self::DeleteProject => about(PROJECTS, "Delete a project", Shown::Nothing)
                .needed("confirm", "The slug of the project, to be sure.")
                .text("now", "`true` removes it at once, also one that was deleted before."),
            Self::RestoreProject => about(PROJECTS, "Bring a deleted project back", one::<ProjectBody>(200)),
            Self::ListProjectAudit => about(PROJECTS, "The audit log of a project", list::<AuditBody>())
                .paged()
                .text("user_id", "Of this account only.")
                .text("action", "Of this action only: `cancel_deployment`."),
            Self::ListEnvironments => {
                about(PROJECTS, "The environments of a project", list::<EnvironmentBody>())
            }
            Self::CreateEnvironment => about(PROJECTS, "Make an environment", one::<EnvironmentBody>(201))
                .takes::<NewEnvironmentBody>(),
            Self::ShowEnvironment => {
                about(PROJECTS, "An environment, by id or as shop:staging", one::<EnvironmentBody>(200))
            }
            Self::ReplaceEnvironment => {
                about(PROJECTS, "Set everything of an environment", one::<EnvironmentBody>(200))
                    .takes::<ReplaceEnvironmentBody>()
            }
            Self::UpdateEnvironment => about(PROJECTS, "Change an environment", one::<EnvironmentBody>(200))
                .takes::<UpdateEnvironmentBody>(),
            Self::DeleteEnvironment => {
                about(PROJECTS, "Stop and remove everything of an environment", Shown::Nothing)
                    .needed("confirm", "The name of the environment, to be sure.")
            }
            Self::ShowConfig => about(PROJECTS, "Config vars", Shown::ListOrText(Part::of::<VariableBody>())),
            Self::UpdateConfig => {
                about(PROJECTS, "Change config vars, all at once", applied::<ConfigChangedBody>())
                    .takes::<UpdateConfigBody>()
                    .or_file(&["text/plain"])
                    .text("scope", "Of all that a .env file sets: `build`, `runtime`, `both`.")
                    .text("secret", "Whether all that a .env file sets is secret: `true`, `false`.")
            }
            Self::SetVariable => {
                about(PROJECTS, "Set a config var", applied::<ConfigChangedBody>()).takes::<PutVariableBody>()
            }
            Self::UnsetVariable => about(PROJECTS, "Remove a config var", applied::<ConfigChangedBody>()),
            Self::ConfigHistory => {
                about(PROJECTS, "What has changed of the config", list::<ConfigHistoryBody>()).paged()
            }
            Self::ListFiles => about(PROJECTS, "Configuration files", list::<FileBody>()),
            Self::CreateFile => about(PROJECTS, "Add a configuration file", applied::<ConfigChangedBody>())
                .takes::<NewFileBody>(),
            Self::ShowFile => about(PROJECTS, "A configuration file", one::<FileBody>(200)),
            Self::ReplaceFile => {
                about(PROJECTS, "Change a configuration file", applied::<ConfigChangedBody>())
                    .takes::<PutFileBody>()
            }
            Self::DeleteFile => {
                about(PROJECTS, "Remove a configuration file", applied::<ConfigChangedBody>())
            }
            Self::ListDeployments => {
                about(DEPLOYMENTS, "The deployments of a project", list::<DeploymentBody>())
                    .paged()
                    .text("status", "With this status only.")
                    .text("environment_id", "To this environment only.")
                    .text("commit", "Of this commit only.")
            }
            Self::ShowDeployment => about(DEPLOYMENTS, "A deployment", one::<DeploymentBody>(200)),
            Self::DeleteDeployment | Self::CancelDeployment => {
                about(DEPLOYMENTS, "Cancel a deployment", one::<DeploymentBody>(202))
            }
            Self::ShowLogs => {
                about(DEPLOYMENTS, "The log of a deployment", Shown::Log(Part::of::<LogLineBody>()))
                    .number("after", "Lines with a higher number only.", None)
                    .number("cursor", "The `next` of the page before.", None)
                    .number("limit", "Most lines of a JSON page.", Some(1000))
                    .text("level", "Of this level only: `info`, `warning`, `error`.")
                    .text("step", "Of this step only: `build`.")
            }
            Self::CreateDeployment => about(
                DEPLOYMENTS,
                "Deploy what was pushed before, a repository elsewhere, an image, or the archive in the body",
                one::<DeploymentBody>(202),
            )
            .takes::<NewDeploymentBody>()
            .or_file(&new_deployment::ARCHIVES)
            .text("environment", "With an archive: name or id.")
            .text("strip", "With an archive: `1` leaves out the one folder that everything is in.")
            .text("no_cache", "With an archive: `1` builds every layer anew."),
            Self::StreamLogs => {
                about(DEPLOYMENTS, "The log of a deployment, followed over a WebSocket", Shown::Socket)
                    .number("after", "Lines with a higher number only.", None)
                    .text("level", "Of this level only: `info`, `warning`, `error`.")
                    .text("step", "Of this step only: `build`.")
            }
            Self::ShowDeployKey => sources::show_deploy_key(),
            Self::MakeDeployKey => sources::make_deploy_key(),
            Self::RotateDeployKey => sources::rotate_deploy_key(),
            Self::ListCredentials => sources::list_credentials(),
            Self::PutCredential => sources::put_credential(),
            Self::DeleteCredential => sources::delete_credential(),
            Self::ListKnownHosts => sources::list_known_hosts(),
            Self::DeleteKnownHost => sources::delete_known_host(),
            Self::ListHooks => sources::list_hooks(),
            Self::CreateHook => sources::create_hook(),
            Self::ShowHook => sources::show_hook(),
            Self::UpdateHook => sources::update_hook(),
            Self::DeleteHook => sources::delete_hook(),
            Self::RotateHook => sources::rotate_hook(),
            Self::ListHookDeliveries => sources::list_deliveries(),
            Self::ShowHookDelivery => sources::show_delivery(),
            Self::RedeliverHook => sources::redeliver(),
            Self::ReceiveDelivery => sources::receive_delivery(),
            Self::ListPreviews => sources::list_previews(),
            Self::ApprovePreview => sources::approve_preview(),
            Self::DeletePreview => sources::delete_preview(),
            Self::RedeployDeployment => {
                about(DEPLOYMENTS, "Deploy the same commit again", one::<DeploymentBody>(202))
                    .takes::<RedeployBody>()
            }
            Self::RollBackDeployment => {
                about(DEPLOYMENTS, "Make the release of a deployment live again", one::<DeploymentBody>(202))
                    .takes::<RollbackBody>()
            }
            Self::PromoteDeployment => about(
                DEPLOYMENTS,
                "Bring the release of a deployment to another environment",
                one::<DeploymentBody>(202),
            )
            .takes::<PromoteBody>(),
            Self::ListReleases => {
                about(DEPLOYMENTS, "The releases of an environment", list::<ReleaseBody>()).paged()
            }
            Self::ShowRelease => about(
                DEPLOYMENTS,
                "A release, and what is different from the one before",
                one::<ReleaseBody>(200),
            )
            .text("against", "`current`, or a release such as `v3`: compare with that one instead."),
            Self::ShowPins => about(DEPLOYMENTS, "What the next build goes by", one::<PinsBody>(200)),
            Self::DeletePins => {
                about(DEPLOYMENTS, "Let the next build take the newest", one::<PinsBody>(200))
            }
            Self::ListProcesses => about(PROCESSES, "The instances of an environment", list::<ProcessBody>()),
            Self::SetFormation => {
                about(PROCESSES, "Set how many instances there are", applied::<ScaledBody>())
                    .takes::<FormationBody>()
            }
            Self::RestartEnvironment => {
                about(PROCESSES, "Replace every instance", one::<DeploymentBody>(202))
            }
            Self::SetMaintenance => about(
                PROCESSES,
                "Answer requests with a page, or let them through again",
                one::<EnvironmentBody>(200),
            )
            .takes::<MaintenanceBody>(),
            Self::StopEnvironment => about(PROCESSES, "Stop every instance", one::<EnvironmentBody>(200)),
            Self::StartEnvironment => about(PROCESSES, "Start what was stopped", one::<DeploymentBody>(202)),
            Self::ListVolumes => about(PROCESSES, "The volumes of an environment", list::<VolumeBody>()),
            Self::ListCron => about(PROCESSES, "The commands of the schedule", list::<CronBody>()),
            Self::ListCronRuns => {
                about(PROCESSES, "The runs of a command of the schedule", list::<CronRunBody>()).paged()
            }
            Self::RunCron => about(PROCESSES, "Run a command of the schedule now", one::<CronRunBody>(202)),
            Self::ShowAppLogs => {
                about(PROCESSES, "What the instances print", Shown::Log(Part::of::<AppLineBody>()))
                    .text("since", "Nothing that was printed before this time.")
                    .number("tail", "Most lines that were printed already.", Some(1000))
                    .text("process", "Of these instances only: `web`, `web.1`.")
                    .text("search", "Lines with this text only, in capitals or small letters.")
                    .text("follow", "Whether text goes on with what is printed: `true`, `false`.")
            }
            Self::StreamAppLogs => {
                about(PROCESSES, "What the instances print, followed over a WebSocket", Shown::Socket)
                    .text("since", "Nothing that was printed before this time.")
                    .number("tail", "Most lines that were printed already.", Some(1000))
                    .text("process", "Of these instances only: `web`, `web.1`.")
                    .text("search", "Lines with this text only, in capitals or small letters.")
            }
            Self::RunCommand => {
                about(PROCESSES, "Run a command, talked to over a WebSocket (gilgal.run.v1)", Shown::Socket)
            }
            Self::ListDrains => about(PROCESSES, "The log drains of a project", list::<DrainBody>()),
            Self::CreateDrain => {
                about(PROCESSES, "Send what the instances print elsewhere", one::<DrainBody>(201))
                    .takes::<NewDrainBody>()
            }
            Self::ShowDrain => about(PROCESSES, "A log drain, and how far it is", one::<DrainBody>(200)),
            Self::UpdateDrain => {
                about(PROCESSES, "Change a log drain", one::<DrainBody>(200)).takes::<UpdateDrainBody>()
            }
            Self::DeleteDrain => about(PROCESSES, "Remove a log drain", Shown::Nothing),
            Self::ListWebhooks => about(NOTIFICATIONS, "The webhooks of a project", list::<WebhookBody>())
                .needed("project", "Its slug or id."),
            Self::CreateWebhook => {
                about(NOTIFICATIONS, "Tell somebody what happens to a project", one::<ShownWebhookBody>(201))
                    .takes::<NewWebhookBody>()
            }
            Self::ShowWebhook => about(NOTIFICATIONS, "A webhook, and how it goes", one::<WebhookBody>(200)),
            Self::UpdateWebhook => {
                about(NOTIFICATIONS, "Change a webhook", one::<WebhookBody>(200)).takes::<UpdateWebhookBody>()
            }
            Self::DeleteWebhook => about(NOTIFICATIONS, "Remove a webhook", Shown::Nothing),
            Self::RotateWebhook => {
                about(NOTIFICATIONS, "Give a webhook another secret", one::<ShownWebhookBody>(200))
                    .takes::<RotateWebhookBody>()
            }
            Self::TestWebhook => about(NOTIFICATIONS, "Tell a webhook a test", one::<DeliveryBody>(202)),
            Self::ListDeliveries => {
                about(NOTIFICATIONS, "What a webhook was told", list::<DeliveryBody>()).paged()
            }
            Self::RedeliverDelivery => {
                about(NOTIFICATIONS, "Tell a webhook something again", one::<DeliveryBody>(202))
            }
            Self::Health => about(SYSTEM, "Whether the process answers", one::<HealthBody>(200)),
            Self::Ready => {
                about(SYSTEM, "Whether deployments can be taken", Shown::Readiness(Part::of::<ReadyBody>()))
            }
            Self::Version => about(SYSTEM, "Name and version", one::<VersionBody>(200)),
            Self::ShowOpenApi => about(SYSTEM, "This document", Shown::Document),
            Self::ShowFileSchema => about(SYSTEM, "The JSON Schema of gilgal.toml", Shown::Document),
            Self::ShowDocs => about(SYSTEM, "This document for people", Shown::Page),
        }
    }
}
