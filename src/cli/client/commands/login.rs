//! `gilgal login` and `gilgal logout`

use crate::cli::client::answer::Answer;
use crate::cli::client::api::Api;
use crate::cli::client::arguments::Connection;
use crate::cli::client::context::{Context, named_server};
use crate::cli::client::credentials::{Credentials, Login, Logins, Tokens};
use crate::cli::client::failure::Failure;
use crate::cli::client::prompt;
use crate::cli::client::refusal::parse;
use crate::cli::client::server::ServerUrl;
use crate::cli::client::session::{Identity, not_logged_in};
use crate::cli::printer;
use crate::config::Variables;
use crate::model::name::{Email, InvalidName};
use crate::model::secret::Secret;
use crate::wire::account::{SessionBody, UserBody};
use serde_json::{Value, json};

/// Logs in and keeps the login. `token` is empty where it is to be asked for.
pub(super) async fn login(
    address: Option<ServerUrl>,
    (email, code): (Option<Email>, Option<String>),
    token: Option<String>,
    connection: &Connection,
    variables: &Variables,
) -> Result<Answer, Failure> {
    let credentials = Credentials::of(variables)?;
    let server = match address {
        Some(address) => address,
        None => match (named_server(connection, variables)?, credentials.read()?.current) {
            (Some(server), _) | (None, Some(server)) => server,
            (None, None) => ServerUrl::DEFAULT.parse().map_err(Failure::usage)?,
        },
    };
    if !server.is_encrypted() && !server.is_loopback() {
        // Before anything is asked for, and sent.
        printer::error(&format!(
            "warning: {server} is asked without TLS: whoever is on the way can read your password and your tokens."
        ));
    }
    let (login, user) = match token {
        Some(token) => with_token(&server, token).await?,
        None => with_password(&server, email, code).await?,
    };
    let change = |logins: &mut Logins| {
        logins.current = Some(server.clone());
        logins.servers.insert(server.clone(), login);
    };
    credentials.lock()?.change(change)?;
    let UserBody { ref username, ref email, .. } = user;
    let screen = format!("Logged in to {server} as {username} ({email}).");
    let mut answer = Answer::new(screen, json!({ "server": server, "user": user }));
    if variables.get("GILGAL_TOKEN").is_some() {
        answer = answer.with_notice("warning: GILGAL_TOKEN is set: it is used instead of this login.");
    }
    Ok(answer)
}

async fn with_token(server: &ServerUrl, token: String) -> Result<(Login, UserBody), Failure> {
    let token = if token.is_empty() {
        prompt::secret(&format!("Token for {server}: "))?.into_exposed().trim().to_owned()
    } else {
        token
    };
    let token = Secret::new(token);
    let api = Api::new(server.clone(), Identity::Given(token.clone()))?;
    let user = parse(api.get("/api/auth/me").await?)?;
    Ok((Login::Token { token }, user))
}

async fn with_password(
    server: &ServerUrl,
    email: Option<Email>,
    code: Option<String>,
) -> Result<(Login, UserBody), Failure> {
    let email = email.map_or_else(|| ask_for_email(server), Ok)?;
    let password = prompt::secret(&format!("Password of {email}: "))?;
    let api = Api::new(server.clone(), Identity::Nobody)?;
    let mut body = json!({ "email": email, "password": password.expose() });
    if let Some(code) = &code {
        body["code"] = json!(code);
    }
    let answer = match api.post("/api/auth/login", &body).await {
        Err(failure) if failure.needs_code && code.is_none() => {
            let code = prompt::secret("Code of the second factor, or a recovery code: ")?;
            body["code"] = json!(code.expose().trim());
            api.post("/api/auth/login", &body).await?
        }
        answer => answer?,
    };
    let session: SessionBody = parse(answer)?;
    let user = session.user.clone();
    Ok((Login::Session(Tokens::of(session)), user))
}

fn ask_for_email(server: &ServerUrl) -> Result<Email, Failure> {
    let typed = prompt::line(&format!("E-mail address at {server}: "))?;
    typed.parse().map_err(|error: InvalidName| Failure::usage(error.to_string()))
}

/// Ends the login at the server, and forgets it here in any case.
pub(super) async fn logout(context: &Context, variables: &Variables) -> Result<Answer, Failure> {
    let server = &context.api.server;
    let locked_in = Credentials::of(variables)?;
    // Under the lock: nobody replaces the refresh token meanwhile.
    let locked = locked_in.lock()?;
    let login = locked_in.read()?.servers.remove(server).ok_or_else(|| not_logged_in(server))?;
    let ended = match &login {
        Login::Session(tokens) => {
            let api = Api::new(server.clone(), Identity::Nobody)?;
            let body = json!({ "refresh_token": tokens.refresh_token.expose() });
            api.post("/api/auth/logout", &body).await
        }
        Login::Token { .. } => Ok(Value::Null),
    };
    locked.change(|logins| {
        logins.servers.remove(server);
        if logins.current.as_ref() == Some(server) {
            logins.current = None;
        }
    })?;
    let answer = Answer::new(format!("Logged out of {server}."), json!({ "server": server }));
    Ok(match ended {
        Ok(_) => answer,
        Err(failure) => answer.with_notice(format!(
            "{}\nwarning: the server has not heard of it; there the login ends by itself after 30 days.",
            failure.render(false)
        )),
    })
}
