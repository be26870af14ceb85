//! The tables of the migrations, for Diesel. `tests/store` compares both databases with each other.

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{Nullable, Text};

    users (id) {
        id -> Guid,
        email -> Text,
        username -> Text,
        password_hash -> Text,
        role -> Text,
        disabled_at -> Nullable<UtcTime>,
        created_at -> UtcTime,
        updated_at -> UtcTime,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{Nullable, Text};

    ssh_keys (id) {
        id -> Guid,
        user_id -> Guid,
        title -> Text,
        public_key -> Text,
        fingerprint -> Text,
        created_at -> UtcTime,
        last_used_at -> Nullable<UtcTime>,
    }
}

diesel::table! {
    use crate::store::types::{Document, Guid, UtcTime};
    use diesel::sql_types::{Nullable, Text};

    api_keys (id) {
        id -> Guid,
        user_id -> Guid,
        title -> Text,
        hash -> Text,
        scopes -> Document,
        expires_at -> Nullable<UtcTime>,
        last_used_at -> Nullable<UtcTime>,
        created_at -> UtcTime,
        hint -> Text,
        previous_hash -> Nullable<Text>,
        previous_until -> Nullable<UtcTime>,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{Nullable, Text};

    refresh_tokens (id) {
        id -> Guid,
        user_id -> Guid,
        family_id -> Guid,
        hash -> Text,
        expires_at -> UtcTime,
        used_at -> Nullable<UtcTime>,
        revoked_at -> Nullable<UtcTime>,
        created_at -> UtcTime,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{Nullable, Text};

    projects (id) {
        id -> Guid,
        owner_id -> Guid,
        name -> Text,
        slug -> Text,
        framework -> Nullable<Text>,
        disabled_at -> Nullable<UtcTime>,
        created_at -> UtcTime,
        updated_at -> UtcTime,
        deleted_at -> Nullable<UtcTime>,
        removed_after -> Nullable<UtcTime>,
    }
}

diesel::table! {
    use crate::store::types::{Document, Guid, UtcTime};
    use diesel::sql_types::{Nullable, Text};

    environments (id) {
        id -> Guid,
        project_id -> Guid,
        name -> Text,
        branch -> Nullable<Text>,
        settings -> Document,
        created_at -> UtcTime,
        updated_at -> UtcTime,
        host -> Text,
        disabled_at -> Nullable<UtcTime>,
        maintenance_at -> Nullable<UtcTime>,
        stopped_at -> Nullable<UtcTime>,
        asleep_at -> Nullable<UtcTime>,
        settings_set_at -> Document,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{Bool, Text};

    config_vars (environment_id, name) {
        environment_id -> Guid,
        name -> Text,
        sealed_value -> Text,
        scope -> Text,
        secret -> Bool,
        updated_at -> UtcTime,
        previews -> Bool,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{Bool, Text};

    config_files (id) {
        id -> Guid,
        environment_id -> Guid,
        path -> Text,
        sealed_content -> Text,
        secret -> Bool,
        created_at -> UtcTime,
        updated_at -> UtcTime,
    }
}

diesel::table! {
    use crate::store::types::{Document, Guid, UtcTime};
    use diesel::sql_types::Nullable;

    config_changes (id) {
        id -> Guid,
        environment_id -> Guid,
        author_id -> Nullable<Guid>,
        edits -> Document,
        created_at -> UtcTime,
    }
}

diesel::table! {
    use crate::store::types::{Document, Guid, UtcTime};
    use diesel::sql_types::{BigInt, Nullable, Text};

    deployments (id) {
        id -> Guid,
        project_id -> Guid,
        environment_id -> Guid,
        state -> Text,
        commit_id -> Text,
        branch -> Nullable<Text>,
        previous_commit -> Nullable<Text>,
        author_id -> Nullable<Guid>,
        source -> Text,
        options -> Document,
        record -> Document,
        cancel_requested_at -> Nullable<UtcTime>,
        reason -> Nullable<Text>,
        version -> Nullable<BigInt>,
        created_at -> UtcTime,
        started_at -> Nullable<UtcTime>,
        finished_at -> Nullable<UtcTime>,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{BigInt, Nullable, Text};

    deployment_events (deployment_id, seq) {
        deployment_id -> Guid,
        seq -> BigInt,
        state -> Text,
        occurred_at -> UtcTime,
        detail -> Nullable<Text>,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{BigInt, Text};

    deployment_logs (deployment_id, seq) {
        deployment_id -> Guid,
        seq -> BigInt,
        logged_at -> UtcTime,
        level -> Text,
        step -> Text,
        stream -> Text,
        text -> Text,
    }
}

diesel::table! {
    use crate::store::types::Guid;
    use diesel::sql_types::BigInt;

    deployment_log_sizes (deployment_id) {
        deployment_id -> Guid,
        bytes -> BigInt,
    }
}

diesel::table! {
    use crate::store::types::{Document, Guid, UtcTime};
    use diesel::sql_types::{BigInt, Nullable, Text};

    drains (id) {
        id -> Guid,
        project_id -> Guid,
        environment_id -> Nullable<Guid>,
        url -> Text,
        sealed_token -> Nullable<Text>,
        certificates -> Nullable<Text>,
        last_success_at -> Nullable<UtcTime>,
        last_error -> Nullable<Text>,
        last_error_at -> Nullable<UtcTime>,
        dropped -> BigInt,
        sent -> Document,
        created_at -> UtcTime,
        updated_at -> UtcTime,
        sealed_url -> Text,
    }
}

diesel::table! {
    use crate::store::types::{Document, Guid, UtcTime};
    use diesel::sql_types::{BigInt, Nullable, Text};

    releases (id) {
        id -> Guid,
        environment_id -> Guid,
        deployment_id -> Guid,
        version -> BigInt,
        commit_id -> Nullable<Text>,
        created_by -> Nullable<Guid>,
        content -> Document,
        created_at -> UtcTime,
        image -> Text,
    }
}

diesel::table! {
    use crate::store::types::{Document, Guid, UtcTime};
    use diesel::sql_types::{Integer, Nullable, Text};

    jobs (id) {
        id -> Guid,
        kind -> Text,
        payload -> Document,
        lock_key -> Nullable<Text>,
        deployment_id -> Nullable<Guid>,
        state -> Text,
        attempts -> Integer,
        run_at -> UtcTime,
        worker -> Nullable<Text>,
        lease_until -> Nullable<UtcTime>,
        error -> Nullable<Text>,
        created_at -> UtcTime,
        finished_at -> Nullable<UtcTime>,
        ends -> Integer,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{Nullable, Text};

    sessions (id) {
        id -> Guid,
        user_id -> Guid,
        peer -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        created_at -> UtcTime,
        last_used_at -> UtcTime,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{BigInt, Nullable, Text};

    second_factors (user_id) {
        user_id -> Guid,
        sealed_secret -> Text,
        confirmed_at -> Nullable<UtcTime>,
        last_step -> BigInt,
        created_at -> UtcTime,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{Nullable, Text};

    recovery_codes (user_id, hash) {
        user_id -> Guid,
        hash -> Text,
        used_at -> Nullable<UtcTime>,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{Nullable, Text};

    invitations (id) {
        id -> Guid,
        hash -> Text,
        email -> Nullable<Text>,
        created_by -> Nullable<Guid>,
        expires_at -> UtcTime,
        used_by -> Nullable<Guid>,
        used_at -> Nullable<UtcTime>,
        created_at -> UtcTime,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::Nullable;

    signing_keys (id) {
        id -> Guid,
        created_at -> UtcTime,
        retired_at -> Nullable<UtcTime>,
    }
}

diesel::table! {
    use crate::store::types::{Document, Guid, UtcTime};
    use diesel::sql_types::{Nullable, Text};

    audit (id) {
        id -> Guid,
        occurred_at -> UtcTime,
        user_id -> Nullable<Guid>,
        username -> Nullable<Text>,
        credential -> Nullable<Text>,
        credential_id -> Nullable<Text>,
        action -> Text,
        project_id -> Nullable<Guid>,
        subject -> Text,
        peer -> Text,
        request_id -> Text,
        was -> Nullable<Document>,
        became -> Nullable<Document>,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{Nullable, Text};

    idempotent_requests (user_id, key) {
        user_id -> Guid,
        key -> Text,
        request_hash -> Text,
        sealed_answer -> Nullable<Text>,
        created_at -> UtcTime,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{BigInt, Nullable, Text};

    cron_runs (id) {
        id -> Guid,
        environment_id -> Guid,
        name -> Text,
        scheduled_at -> Nullable<UtcTime>,
        requested_by -> Nullable<Guid>,
        version -> BigInt,
        state -> Text,
        exit_code -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        output -> Text,
        started_at -> UtcTime,
        finished_at -> Nullable<UtcTime>,
    }
}

diesel::table! {
    use crate::store::types::{Document, Guid, UtcTime};

    environment_pins (environment_id) {
        environment_id -> Guid,
        pins -> Document,
        updated_at -> UtcTime,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};

    server (id) {
        id -> Guid,
        claimed_at -> UtcTime,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::Text;

    remote_credentials (project_id, host) {
        project_id -> Guid,
        host -> Text,
        username -> Text,
        sealed_password -> Text,
        updated_at -> UtcTime,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::Text;

    deploy_keys (project_id) {
        project_id -> Guid,
        public_key -> Text,
        sealed_private_key -> Text,
        created_at -> UtcTime,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::Text;

    known_hosts (project_id, host) {
        project_id -> Guid,
        host -> Text,
        host_keys -> Text,
        first_seen_at -> UtcTime,
    }
}

diesel::table! {
    use crate::store::types::{Document, Guid, UtcTime};
    use diesel::sql_types::{Bool, Nullable, Text};

    hooks (id) {
        id -> Guid,
        project_id -> Guid,
        provider -> Text,
        repository -> Text,
        tag_environment_id -> Nullable<Guid>,
        enabled -> Bool,
        sealed_secret -> Text,
        sealed_previous -> Nullable<Text>,
        previous_until -> Nullable<UtcTime>,
        refused_at -> Nullable<UtcTime>,
        created_at -> UtcTime,
        updated_at -> UtcTime,
        previews -> Nullable<Document>,
        wait_for_checks -> Bool,
        via_hook_id -> Nullable<Guid>,
    }
}

diesel::table! {
    use crate::store::types::{Document, Guid, UtcTime};
    use diesel::sql_types::{Nullable, Text};

    webhooks (id) {
        id -> Guid,
        project_id -> Guid,
        format -> Text,
        target -> Text,
        sealed_target -> Text,
        events -> Document,
        sealed_secret -> Nullable<Text>,
        sealed_previous_secret -> Nullable<Text>,
        previous_until -> Nullable<UtcTime>,
        disabled_at -> Nullable<UtcTime>,
        disabled_reason -> Nullable<Text>,
        failing_since -> Nullable<UtcTime>,
        last_success_at -> Nullable<UtcTime>,
        last_error -> Nullable<Text>,
        last_error_at -> Nullable<UtcTime>,
        created_at -> UtcTime,
        updated_at -> UtcTime,
        hook_id -> Nullable<Guid>,
    }
}

diesel::table! {
    use crate::store::types::{Document, Guid, UtcTime};
    use diesel::sql_types::{Bool, Nullable, Text};

    hook_deliveries (id) {
        id -> Guid,
        hook_id -> Guid,
        delivery_key -> Text,
        event -> Text,
        headers -> Document,
        body -> Text,
        is_truncated -> Bool,
        parsed -> Document,
        outcome -> Document,
        commit_id -> Nullable<Text>,
        unchanged_from -> Nullable<Text>,
        redelivery_of -> Nullable<Guid>,
        received_at -> UtcTime,
        content_digest -> Nullable<Text>,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::Text;

    hook_memory (hook_id, known_by) {
        hook_id -> Guid,
        known_by -> Text,
        received_at -> UtcTime,
    }
}

diesel::table! {
    use crate::store::types::{Document, Guid, UtcTime};
    use diesel::sql_types::{BigInt, Integer, Nullable, Text};

    webhook_deliveries (id) {
        id -> Guid,
        webhook_id -> Guid,
        event -> Document,
        state -> Text,
        attempts -> Integer,
        next_attempt_at -> UtcTime,
        attempted_at -> Nullable<UtcTime>,
        duration_ms -> Nullable<BigInt>,
        response_status -> Nullable<Integer>,
        response -> Nullable<Text>,
        error -> Nullable<Text>,
        created_at -> UtcTime,
        finished_at -> Nullable<UtcTime>,
    }
}

diesel::table! {
    use crate::store::types::{Guid, UtcTime};
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};

    previews (id) {
        id -> Guid,
        project_id -> Guid,
        hook_id -> Nullable<Guid>,
        number -> BigInt,
        environment_id -> Nullable<Guid>,
        reference -> Text,
        title -> Text,
        author -> Nullable<Text>,
        head_branch -> Text,
        head_commit -> Nullable<Text>,
        base_branch -> Nullable<Text>,
        is_fork -> Bool,
        approved_commit -> Nullable<Text>,
        is_asked -> Bool,
        closed_at -> Nullable<UtcTime>,
        expires_at -> UtcTime,
        created_at -> UtcTime,
        updated_at -> UtcTime,
    }
}

diesel::joinable!(ssh_keys -> users (user_id));
diesel::joinable!(refresh_tokens -> users (user_id));
diesel::joinable!(api_keys -> users (user_id));
diesel::table! {
    use crate::store::types::Guid;
    use diesel::sql_types::{BigInt, Text};

    hook_bodies (delivery_id) {
        delivery_id -> Guid,
        hook_id -> Guid,
        packed -> Text,
        size -> BigInt,
    }
}

diesel::table! {
    use crate::store::types::Guid;
    use diesel::sql_types::{BigInt, Nullable};

    feedback_places (webhook_id, environment_id) {
        webhook_id -> Guid,
        environment_id -> Guid,
        deployment -> Nullable<BigInt>,
        comment -> Nullable<BigInt>,
    }
}

diesel::joinable!(environments -> projects (project_id));
diesel::joinable!(releases -> environments (environment_id));
diesel::joinable!(releases -> deployments (deployment_id));
diesel::joinable!(webhook_deliveries -> webhooks (webhook_id));
diesel::joinable!(webhooks -> projects (project_id));

diesel::allow_tables_to_appear_in_same_query!(
    users,
    ssh_keys,
    api_keys,
    refresh_tokens,
    projects,
    environments,
    config_vars,
    config_files,
    config_changes,
    deployments,
    deployment_events,
    deployment_logs,
    deployment_log_sizes,
    drains,
    releases,
    jobs,
    sessions,
    second_factors,
    recovery_codes,
    invitations,
    previews,
    webhooks,
    webhook_deliveries,
    feedback_places,
    hook_memory,
);
