//! `gilgal secrets rotate`
//!
//! The new key is written beside the old one before anything is sealed with it, and the old one is forgotten when nothing
//! is sealed with it any more: whenever this is killed, what is stored can be opened, and running it again goes on.

use super::local::{self, Answer};
use super::printer::with_causes;
use crate::config::{Home, KeysHeld, Settings, Variables};
use crate::secrets::MasterKey;
use crate::store::{ServerLock, Store};
use serde_json::json;
use std::error::Error;
use std::process::ExitCode;

/// What a rotation has done.
struct Rotated {
    fingerprint: String,
    values: usize,
}

pub(super) fn rotate(variables: &Variables, json: bool) -> ExitCode {
    local::run(variables, json, async |settings| {
        let Rotated { fingerprint, values } = rotated(settings).await.map_err(|error| {
            format!(
                "The master key was not rotated: {}.\n\
                 Everything can be opened as it is. Run this again when it can go on.",
                with_causes(&*error)
            )
        })?;
        Ok(Some(Answer {
            lines: vec![
                format!("The master key is {fingerprint} now; {values} values are sealed with it."),
                "Backups from before need the old key, which is in their copy of the home.".to_owned(),
            ],
            json: json!({ "fingerprint": fingerprint, "values": values }),
        }))
    })
}

async fn rotated(settings: &Settings) -> Result<Rotated, Box<dyn Error>> {
    // Neither home nor database is in use meanwhile: a server that runs would seal with the old key.
    let home = Home::open(&settings.home)?;
    // A backup that is being made would have one key and values of the other.
    let _keys = KeysHeld::alone(&settings.home)?;
    let url = settings.database_url.expose();
    let _lock = ServerLock::take(url).await?;
    let store = Store::connect(url).await?;
    store.refuse_foreign(home.server_id()).await?;
    store.migrate().await?;
    let key = MasterKey::begin_rotation(&home)?;
    let values = store.seal_again(|purpose, sealed| key.reseal(purpose, sealed)).await??;
    let key = key.end_rotation(&home)?;
    Ok(Rotated { fingerprint: key.fingerprint().to_owned(), values })
}
