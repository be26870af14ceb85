//! Which image a name stands for, and what it takes to keep one.

use super::{Server, docker};
use crate::build::{BaseImages, FoundBase};
use crate::model::pins::BaseImage;
use bollard::query_parameters::{RemoveImageOptionsBuilder, TagImageOptionsBuilder};
use std::collections::{BTreeMap, HashSet};

#[tokio::test]
async fn an_image_of_the_engine_alone_is_built_on_after_its_name_has_moved_on() {
    let server = Server::new();
    let docker = docker().await;
    let request = server.request("FROM busybox:stable\nRUN echo one >/word\n");
    let one = server.build(request).await.0.unwrap().id;
    let repository = format!("gilgal-test/{}", server.id);
    let tag = || TagImageOptionsBuilder::new().repo(&repository).tag("1").build();
    docker.tag_image(&one, Some(tag())).await.unwrap();
    let name = format!("{repository}:1").parse().unwrap();
    let pin = BaseImage::Id(one.clone());
    let found = server.builder.find_base(&name, false).await.unwrap();
    assert_eq!(found, FoundBase { image: Some(pin.clone()), silence: None });
    assert!(!server.builder.has_other_base(&name, &pin).await.unwrap());
    let kept = server.builder.keep_base(&one).await.unwrap().unwrap();

    docker.tag_image("busybox:stable", Some(tag())).await.unwrap();
    assert!(server.builder.has_other_base(&name, &pin).await.unwrap());
    let mut request = server.request(&format!("FROM {kept}\nRUN cat /word\n"));
    request.base_names = BTreeMap::from([(kept.clone(), "ours:1".to_owned())]);
    request.image_tag = "2".to_owned();
    // What is cached prints nothing.
    request.no_cache = true;
    let (built, lines) = server.build(request).await;
    built.unwrap();
    let lines: Vec<_> = lines.iter().map(|line| line.text.trim_end_matches(" (cached)")).collect();
    assert_eq!(lines, ["FROM ours:1", "RUN cat /word", "one"]);

    server.builder.forget_bases_but(&HashSet::from([pin])).await.unwrap();
    docker.inspect_image(&kept).await.unwrap();
    server.builder.forget_bases_but(&HashSet::new()).await.unwrap();
    docker.inspect_image(&kept).await.unwrap_err();
    let none = format!("sha256:{}", "0".repeat(64));
    assert_eq!(server.builder.keep_base(&none).await.unwrap(), None);
    let options = RemoveImageOptionsBuilder::new().build();
    docker.remove_image(&format!("{repository}:1"), Some(options), None).await.unwrap();
}
