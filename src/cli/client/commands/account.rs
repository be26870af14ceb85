//! `gilgal whoami`

use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::failure::Failure;
use crate::cli::client::refusal::parse;
use crate::cli::client::table::facts;
use crate::model::user::ServerRole;
use crate::wire::account::UserBody;

pub(super) async fn whoami(context: &Context) -> Result<Answer, Failure> {
    let json = context.api.get("/api/auth/me").await?;
    let UserBody { username, email, role, .. } = parse(json.clone())?;
    let role = match role {
        ServerRole::Operator => "operator of the server",
        ServerRole::Member => "member",
    };
    let screen = facts(&[
        ("account", username.to_string()),
        ("e-mail", email.to_string()),
        ("role", role.to_owned()),
        ("server", context.api.server.to_string()),
    ]);
    Ok(Answer::new(screen, json))
}
