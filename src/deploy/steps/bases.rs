//! What the Dockerfile of a buildpack is built on: the same images every time, until somebody lets go of them.

use crate::build::BuildError;
use crate::build::FoundBase;
use crate::deploy::Deployer;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::run::Run;
use crate::model::image::ImageName;
use crate::model::pins::{BaseImage, Pinned};
use crate::model::plan::BuildPlan;
use std::collections::BTreeMap;

/// The command that lets go of what an environment's builds go by.
const UPGRADE: &str = "gilgal plan --upgrade";

/// The base images of a build.
#[derive(Debug, Default)]
pub(super) struct Bases {
    /// By the name that is built on.
    pub(super) pins: BTreeMap<String, BaseImage>,
    /// What the Dockerfile calls them, by that name.
    pub(super) references: BTreeMap<String, String>,
    /// What is said of them.
    pub(super) lines: Vec<String>,
    /// Whether somebody has let go of those before, and is waiting to hear what was found.
    pub(super) is_let_go: bool,
}

impl Bases {
    /// The names that people know, by what the Dockerfile says.
    pub(super) fn names(&self) -> BTreeMap<String, String> {
        self.references.iter().map(|(name, reference)| (reference.clone(), name.clone())).collect()
    }
}

impl Deployer {
    /// Finds the base images of a plan: those that its builds go by, or what their names stand for now.
    ///
    /// # Errors
    /// When one that is gone by was made in the engine, and is not there any more.
    pub(super) async fn bases(&self, run: &Run, plan: &BuildPlan) -> Result<Bases, StepError> {
        let mut bases = Bases::default();
        if plan.dockerfile.is_some() {
            return Ok(bases);
        }
        let names = self.catalog.base_images(plan).map_err(|error| not_rendered(&error))?;
        let pinned = self.store.pinned(run.environment.id).await?;
        let is_let_go = pinned == Pinned::LetGo;
        bases.is_let_go = is_let_go;
        // What a release was built by goes first, where it is built again.
        let mut pins = pinned.pins().images;
        pins.extend(plan.pins.images.clone());
        let before = match self.store.current_release(run.environment.id).await? {
            Some(live) if is_let_go => live.content.plan.pins.images,
            Some(_) | None => BTreeMap::new(),
        };
        for name in names {
            let name = plan.images.get(&name).cloned().unwrap_or(name);
            let Some(image) = name.parse::<ImageName>().ok() else { continue };
            let pin = pins.get(&name);
            let may_ask = match pin {
                // It is in the engine, under a name of ours.
                Some(BaseImage::Id(_)) => false,
                Some(BaseImage::Digest(digest)) => self.check_image(&image, Some(digest)).await?,
                None => self.check_image(&image, None).await?,
            };
            // A digest says all there is to say.
            if image.digest().is_some() {
                continue;
            }
            let pin = if let Some(pin) = pin {
                bases.lines.push(self.pinned_line(&name, &image, pin).await?);
                pin.clone()
            } else {
                let found = self.builder.find_base(&image, is_let_go && may_ask).await?;
                bases.lines.push(found_line(&name, &found, before.get(&name)));
                let Some(pin) = found.image else { continue };
                pin
            };
            let reference = match &pin {
                BaseImage::Digest(digest) => format!("{name}@{digest}"),
                BaseImage::Id(id) => {
                    let kept = self.builder.keep_base(id).await?;
                    kept.ok_or_else(|| gone(run, &name, &pin, "and no registry has it"))?
                }
            };
            bases.references.insert(name.clone(), reference);
            bases.pins.insert(name, pin);
        }
        Ok(bases)
    }

    async fn pinned_line(&self, name: &str, image: &ImageName, pin: &BaseImage) -> Result<String, StepError> {
        let other = if self.builder.has_other_base(image, pin).await? {
            format!("; the engine has another one now, which `{UPGRADE}` moves to")
        } else {
            String::new()
        };
        Ok(format!("Base image {name} ({pin}), pinned{other}"))
    }
}

/// What is said of a base image that nothing was pinned to, and of what it was before somebody let go of it.
fn found_line(name: &str, found: &FoundBase, before: Option<&BaseImage>) -> String {
    let FoundBase { image, silence } = found;
    let silence = silence.as_deref().unwrap_or_default();
    match (image, before) {
        (None, _) => {
            format!("Base image {name}, not pinned: its registry does not say which one it is ({silence})")
        }
        (Some(image), Some(before)) if image != before => {
            format!("Base image {name} moved from {before} to {image}")
        }
        (Some(image), Some(_)) if silence.is_empty() => {
            format!("Base image {name} ({image}), which is the newest")
        }
        (Some(image), Some(_)) => {
            format!(
                "Base image {name} ({image}); its registry does not say whether it is the newest ({silence})"
            )
        }
        (Some(image), None) => format!("Base image {name} ({image}), pinned from now on"),
    }
}

/// A failed build with what there is to say of it where it failed for a base image that it goes by.
pub(super) fn explained(run: &Run, bases: &Bases, error: BuildError) -> StepError {
    let BuildError::BaseImageMissing { image, reason } = &error else { return error.into() };
    let is_it = |(name, reference): &(&String, &String)| image == *name || image == *reference;
    let missing = bases.references.iter().find(is_it).and_then(|(name, _)| bases.pins.get_key_value(name));
    match missing {
        Some((name, pin)) => {
            gone(run, name, pin, &format!("and its registry does not give it ({reason})")).into()
        }
        None => error.into(),
    }
}

fn gone(run: &Run, name: &str, pin: &BaseImage, and: &str) -> Failure {
    let (slug, environment) = (&run.project.slug, &run.environment.name);
    let sentence = format!(
        "The base image {name} that {environment} of {slug} is pinned to ({pin}) is not in the engine any more, {and}."
    );
    Failure::new("build failed", sentence).advise(format!(
        "Bring it back, or let go of it, so that the next build takes what the name stands for then: `{UPGRADE}`, or \
         DELETE /api/environments/{slug}:{environment}/pins."
    ))
}

pub(super) fn not_rendered(error: &crate::buildpack::RenderError) -> Failure {
    tracing::error!(error = error as &dyn std::error::Error, "a template cannot be rendered");
    Failure::new("build failed", format!("The Dockerfile of the buildpack cannot be made: {error}."))
}

#[cfg(test)]
mod tests {
    use super::found_line;
    use crate::build::FoundBase;
    use crate::model::pins::BaseImage;

    #[test]
    fn what_is_said_of_a_base_image() {
        let digest = |digit: &str| BaseImage::Digest(format!("sha256:{}", digit.repeat(64)));
        let (one, two) = (digest("1"), digest("2"));
        let said = |image: Option<&BaseImage>, silence: Option<&str>, before: Option<&BaseImage>| {
            let found = FoundBase { image: image.cloned(), silence: silence.map(str::to_owned) };
            found_line("node:22", &found, before)
        };
        insta::assert_snapshot!(
            [
                said(Some(&one), None, None),
                said(Some(&two), None, Some(&one)),
                said(Some(&one), None, Some(&one)),
                said(Some(&one), Some("no answer"), Some(&one)),
                said(None, Some("no answer"), None),
            ]
            .join("\n")
        );
    }
}
