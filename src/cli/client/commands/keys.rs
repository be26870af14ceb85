//! `gilgal keys`

use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::refusal::parse;
use crate::cli::client::table::Table;
use crate::config::Variables;
use crate::model::time::{age, now};
use crate::model::title::Title;
use crate::wire::key::KeyBody;
use crate::wire::list::List;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// What is looked for in ~/.ssh, in the order in which keys should be preferred.
const USUAL: [&str; 3] = ["id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub"];
/// No public key is larger.
const LARGEST: u64 = 64 * 1024;

pub(super) async fn list(context: &Context) -> Result<Answer, Failure> {
    let keys = all(context).await?;
    let mut table = Table::new(&["TITLE", "FINGERPRINT", "ADDED", "LAST USED"]);
    for key in &keys {
        let KeyBody { title, fingerprint, created_at, last_used_at, .. } = parse(key.clone())?;
        let used = last_used_at.map_or_else(|| "never".to_owned(), |at| format!("{} ago", age(at, now())));
        table.row([title, fingerprint, format!("{} ago", age(created_at, now())), used]);
    }
    let empty = "You have no SSH keys here: nobody can push for you. Add one: gilgal keys add";
    Ok(Answer::table(&table, context.screen.width, empty, Value::Array(keys)))
}

async fn all(context: &Context) -> Result<Vec<Value>, Failure> {
    Ok(parse::<List<Value>>(context.api.get("/api/keys").await?)?.data)
}

pub(super) async fn add(
    context: &Context,
    file: Option<PathBuf>,
    title: Option<Title>,
    variables: &Variables,
) -> Result<Answer, Failure> {
    let file = file.map_or_else(|| usual(variables), Ok)?;
    let public_key = read(&file)?;
    let title = match title {
        Some(title) => title,
        None => title_of(&public_key, &file)?,
    };
    let body = json!({ "title": title, "public_key": public_key });
    let json = context.api.post("/api/keys", &body).await?;
    let KeyBody { title, fingerprint, .. } = parse(json.clone())?;
    Ok(Answer::new(format!("Added {title} ({fingerprint}). It may push from now on."), json))
}

fn usual(variables: &Variables) -> Result<PathBuf, Failure> {
    let folder = variables.get("HOME").map(|home| Path::new(home).join(".ssh"));
    let found =
        folder.and_then(|folder| USUAL.iter().map(|name| folder.join(name)).find(|path| path.exists()));
    found.ok_or_else(|| {
        Failure::usage("There is no SSH key in ~/.ssh.")
            .with_hint("Make one: ssh-keygen -t ed25519. Or name its file: gilgal keys add FILE.pub")
    })
}

/// The public key in a file. A private key is never sent.
fn read(file: &Path) -> Result<String, Failure> {
    let named = file.display();
    let wrong = |message: String| {
        Failure::usage(message).with_hint("A public key is one line: ssh-ed25519 AAAA… COMMENT")
    };
    let size = fs::metadata(file).map(|metadata| metadata.len());
    match size {
        Ok(size) if size > LARGEST => {
            return Err(wrong(format!("{named} is no public key: it is too large.")));
        }
        Ok(_) => {}
        Err(error) => return Err(Failure::usage(format!("{named} cannot be read.")).caused_by(&error)),
    }
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("{named} cannot be read.")).caused_by(&error))?;
    if text.contains("PRIVATE KEY") {
        return Err(Failure::usage(format!("{named} is a private key, which nobody else may have."))
            .with_hint(format!("Add its public half: gilgal keys add {named}.pub")));
    }
    Ok(text.trim().to_owned())
}

/// The comment of a key, else the name of its file.
fn title_of(public_key: &str, file: &Path) -> Result<Title, Failure> {
    let comment = public_key.splitn(3, ' ').nth(2).unwrap_or_default();
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    comment.parse().or_else(|_| stem.parse()).map_err(|_| {
        Failure::usage("The key has no comment to be its title.").with_hint("Give it one: --title laptop")
    })
}

pub(super) async fn remove(context: &Context, named: &str) -> Result<Answer, Failure> {
    let mut found = Vec::new();
    for json in all(context).await? {
        let key: KeyBody = parse(json.clone())?;
        if key.title == named || key.fingerprint == named || key.id.to_string() == named {
            found.push((key, json));
        }
    }
    let hint = "`gilgal keys` lists them; a fingerprint names one.";
    match (found.pop(), found.is_empty()) {
        (Some((key, json)), true) => {
            context.api.delete(&format!("/api/keys/{}", key.id)).await?;
            let screen = format!("Removed {} ({}). It cannot push any more.", key.title, key.fingerprint);
            Ok(Answer::new(screen, json))
        }
        (None, _) => {
            Err(Failure::new(format!("You have no key {named}.")).with_hint(hint).with_exit(Exit::Missing))
        }
        (Some(_), false) => {
            Err(Failure::usage(format!("Several of your keys are called {named}.")).with_hint(hint))
        }
    }
}
