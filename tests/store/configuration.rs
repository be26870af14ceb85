//! Environments beside production, their config vars and files.

use crate::fixture::{Database, advance_to, enqueue, on_both, project, user};
use gilgal::model::config_file::{ConfigEdit, ConfigFile, ConfigKind, Edit};
use gilgal::model::deployment::DeploymentState as State;
use gilgal::model::environment::{ConfigScope, ConfigVar, EnvironmentSettings};
use gilgal::model::id::{ConfigFileId, EnvironmentId};
use gilgal::model::project::Project;
use gilgal::model::time::{Timestamp, now};
use gilgal::store::{
    Begun, Configuration, ConfigurationUpdate, ENVIRONMENT_LIMIT, NewEnvironment, PageRequest, Store,
    StoreError,
};
use std::sync::Arc;

on_both![
    names_branches_and_hosts_are_had_once,
    an_environment_changes_and_goes_with_everything,
    nothing_is_deployed_to_one_that_is_being_deleted,
    a_change_is_one_and_is_kept_in_the_history,
    changes_at_once_see_each_other,
    a_refusal_changes_nothing,
    everything_is_sealed_again_whenever_it_was_interrupted,
];

pub(crate) fn new(project: &Project, name: &str, branch: Option<&str>) -> NewEnvironment {
    NewEnvironment {
        project_id: project.id,
        slug: project.slug.clone(),
        name: name.parse().unwrap(),
        branch: branch.map(|branch| branch.parse().unwrap()),
        settings: EnvironmentSettings::default(),
        preview: None,
        at_most: 4,
    }
}

fn conflict<T: std::fmt::Debug>(result: Result<T, StoreError>) -> &'static str {
    match result {
        Err(StoreError::Conflict { field }) => field,
        other => panic!("{other:?}"),
    }
}

fn variable(name: &str, sealed: &str) -> ConfigVar {
    ConfigVar {
        name: name.parse().unwrap(),
        sealed_value: sealed.to_owned(),
        scope: ConfigScope::Both,
        secret: true,
        previews: false,
        updated_at: now(),
    }
}

pub(crate) fn file(environment_id: EnvironmentId, path: &str, sealed: &str) -> ConfigFile {
    ConfigFile {
        id: ConfigFileId::generate(),
        environment_id,
        path: path.parse().unwrap(),
        sealed_content: sealed.to_owned(),
        secret: false,
        created_at: now(),
        updated_at: now(),
    }
}

pub(crate) fn edit(name: &str) -> ConfigEdit {
    ConfigEdit { kind: ConfigKind::Variable, name: name.to_owned(), edit: Edit::Changed }
}

pub(crate) async fn apply(store: &Store, environment: EnvironmentId, update: ConfigurationUpdate) {
    let changed = store.change_configuration(environment, |_| Ok::<_, ()>((update, ()))).await;
    changed.unwrap().unwrap();
}

async fn names_branches_and_hosts_are_had_once(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let staging = store.create_environment(new(&shop, "staging", Some("dev"))).await.unwrap();
    assert_eq!(store.environments_of(shop.id).await.unwrap(), [production, staging.clone()]);
    assert_eq!(store.environment_named(shop.id, &staging.name).await.unwrap(), Some(staging.clone()));
    assert_eq!(store.environment_following(shop.id, &"dev".parse().unwrap()).await.unwrap(), Some(staging));

    assert_eq!(conflict(store.create_environment(new(&shop, "staging", None)).await), "name");
    assert_eq!(conflict(store.create_environment(new(&shop, "other", Some("dev"))).await), "branch");
    // `shop-blog.example` is one place, whichever project it is of.
    let (blog, _) = project(&store, &ada, "shop-blog").await;
    assert_eq!(conflict(store.create_environment(new(&shop, "blog", None)).await), "host");
    store.create_environment(new(&shop, "news", None)).await.unwrap();
    let news = gilgal::store::NewProject {
        owner_id: ada.id,
        name: "News".to_owned(),
        slug: "shop-news".parse().unwrap(),
        at_most: 9,
    };
    assert_eq!(conflict(store.create_project(news, EnvironmentSettings::default()).await), "host");
    store.create_environment(new(&blog, "staging", Some("dev"))).await.unwrap();
    store.create_environment(new(&shop, "four", None)).await.unwrap();
    assert_eq!(conflict(store.create_environment(new(&shop, "five", None)).await), ENVIRONMENT_LIMIT);
}

async fn an_environment_changes_and_goes_with_everything(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, _) = project(&store, &ada, "shop").await;
    let staging = store.create_environment(new(&shop, "staging", Some("dev"))).await.unwrap();
    let wanted = |now: &gilgal::model::environment::Environment| {
        let mut wanted = now.clone();
        (wanted.name, wanted.branch) = ("preview".parse().unwrap(), None);
        wanted.settings.limits.memory_mib = 64;
        Ok::<_, ()>(wanted)
    };
    let changed = store.change_environment(staging.id, &shop.slug, wanted).await.unwrap().unwrap();
    assert_eq!((changed.name.as_str(), changed.branch.as_ref()), ("preview", None));
    assert_eq!(store.environment(staging.id).await.unwrap(), changed);
    let to_production = |now: &gilgal::model::environment::Environment| {
        Ok::<_, ()>(gilgal::model::environment::Environment {
            name: "production".parse().unwrap(),
            ..now.clone()
        })
    };
    let refused = store.change_environment(staging.id, &shop.slug, to_production).await;
    assert_eq!(conflict(refused), "name");

    let deployment = enqueue(&store, &changed, 'a').await.deployment;
    let update =
        ConfigurationUpdate { set: vec![variable("A", "x")], edits: vec![edit("A")], ..Default::default() };
    apply(&store, staging.id, update).await;
    store.delete_environment(staging.id).await.unwrap();
    assert!(matches!(store.delete_environment(staging.id).await, Err(StoreError::NotFound)));
    assert!(matches!(store.deployment(deployment.id).await, Err(StoreError::NotFound)));
    assert_eq!(store.config_vars(staging.id).await.unwrap(), []);
    assert_eq!(store.open_jobs().await.unwrap(), 0);
}

async fn nothing_is_deployed_to_one_that_is_being_deleted(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let staging = store.create_environment(new(&shop, "staging", Some("dev"))).await.unwrap();
    store.disable_environment(staging.id, None).await.unwrap();
    assert!(store.environment(staging.id).await.unwrap().disabled_at.is_some());
    assert_eq!(store.environment_following(shop.id, &"dev".parse().unwrap()).await.unwrap(), None);
    let refused = store.enqueue_deployment(crate::fixture::new_deployment(&staging, 'a'), "x").await;
    assert!(matches!(refused, Err(StoreError::Disabled)), "{refused:?}");
    let other = enqueue(&store, &production, 'a').await.deployment;
    advance_to(&store, &other, State::Checking).await;
}

async fn a_change_is_one_and_is_kept_in_the_history(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let (upper, lower, other) = (variable("A_B", "1"), variable("a", "2"), variable("Z", "3"));
    let (one, two) = (file(production.id, "/b", "4"), file(production.id, "/a", "5"));
    let update = ConfigurationUpdate {
        author: Some(ada.id),
        set: vec![lower.clone(), other.clone(), upper.clone()],
        files: vec![one.clone(), two.clone()],
        edits: vec![edit("A_B"), edit("a"), edit("Z")],
        ..Default::default()
    };
    apply(&store, production.id, update).await;
    let set = store.configuration(production.id).await.unwrap();
    let expected = Configuration {
        variables: vec![upper.clone(), other, lower.clone()],
        files: vec![two.clone(), one.clone()],
    };
    assert_eq!(set, expected, "by name, and by path");
    assert_eq!(store.config_file(one.id).await.unwrap(), one);

    let changed = ConfigVar { scope: ConfigScope::Runtime, secret: false, ..variable("Z", "6") };
    let moved = ConfigFile { path: "/c".parse().unwrap(), ..one.clone() };
    let update = ConfigurationUpdate {
        set: vec![changed.clone()],
        unset: vec![upper.name],
        files: vec![moved.clone()],
        removed_files: vec![two.id],
        edits: vec![edit("Z")],
        ..Default::default()
    };
    apply(&store, production.id, update).await;
    let set = store.configuration(production.id).await.unwrap();
    assert_eq!(set, Configuration { variables: vec![changed, lower], files: vec![moved] });
    // Nothing to note is nothing to do.
    apply(
        &store,
        production.id,
        ConfigurationUpdate { unset: vec!["a".parse().unwrap()], ..Default::default() },
    )
    .await;
    assert_eq!(store.configuration(production.id).await.unwrap(), set);

    let page = store.config_changes_of(production.id, PageRequest::new(1, None)).await.unwrap();
    assert_eq!((page.data[0].author, &page.data[0].edits), (None, &vec![edit("Z")]));
    let page = store.config_changes_of(production.id, PageRequest::new(1, page.next)).await.unwrap();
    assert_eq!((page.data[0].author, page.data[0].edits.len(), page.next), (Some(ada.id), 3, None));

    let taken = ConfigurationUpdate {
        files: vec![file(production.id, "/c", "7")],
        edits: vec![edit("/c")],
        ..Default::default()
    };
    let refused = store.change_configuration(production.id, |_| Ok::<_, ()>((taken, ()))).await;
    assert_eq!(conflict(refused), "path");
    assert_eq!(store.configuration(production.id).await.unwrap(), set);
}

async fn changes_at_once_see_each_other(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let store = Arc::new(store);
    let changes = (0..8).map(|number| {
        let (store, id) = (store.clone(), production.id);
        tokio::spawn(async move {
            let name = format!("V{number}");
            let decide = |set: &Configuration| {
                let update = ConfigurationUpdate {
                    set: vec![variable(&name, &set.variables.len().to_string())],
                    edits: vec![edit(&name)],
                    ..Default::default()
                };
                Ok::<_, ()>((update, set.variables.len()))
            };
            store.change_configuration(id, decide).await.unwrap().unwrap()
        })
    });
    let mut seen = Vec::new();
    for change in changes.collect::<Vec<_>>() {
        seen.push(change.await.unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..8).collect::<Vec<_>>());
}

async fn a_refusal_changes_nothing(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let refused =
        store.change_configuration(production.id, |_| Err::<(ConfigurationUpdate, ()), _>("no")).await;
    assert_eq!(refused.unwrap(), Err("no"));
    let refused = store.change_environment(production.id, &shop.slug, |_| Err("no")).await;
    assert_eq!(refused.unwrap(), Err("no"));
    assert_eq!(store.environment(production.id).await.unwrap(), production);
    let gone =
        store.change_configuration(EnvironmentId::generate(), |_| Err::<(ConfigurationUpdate, ()), _>("no"));
    assert!(matches!(gone.await, Err(StoreError::NotFound)));
}

async fn everything_is_sealed_again_whenever_it_was_interrupted(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let update = ConfigurationUpdate {
        set: (0..3).map(|number| variable(&format!("V{number}"), "old")).collect(),
        files: vec![file(production.id, "/a", "old")],
        edits: vec![edit("V")],
        ..Default::default()
    };
    apply(&store, production.id, update).await;
    let sealed = [("A", "old"), ("B", "new")];
    Box::pin(crate::releases::release_with(&store, &production, &sealed, &[("/a", "old")])).await;

    store.propose_second_factor(ada.id, "old").await.unwrap();
    let oldest = Timestamp::UNIX_EPOCH;
    store.begin_request(ada.id, "key", "hash", oldest).await.unwrap();
    store.answer_request(ada.id, "key", "old").await.unwrap();

    // It fails at the third, as a kill would end it.
    let calls = std::cell::Cell::new(0);
    let failing = |purpose: &str, sealed: &str| {
        assert_eq!(purpose, format!("environment {}", production.id));
        calls.set(calls.get() + 1);
        if calls.get() == 3 { Err("killed") } else { Ok((sealed == "old").then(|| "new".to_owned())) }
    };
    assert_eq!(store.seal_again(failing).await.unwrap(), Err("killed"));
    let old = |set: &Configuration| set.variables.iter().filter(|var| var.sealed_value == "old").count();
    assert_eq!(old(&store.configuration(production.id).await.unwrap()), 1);

    let changed = std::cell::Cell::new(0);
    let again = |purpose: &str, sealed: &str| {
        let purposes = [format!("environment {}", production.id), format!("second factor of {}", ada.id)];
        assert!(purposes.iter().any(|known| known == purpose), "{purpose}");
        changed.set(changed.get() + usize::from(sealed == "old"));
        Ok::<_, &str>((sealed == "old").then(|| "new".to_owned()))
    };
    // Three variables, a file, three values each of the release and the record of its deployment, and a second factor.
    assert_eq!(store.seal_again(again).await.unwrap(), Ok(11));
    assert_eq!(changed.get(), 7);
    changed.set(0);
    assert_eq!(store.seal_again(again).await.unwrap(), Ok(11));
    assert_eq!(changed.get(), 0);
    assert_eq!(store.second_factor(ada.id).await.unwrap().unwrap().sealed_secret, "new");
    assert_eq!(store.begin_request(ada.id, "key", "hash", oldest).await.unwrap(), Begun::New);
    let set = store.configuration(production.id).await.unwrap();
    assert_eq!((old(&set), set.files[0].sealed_content.as_str()), (0, "new"));
    let release = store.current_release(production.id).await.unwrap().unwrap().content;
    assert!(
        release.sealed_config.values().chain(release.sealed_files.values()).all(|sealed| sealed == "new")
    );
}
