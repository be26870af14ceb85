//! Which images go to meet the budget, with an engine that has them.

use crate::fixture::{Database, advance_to, enqueue, on_both, project, user};
use crate::releases::new_release;
use gilgal::build::{DockerBuilder, DockerBuilderOptions};
use gilgal::config::DiskBudget;
use gilgal::engine::{DockerEngine, DockerOptions, Engine};
use gilgal::model::deployment::{DeploymentRecord, DeploymentState as State};
use gilgal::model::environment::Environment;
use gilgal::model::id::ServerId;
use gilgal::model::time::now;
use gilgal::store::Store;
use gilgal::work::Retention;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

on_both![the_oldest_images_go_that_no_release_and_no_rollback_needs];

async fn release(store: &Store, environment: &Environment, image: &str) {
    let deployment = enqueue(store, environment, 'a').await.deployment;
    advance_to(store, &deployment, State::Checking).await;
    let mut new = new_release(&deployment);
    image.clone_into(&mut new.content.image);
    Box::pin(store.commit_release(new, &DeploymentRecord::default())).await.unwrap().unwrap();
    advance_to(store, &deployment, State::Live).await;
}

async fn the_oldest_images_go_that_no_release_and_no_rollback_needs(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let server_id = ServerId::generate();
    let engine = Arc::new(DockerEngine::connect(DockerOptions { server_id, host: None }));
    let mut made = Vec::new();
    for slug in ["shop", "disabled", "deleted"] {
        let (project, environment) = project(&store, &ada, slug).await;
        let mut images = Vec::new();
        for _ in 0..5 {
            images.push(engine.make_empty_image(project.id).await.unwrap());
        }
        // The oldest one again, so that it is not the oldest.
        for image in images.iter().chain([&images[0]]).chain(&images[3..]) {
            Box::pin(release(&store, &environment, image)).await;
        }
        made.push((project, images));
    }
    store.set_project_disabled(made[1].0.id, Some(now())).await.unwrap();
    store.mark_project_deleted(made[2].0.id, now()).await.unwrap();
    let budget = |images_in_all| DiskBudget {
        least_free_bytes: 0,
        least_free_for_builds_bytes: 0,
        build_cache_bytes: None,
        images_per_environment: 10,
        images_in_all,
        log_age: Duration::from_hours(24),
        log_bytes_per_project: u64::MAX,
    };
    let builder = DockerBuilder::connect(DockerBuilderOptions {
        server_id,
        host: None,
        least_free_bytes: 0,
        begun_pulls: None,
    });
    let builder = Arc::new(builder);
    let gone = async |images_in_all| {
        let (store, engine, builder) = (store.clone(), engine.clone(), builder.clone());
        Retention { store, engine: engine.clone(), builder, budget: budget(images_in_all) }.round().await;
        let there: BTreeSet<String> =
            engine.images().await.unwrap().into_iter().map(|image| image.id).collect();
        let all = made.iter().flat_map(|(project, images)| {
            images.iter().enumerate().map(|(index, image)| (format!("{} {index}", project.slug), image))
        });
        all.filter(|(_, image)| !there.contains(*image)).map(|(name, _)| name).collect::<Vec<_>>()
    };
    let seen = [gone(3).await, gone(2).await, gone(1).await, gone(0).await];
    for (_, images) in &made {
        for image in images {
            engine.remove_image(image).await.unwrap();
        }
    }
    // What is live and what is before it stay: 4 and 3.
    assert_eq!(seen[0], [""; 0]);
    assert_eq!(seen[1], ["shop 1"]);
    assert_eq!(seen[2], ["shop 1", "shop 2"]);
    assert_eq!(seen[3], ["shop 0", "shop 1", "shop 2"]);
}
