//! Every folder of `starters/`: a project as the tool of its framework writes it, without what no build reads. The plan, the
//! Dockerfile and the warnings.

use crate::support::{detect, whole};
use gilgal::buildpack::DirectorySource;
use std::fs;
use std::path::Path;

#[test]
fn each_has_a_plan() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/buildpacks/starters");
    for starter in fs::read_dir(folder).unwrap() {
        let starter = starter.unwrap();
        let plan = detect(&DirectorySource::open(starter.path()).unwrap()).unwrap();
        insta::assert_snapshot!(starter.file_name().into_string().unwrap(), whole(&plan));
    }
}
