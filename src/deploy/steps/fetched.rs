//! What a build has the engine fetch: only from where something may be fetched.
//!
//! The engine fetches images and what `ADD` names by a URL, from the machine's own network. What it is led to from there by
//! the other side is not known here (docs/operating.md, "Known limits").

use crate::buildpack::{Fetched, fetched};
use crate::deploy::Deployer;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::run::Run;
use crate::model::image::ImageName;
use crate::model::plan::BuildPlan;
use crate::model::remote_host::RemoteHost;
use crate::model::source::SourceTree;
use crate::outbound::OutboundError;
use url::Url;

const WORDS: &str = "build failed";

impl Deployer {
    /// Refuses an image of a registry that may not be asked, unless the engine has it; by its digest, where it is built by
    /// that. Gives whether the registry may be asked.
    pub(super) async fn check_image(
        &self,
        image: &ImageName,
        digest: Option<&str>,
    ) -> Result<bool, StepError> {
        let Err(refused) = self.check_registry(image.registry(), WORDS).await else { return Ok(true) };
        let pinned = digest.and_then(|digest| image.pinned(digest));
        if self.builder.has_image(pinned.as_ref().unwrap_or(image)).await? {
            return Ok(false);
        }
        Err(refused.into())
    }

    /// Refuses a Dockerfile of the project that names what may not be fetched.
    pub(super) async fn check_fetched(&self, run: &Run, plan: &BuildPlan) -> Result<(), StepError> {
        let Some(dockerfile) = &plan.dockerfile else { return Ok(()) };
        let (repository, commit) = (self.repository(run)?, run.deployment.commit.clone());
        let path =
            if plan.root.is_empty() { dockerfile.clone() } else { format!("{}/{dockerfile}", plan.root) };
        let read = tokio::task::spawn_blocking(move || repository.tree(&commit).map(|tree| tree.read(&path)));
        let text = read.await.map_err(|error| Failure::new("server failed", error.to_string()))??;
        // One that is not read here could name anything.
        let text = text.ok_or_else(|| {
            Failure::new(WORDS, format!("{dockerfile} is not there, larger than 1 MiB, or no text in UTF-8."))
        })?;
        for fetched in fetched(&text, &plan.build_arguments) {
            match fetched {
                Fetched::Image(name) => self.check_named(dockerfile, &name).await?,
                Fetched::Url(url) => self.check_url(dockerfile, &url).await?,
            }
        }
        Ok(())
    }

    async fn check_named(&self, dockerfile: &str, name: &str) -> Result<(), StepError> {
        if let Ok(image) = name.parse::<ImageName>() {
            return self.check_image(&image, None).await.map(drop);
        }
        // Its tag may be a variable that is not known; its host must not be.
        match name.split_once('/') {
            Some((host, _)) if !host.contains('$') => {
                let registry: RemoteHost = host.parse().map_err(|_| unknown(dockerfile, name))?;
                Ok(self.check_registry(&registry, WORDS).await?)
            }
            Some(_) => Err(unknown(dockerfile, name).into()),
            // Without a slash it is Docker Hub's, unless one is in a variable.
            None => {
                let before_tag = name.split(':').next().unwrap_or(name);
                let is_of_hub = !before_tag.contains(['$', '.']) && before_tag != "localhost";
                if is_of_hub || !name.contains('$') { Ok(()) } else { Err(unknown(dockerfile, name).into()) }
            }
        }
    }

    async fn check_url(&self, dockerfile: &str, url: &str) -> Result<(), StepError> {
        let over_ssh =
            url.strip_prefix("git@").and_then(|rest| rest.split_once(':')).map(|(host, _)| host.to_owned());
        let host = over_ssh.or_else(|| Url::parse(url).ok()?.host_str().map(str::to_owned));
        let host = host.filter(|host| !host.contains(['$', '%'])).ok_or_else(|| unknown(dockerfile, url))?;
        match self.elsewhere.outbound.resolve(host.trim_matches(['[', ']']), 443).await {
            Ok(_) | Err(OutboundError::NoSuchHost { .. }) => Ok(()),
            Err(error @ (OutboundError::NotAllowed { .. } | OutboundError::Scheme(_))) => {
                Err(Failure::new(WORDS, error.to_string()).into())
            }
        }
    }
}

fn unknown(dockerfile: &str, name: &str) -> Failure {
    Failure::new(WORDS, format!("{dockerfile} fetches {name}, and it cannot be told from where."))
        .advise("Name its host without variables that only a base image sets.")
}
