//! `gilgal adopt-database`: says that a home and a database belong together, where the server refuses to believe it.

use super::local::{self, Answer};
use super::printer::with_causes;
use crate::config::{Home, Settings, Variables};
use crate::model::id::ServerId;
use crate::store::{ServerLock, Store};
use serde_json::json;
use std::error::Error;
use std::process::ExitCode;
use std::str::FromStr;

/// Whose the database is until now: a second look at whether `DATABASE_URL` is the one that is meant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner(Option<ServerId>);

impl FromStr for Owner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "nobody" {
            return Ok(Self(None));
        }
        text.parse().map(|server| Self(Some(server))).map_err(|_| {
            "is neither the id of a server nor `nobody`; `gilgal serve` says whose the database is".to_owned()
        })
    }
}

pub(super) fn adopt(variables: &Variables, owner: Owner, json: bool) -> ExitCode {
    local::run(variables, json, async |settings| {
        let adopted = adopted(settings, owner).await;
        let server =
            adopted.map_err(|error| format!("The database was not adopted: {}.", with_causes(&*error)))?;
        let text = format!("The database belongs to the server {server} now: {}", settings.home.display());
        Ok(Some(Answer::line(text, json!({ "server_id": server, "home": settings.home }))))
    })
}

async fn adopted(settings: &Settings, owner: Owner) -> Result<ServerId, Box<dyn Error>> {
    // Neither home nor database is in use meanwhile.
    let home = Home::open(&settings.home)?;
    let url = settings.database_url.expose();
    let _lock = ServerLock::take(url).await?;
    let store = Store::connect(url).await?;
    store.migrate().await?;
    store.adopt(owner.0, home.server_id()).await?;
    Ok(home.server_id())
}
