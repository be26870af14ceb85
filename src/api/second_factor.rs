//! `/api/auth/totp`: the second factor of the account.

use crate::api::Api;
use crate::api::reply::{self, Answer, created, no_content, ok};
use crate::api::request::Request;
use crate::auth::second_factor::Enrolment;
use crate::wire::second_factor::{
    EnrolmentBody, RecoveryCodesBody, SecondFactorBody, WithCode, WithPassword,
};
use serde_json::json;
use std::sync::Arc;

pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    Ok(ok(&SecondFactorBody::from(api.accounts.second_factor(request.caller()?.user.id).await?)))
}

pub(super) async fn enrol(api: Arc<Api>, mut request: Request) -> Answer {
    let user = request.caller()?.user.clone();
    let WithPassword { password } = request.json().await?;
    // What an authenticator app calls the server.
    let issuer = format!("gilgal {}", api.options.address.ssh_host);
    let enrolment = api.accounts.enrol_second_factor(&user, password, &issuer, request.origin).await?;
    let Enrolment { secret, otpauth_url } = enrolment;
    let body = EnrolmentBody { secret: secret.into_exposed(), otpauth_url: otpauth_url.into_exposed() };
    Ok(reply::secret(created(&body), &json!({})))
}

pub(super) async fn confirm(api: Arc<Api>, mut request: Request) -> Answer {
    let user = request.caller()?.user.clone();
    let WithCode { code } = request.json().await?;
    let codes = api.accounts.confirm_second_factor(&user, code.expose().trim(), request.origin).await?;
    let recovery_codes = codes.into_iter().map(crate::model::secret::Secret::into_exposed).collect();
    Ok(reply::secret(ok(&RecoveryCodesBody { recovery_codes }), &json!({})))
}

pub(super) async fn remove(api: Arc<Api>, mut request: Request) -> Answer {
    let user = request.caller()?.user.clone();
    let WithPassword { password } = request.json().await?;
    api.accounts.remove_second_factor(&user, password, request.origin).await?;
    Ok(no_content())
}
