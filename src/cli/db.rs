//! `gilgal db`: for who develops Gilgal.

use super::local::{self, Answer};
use super::printer::with_causes;
use crate::config::{Home, Settings, Variables};
use crate::secrets::MasterKey;
use crate::seed::{Seeded, seed};
use crate::store::{ServerLock, Store};
use serde_json::{Value, json};
use std::error::Error;
use std::process::ExitCode;

/// `gilgal db seed`. The server must not run.
pub(super) fn fill(variables: &Variables, add: bool, json: bool) -> ExitCode {
    local::run(variables, json, async |settings| {
        let made = filled(settings, add).await;
        let made = made.map_err(|error| format!("The database was not filled: {}.", with_causes(&*error)))?;
        Ok(Some(Answer {
            lines: made.iter().flat_map(lines).collect(),
            json: made.iter().map(as_json).collect(),
        }))
    })
}

fn lines(Seeded { user, password, api_key, project }: &Seeded) -> [String; 3] {
    [
        format!("{} ({}), project {project}", user.email, user.role.as_str()),
        format!("    password  {}", password.expose()),
        format!("    API key   {}", api_key.expose()),
    ]
}

fn as_json(Seeded { user, password, api_key, project }: &Seeded) -> Value {
    json!({
        "email": user.email,
        "username": user.username,
        "role": user.role,
        "password": password.expose(),
        "api_key": api_key.expose(),
        "project": project,
    })
}

async fn filled(settings: &Settings, add: bool) -> Result<Vec<Seeded>, Box<dyn Error>> {
    // Neither home nor database is in use meanwhile.
    let home = Home::open(&settings.home)?;
    let url = settings.database_url.expose();
    let _lock = ServerLock::take(url).await?;
    let store = Store::connect(url).await?;
    store.refuse_foreign(home.server_id()).await?;
    store.migrate().await?;
    Ok(Box::pin(seed(&store, MasterKey::of(&home)?, add)).await?)
}
