//! The codes of the API: what programs go by.

use warp::http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:ident $word:literal),+ $(,)?) => {
        /// The codes of the API: stable words for programs, each with its one status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(in crate::api) enum Code { $($(#[$doc])* $name),+ }

        impl Code {
            /// Every code, its status and its word.
            #[cfg(test)]
            pub(super) const TABLE: &'static [(Self, StatusCode, &'static str)] =
                &[$((Self::$name, StatusCode::$status, $word)),+];

            pub(in crate::api) const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            pub(in crate::api) const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

codes! {
    /// The body is not a JSON object.
    MalformedBody = BAD_REQUEST "malformed_body",
    /// A parameter of the query is unknown or has no meaning.
    InvalidQuery = BAD_REQUEST "invalid_query",
    /// An `Idempotency-Key` is too long, has characters that are not visible, or comes with an archive.
    InvalidIdempotencyKey = BAD_REQUEST "invalid_idempotency_key",
    /// No access token, or one that is not accepted: log in or refresh.
    Unauthenticated = UNAUTHORIZED "unauthenticated",
    /// The e-mail address or the password is wrong.
    InvalidCredentials = UNAUTHORIZED "invalid_credentials",
    /// The password is right, and the account has a second factor: send a code of it too.
    SecondFactorRequired = UNAUTHORIZED "second_factor_required",
    /// The code of the second factor is wrong, or was used before.
    InvalidSecondFactor = UNAUTHORIZED "invalid_second_factor",
    /// The refresh token is unknown, expired, revoked or was used before: log in.
    InvalidRefreshToken = UNAUTHORIZED "invalid_refresh_token",
    /// The account may know of this and may not do it.
    Forbidden = FORBIDDEN "forbidden",
    /// The API key does not reach so far; `details.scope` is what it would need.
    InsufficientScope = FORBIDDEN "insufficient_scope",
    /// The password of the account is wrong, or was not sent where it is needed.
    WrongPassword = FORBIDDEN "wrong_password",
    /// Nobody can sign up here.
    RegistrationClosed = FORBIDDEN "registration_closed",
    /// One needs an invitation to sign up here, and this is none that can be used.
    InvitationRequired = FORBIDDEN "invitation_required",
    /// There is no such path.
    RouteNotFound = NOT_FOUND "route_not_found",
    ProjectNotFound = NOT_FOUND "project_not_found",
    /// The project was deleted; the message says until when it can be brought back.
    ProjectDeleted = NOT_FOUND "project_deleted",
    DeploymentNotFound = NOT_FOUND "deployment_not_found",
    ReleaseNotFound = NOT_FOUND "release_not_found",
    KeyNotFound = NOT_FOUND "key_not_found",
    ApiKeyNotFound = NOT_FOUND "api_key_not_found",
    SessionNotFound = NOT_FOUND "session_not_found",
    InvitationNotFound = NOT_FOUND "invitation_not_found",
    EnvironmentNotFound = NOT_FOUND "environment_not_found",
    VariableNotFound = NOT_FOUND "variable_not_found",
    FileNotFound = NOT_FOUND "file_not_found",
    /// The schedule of what is live has no such command.
    CronNotFound = NOT_FOUND "cron_not_found",
    /// The project has made no deploy key yet.
    DeployKeyNotFound = NOT_FOUND "deploy_key_not_found",
    CredentialNotFound = NOT_FOUND "credential_not_found",
    HostNotFound = NOT_FOUND "host_not_found",
    DrainNotFound = NOT_FOUND "drain_not_found",
    /// Also where what was sent is not signed with its secret: which of the two is not said.
    HookNotFound = NOT_FOUND "hook_not_found",
    /// The pull request has none, or it was removed.
    PreviewNotFound = NOT_FOUND "preview_not_found",
    WebhookNotFound = NOT_FOUND "webhook_not_found",
    /// The hook did not get it, or the webhook was not told it, or it is longer ago than is kept.
    DeliveryNotFound = NOT_FOUND "delivery_not_found",
    /// The path is there, the method is not; `Allow` has those that are.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed",
    /// The body did not arrive in time.
    RequestTimeout = REQUEST_TIMEOUT "request_timeout",
    /// Somebody has this value already; `details.field` is which.
    Taken = CONFLICT "taken",
    /// The deployment has ended, or its traffic has been switched: there is nothing to cancel.
    NotCancellable = CONFLICT "not_cancellable",
    /// There is nothing that could be deployed: nothing is live, no release is there to go back to.
    NothingToDeploy = CONFLICT "nothing_to_deploy",
    /// What is asked for is live already.
    AlreadyLive = CONFLICT "already_live",
    /// The project is disabled or being deleted.
    ProjectDisabled = CONFLICT "project_disabled",
    /// There is no deletion to take back.
    NotDeleted = CONFLICT "not_deleted",
    /// Production cannot be deleted or be called otherwise.
    ProductionStays = CONFLICT "production_stays",
    /// The project has as many environments as one may have.
    TooManyEnvironments = CONFLICT "too_many_environments",
    /// As many one-off commands run in the environment as may at once.
    TooManyCommands = CONFLICT "too_many_commands",
    /// The command of the schedule runs already, and is not to run twice.
    CronRuns = CONFLICT "cron_runs",
    /// The account has as many projects as one may have here.
    TooManyProjects = CONFLICT "too_many_projects",
    /// The project has as many log drains as one may have.
    TooManyDrains = CONFLICT "too_many_drains",
    /// The project has as many credentials for hosts as one may have.
    TooManyCredentials = CONFLICT "too_many_credentials",
    /// The project has as many hooks as one may have.
    TooManyHooks = CONFLICT "too_many_hooks",
    /// The project has as many previews as one may have.
    TooManyPreviews = CONFLICT "too_many_previews",
    /// The pull request is not from a fork, or its newest commit was approved already.
    NotWaiting = CONFLICT "not_waiting",
    /// Somebody has pushed to the pull request since: its newest commit is another one than the one that is approved.
    PullRequestMoved = CONFLICT "pull_request_moved",
    /// The preview from before is being removed; then it is made again.
    PreviewWaits = CONFLICT "preview_waits",
    /// The project has as many webhooks as one may have.
    TooManyWebhooks = CONFLICT "too_many_webhooks",
    /// The webhook is told nothing: enable it first.
    WebhookDisabled = CONFLICT "webhook_disabled",
    /// What the webhook is sent is not signed: there is no secret to replace.
    WebhookNotSigned = CONFLICT "webhook_not_signed",
    /// The account has as many API keys as one may have.
    TooManyApiKeys = CONFLICT "too_many_api_keys",
    /// A key that has expired gets no other secret: make a new one.
    ApiKeyExpired = CONFLICT "api_key_expired",
    TooManySshKeys = CONFLICT "too_many_ssh_keys",
    /// The second factor is on already, or there is none.
    SecondFactorState = CONFLICT "second_factor_state",
    /// The account owns projects.
    OwnsProjects = CONFLICT "owns_projects",
    /// Nobody could run the server any more.
    LastOperator = CONFLICT "last_operator",
    /// A request with this `Idempotency-Key` was begun, and how it ended is not known (yet).
    RequestUnderWay = CONFLICT "request_under_way",
    /// It is not as `If-Match` says: somebody has changed it meanwhile.
    PreconditionFailed = PRECONDITION_FAILED "precondition_failed",
    BodyTooLarge = PAYLOAD_TOO_LARGE "body_too_large",
    /// The path is a WebSocket, and the request does not ask for one, or not for one that speaks what is spoken there.
    UpgradeRequired = UPGRADE_REQUIRED "upgrade_required",
    /// The body must be `application/json`.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type",
    /// `details.fields` has one sentence for each field that is wrong, missing or unknown.
    InvalidFields = UNPROCESSABLE_ENTITY "invalid_fields",
    /// The archive in the body is broken, or has something in it that no project may have.
    InvalidArchive = UNPROCESSABLE_ENTITY "invalid_archive",
    /// This `Idempotency-Key` was sent with another request.
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY "idempotency_key_reused",
    /// What cannot be undone needs the slug as `?confirm=`.
    ConfirmationRequired = UNPROCESSABLE_ENTITY "confirmation_required",
    /// The address has as many connections as one may have here, or the account as many sockets.
    TooManyConnections = TOO_MANY_REQUESTS "too_many_connections",
    /// Too many requests, or attempts to log in, of the account or the peer; try again after `Retry-After` seconds.
    RateLimited = TOO_MANY_REQUESTS "rate_limited",
    /// Something went wrong on the server.
    Internal = INTERNAL_SERVER_ERROR "internal",
    /// The database or the engine is away; try again.
    Unavailable = SERVICE_UNAVAILABLE "unavailable",
}
