//! `gilgal plan --upgrade`

use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::environment::Place;
use crate::cli::client::failure::Failure;
use crate::cli::client::refusal::parse;
use crate::cli::client::table::Table;
use crate::wire::pins::PinsBody;

/// Digits of a digest that are shown, as `docker images` does.
const DIGITS: usize = 12;

/// Lets go of what the builds of an environment go by.
pub(in crate::cli::client) async fn let_go(context: &Context, place: &Place) -> Result<Answer, Failure> {
    let json = context.api.delete(&place.path("/pins")).await?;
    let PinsBody { versions, images } = parse(json.clone())?;
    let mut table = Table::new(&["LET GO OF", "WAS"]);
    for (tool, version) in versions {
        table.row([tool, version]);
    }
    for image in images {
        let pinned = image.digest.or(image.id).unwrap_or_default();
        let digits = pinned.trim_start_matches("sha256:");
        table.row([image.name, digits.get(..DIGITS).unwrap_or(digits).to_owned()]);
    }
    if table.is_empty() {
        let sentence =
            format!("Nothing is pinned in {}: the next build takes what is newest.", place.shown());
        return Ok(Answer::new(sentence, json));
    }
    let mut screen = table.render(context.screen.width);
    screen.push_str(
        "\nThe next build takes what is newest, and says what has moved: `gilgal redeploy` does it now.",
    );
    Ok(Answer::new(screen, json))
}
