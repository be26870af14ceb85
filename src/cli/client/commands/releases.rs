//! `gilgal releases` and `gilgal rollback`

use super::deploying::{Wait, made};
use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::environment::Place;
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::prompt;
use crate::cli::client::refusal::parse;
use crate::cli::client::releases::Version;
use crate::cli::client::safe;
use crate::cli::client::table::{Table, facts};
use crate::model::release_diff::ReleaseDiff;
use crate::model::time::{age, now};
use crate::wire::list::List;
use crate::wire::release::{ReleaseBody, came_from};
use serde_json::{Value, json};

/// How many of the newest releases are listed, and looked through for the one before.
const LISTED: u16 = 25;

pub(super) async fn list(context: &Context, place: &Place) -> Result<Answer, Failure> {
    let data = page(context, place).await?;
    let mut table = Table::new(&["RELEASE", "", "FROM", "COMMIT", "BY", "AGE", "INSTANCES"]);
    for release in &data {
        let release: ReleaseBody = parse(release.clone())?;
        table.row([
            format!("v{}", release.version),
            state(&release).to_owned(),
            origin(&release),
            commit(&release),
            author(&release),
            age(release.created_at, now()),
            formation(&release),
        ]);
    }
    let empty =
        format!("{} has no release yet. `git push gilgal main` or `gilgal deploy` makes one.", place.shown());
    Ok(Answer::table(&table, context.screen.width, &empty, Value::Array(data)))
}

/// One release, with what is different from the one before.
pub(super) async fn info(context: &Context, place: &Place, version: Version) -> Result<Answer, Failure> {
    let json = context.api.get(&place.path(&format!("/releases/{}", version.0))).await?;
    let release: ReleaseBody = parse(json.clone())?;
    let mut screen = facts(&[
        ("release", format!("{version}{}", if release.current { " (current)" } else { "" })),
        ("from", origin(&release)),
        ("commit", release.commit.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)),
        ("by", author(&release)),
        ("made", format!("{} ago", age(release.created_at, now()))),
        ("image", image(&release)),
        ("instances", formation(&release)),
        ("config", release.config.join(" ")),
    ]);
    if let Some(diff) = release.diff.map(|diff| diff.lines()).filter(|lines| !lines.is_empty()) {
        screen.push_str("\nDifferent from the release before:\n");
        screen.extend(diff.iter().map(|line| format!("  {line}\n")));
    }
    Ok(Answer::new(screen, json))
}

/// What is to be rolled back to.
pub(super) struct Rollback {
    /// The one before the current one unless given.
    pub(super) version: Option<Version>,
    pub(super) rebuild: bool,
    /// Whether somebody at the terminal is asked first.
    pub(super) ask: bool,
}

pub(super) async fn roll_back(
    context: &Context,
    place: &Place,
    wanted: Rollback,
    wait: Wait,
) -> Result<Answer, Failure> {
    let version = match wanted.version {
        Some(version) => version.0,
        None => before_current(newest(context, place).await?, place)?.version,
    };
    let path = place.path(&format!("/releases/{version}?against=current"));
    let target: ReleaseBody = parse(context.api.get(&path).await?)?;
    if wanted.ask && prompt::is_possible() && !context.json {
        let question = format!(
            "This makes v{} of {} live again ({}, by {}, {} ago): its image, config and formation.\n{}Go on? [y/N] ",
            target.version,
            place.shown(),
            commit(&target),
            author(&target),
            age(target.created_at, now()),
            safe(&different(&target, wanted.rebuild))
        );
        if !prompt::line(&question)?.eq_ignore_ascii_case("y") {
            return Err(
                Failure::new("Nothing was changed.").with_hint("Without the question: gilgal rollback --yes")
            );
        }
    }
    let path = format!("/api/deployments/{}/rollback", target.deployment_id);
    made(context, context.api.post(&path, &json!({ "rebuild": wanted.rebuild })).await?, wait).await
}

/// What will be different from what is live, a line each.
fn different(target: &ReleaseBody, rebuild: bool) -> String {
    let Some(diff) = target.diff.clone() else { return String::new() };
    let built = rebuild.then(|| "Image: built again of its commit".to_owned());
    let lines = built.into_iter().chain(ReleaseDiff { image: diff.image && !rebuild, ..diff }.lines());
    let mut shown = "Different from what is live:\n".to_owned();
    let heading = shown.len();
    shown.extend(lines.map(|line| format!("  {line}\n")));
    if shown.len() > heading { shown } else { "Nothing in it is different from what is live.\n".to_owned() }
}

/// The release below the one that is served.
fn before_current(newest: Vec<ReleaseBody>, place: &Place) -> Result<ReleaseBody, Failure> {
    let below = newest.into_iter().skip_while(|release| !release.current).nth(1);
    below.ok_or_else(|| {
        Failure::new(format!("There is no release of {} to go back to.", place.shown()))
            .with_hint("`gilgal releases` lists them; `gilgal rollback v7` names one.")
            .with_exit(Exit::Missing)
    })
}

/// The newest releases, newest first.
pub(super) async fn newest(context: &Context, place: &Place) -> Result<Vec<ReleaseBody>, Failure> {
    page(context, place).await?.into_iter().map(parse).collect()
}

async fn page(context: &Context, place: &Place) -> Result<Vec<Value>, Failure> {
    let json = context.api.get(&place.path(&format!("/releases?limit={LISTED}"))).await?;
    Ok(parse::<List<Value>>(json)?.data)
}

fn state(release: &ReleaseBody) -> &'static str {
    match (release.current, release.image_exists) {
        (true, _) => "current",
        (false, Some(false)) => "image gone",
        (false, Some(true) | None) => "",
    }
}

fn image(release: &ReleaseBody) -> String {
    let image = release.source_image.as_ref().unwrap_or(&release.image);
    let gone = match release.image_exists {
        Some(false) => " (gone: `gilgal rollback --rebuild` builds it again)",
        Some(true) | None => "",
    };
    format!("{image}{gone}")
}

/// Where it came from.
fn origin(release: &ReleaseBody) -> String {
    let said = release.source.zip(release.made_from.as_ref());
    said.map_or_else(
        || "-".to_owned(),
        |(source, made_from)| came_from(source, release.branch.as_ref(), made_from),
    )
}

fn commit(release: &ReleaseBody) -> String {
    release.commit.as_ref().map_or_else(|| "-".to_owned(), |commit| commit.short().to_owned())
}

fn author(release: &ReleaseBody) -> String {
    release.author.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
}

fn formation(release: &ReleaseBody) -> String {
    let counts: Vec<String> = release.formation.iter().map(|(of, count)| format!("{of}={count}")).collect();
    counts.join(" ")
}
