//! `gilgal db`: for who develops Gilgal.

use super::USAGE;
use super::printer::{self, with_causes};
use crate::config::{Home, Settings, Variables};
use crate::secrets::MasterKey;
use crate::seed::{Seeded, seed};
use crate::store::{ServerLock, Store};
use std::error::Error;
use std::process::ExitCode;

/// `gilgal db seed`. The server must not run.
pub(super) fn fill(variables: &Variables, add: bool) -> ExitCode {
    let settings = match Settings::load(variables) {
        Ok(settings) => settings,
        Err(mistakes) => {
            printer::error(&mistakes.to_string());
            return ExitCode::from(USAGE);
        }
    };
    match filled(&settings, add) {
        Ok(made) => {
            for Seeded { user, password, api_key, project } in made {
                printer::line(&format!("{} ({}), project {project}", user.email, user.role.as_str()));
                printer::line(&format!("    password  {}", password.expose()));
                printer::line(&format!("    API key   {}", api_key.expose()));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            printer::error(&format!("The database was not filled: {}.", with_causes(&*error)));
            ExitCode::FAILURE
        }
    }
}

fn filled(settings: &Settings, add: bool) -> Result<Vec<Seeded>, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        // Neither home nor database is in use meanwhile.
        let home = Home::open(&settings.home)?;
        let url = settings.database_url.expose();
        let _lock = ServerLock::take(url).await?;
        let store = Store::connect(url).await?;
        store.refuse_foreign(home.server_id()).await?;
        store.migrate().await?;
        Ok(Box::pin(seed(&store, MasterKey::of(&home)?, add)).await?)
    })
}
