//! Which version of a language the project gets.

use crate::buildpack::condition::Inspection;
use crate::buildpack::manifest::Tool;
use crate::buildpack::refusal::Refusal;
use crate::buildpack::version::Requirement;
use crate::model::plan::Evidence;

/// Chooses a version line for a tool: what the project asks for, or the default.
///
/// A range gets the default where it allows it, since that is the line that is supported longest; otherwise the newest
/// line that it allows. What earlier builds had goes before both: what is new here changes no build by itself.
///
/// # Errors
/// When what the project asks for is not a version, or no image has it.
pub(crate) fn choose(
    tool: &Tool,
    inspection: &Inspection<'_>,
    earlier: Option<&String>,
) -> Result<(String, Evidence), Refusal> {
    let evidence =
        |line: &str, from: &str| Evidence { what: format!("{} {line}", tool.title), from: from.to_owned() };
    let Some((wanted, from)) = inspection.find_text(&tool.sources)? else {
        let line = earlier.unwrap_or(&tool.default);
        return Ok((line.clone(), evidence(line, &kept("default", line, &tool.default))));
    };
    let named = tool.aliases.get(&wanted.to_ascii_lowercase()).cloned();
    let named = named.or_else(|| tool.whole.as_ref()?.find(&wanted));
    let found = named.map(|line| (line.clone(), evidence(&line, &from))).or_else(|| {
        let requirement =
            Requirement::parse(&if tool.minimum { format!(">={wanted}") } else { wanted.clone() })?;
        let newest_first = tool.available.iter().rev();
        // A default that is no line of its own (`1` of Rust) holds them all: what is more exact goes first.
        let first = Some(&tool.default).filter(|default| tool.available.contains(default));
        let mut by_preference = first.into_iter().chain(newest_first).chain([&tool.default]);
        let now = by_preference.find(|line| requirement.allows_line(line))?;
        // Neither does a kept one hold a more exact one back.
        let is_line = |line: &&String| **line != tool.default || tool.available.contains(*line);
        let line = earlier.filter(is_line).filter(|line| requirement.allows_line(line)).unwrap_or(now);
        Some((line.clone(), evidence(line, &kept(&from, line, now))))
    });
    match found {
        Some(found) => Ok(found),
        None => Err(Refusal::Version {
            tool: tool.title.clone(),
            wanted,
            from,
            available: tool.available.clone(),
        }),
    }
}

/// Where a version is from, with the one that a project gets today where it has kept an earlier one.
fn kept(from: &str, line: &str, now: &str) -> String {
    if line == now { from.to_owned() } else { format!("{from}, pinned; {now} is there now") }
}
