//! Starting the instances of the new release beside the old ones.

use crate::deploy::Deployer;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::instances::{self, Place};
use crate::deploy::run::Run;
use crate::engine::EngineError;
use crate::model::name::ProcessType;
use futures_util::future::try_join_all;

impl Deployer {
    pub(in crate::deploy) async fn start(&self, run: &mut Run) -> Result<(), StepError> {
        self.remove_release_command(run).await?;
        let content = run.content()?;
        let wanted = instances::wanted(content);
        if wanted.is_empty() {
            return Err(Failure::new(
                "nothing to start",
                "The formation has no instance of any process type.",
            )
            .into());
        }
        // What is just falling asleep or being woken has done so; nothing does from here on.
        drop(self.sleeping.turn(run.environment.id).await);
        self.make_room(run).await?;
        let content = run.content()?;
        let kept = self.kept_places(run).await?;
        let missing: Vec<Place> =
            instances::places(content).into_iter().filter(|place| !kept.contains(place)).collect();
        if kept.is_empty() {
            run.step(&format!("Starting {}", shown(&wanted)));
        } else if !missing.is_empty() {
            let names: Vec<String> = missing.iter().map(|(of, index)| format!("{of}.{index}")).collect();
            run.step(&format!("Starting {}", names.join(", ")));
        }
        let mut specs = Vec::new();
        for (process_type, index) in &missing {
            specs.push(self.spec(run, process_type, *index)?);
        }
        let started = match try_join_all(specs.iter().map(|spec| self.engine.start(spec))).await {
            Err(EngineError::ImageMissing { .. }) => return Err(self.image_missing(run).await),
            started => started?,
        };
        run.deployment.record.instances = started.into_iter().map(|instance| instance.id).collect();
        Ok(())
    }
}

/// `web`, or `web x2, worker x1` where there is more than one instance.
fn shown(wanted: &[(ProcessType, u16)]) -> String {
    match wanted {
        [(process_type, 1)] => process_type.to_string(),
        several => {
            let parts: Vec<String> = several
                .iter()
                .map(|(process_type, instances)| format!("{process_type} x{instances}"))
                .collect();
            parts.join(", ")
        }
    }
}
