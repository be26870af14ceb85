//! Every folder of `examples/`: its plan and its Dockerfile, and that its expectations can be read.

use crate::support::{CATALOG, detect, whole};
use gilgal::buildpack::{DirectorySource, Tested};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// The keys that `examples/README.md` describes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectations {
    push: Push,
    #[serde(default)]
    http: Vec<Http>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    exit: u8,
    /// The build prints what it downloads: the transcripts of `tests/e2e` leave that out.
    #[serde(default, rename = "installs")]
    _installs: bool,
    #[serde(rename = "ref")]
    reference: Reference,
    transcript: Vec<String>,
}

#[derive(PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reference {
    Moved,
    Unchanged,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Http {
    path: String,
    status: u16,
    body: Option<String>,
}

fn examples() -> Vec<(String, PathBuf)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut examples: Vec<(String, PathBuf)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .collect();
    examples.sort();
    examples
}

#[test]
fn each_has_a_plan() {
    for (name, path) in examples() {
        let plan = detect(&DirectorySource::open(path).unwrap()).unwrap();
        insta::assert_snapshot!(name, whole(&plan));
    }
}

/// What docs/buildpacks.md holds between these two lines is made by the test below.
const SUPPORT: (&str, &str) = ("<!-- support: made by tests/buildpacks/examples.rs -->", "<!-- /support -->");

/// The examples that go live, by pack.
pub(crate) fn built() -> BTreeMap<String, Tested> {
    let mut built: BTreeMap<String, Tested> = BTreeMap::new();
    for (name, path) in examples() {
        let text = fs::read_to_string(path.join("expect.toml")).unwrap();
        if toml::from_str::<Expectations>(&text).unwrap().push.exit != 0 {
            continue;
        }
        let plan = detect(&DirectorySource::open(path).unwrap()).unwrap();
        let of_pack = built.entry(plan.buildpack).or_default();
        if let Some(manager) = plan.variables.get("manager").and_then(|manager| manager["name"].as_str()) {
            // Which of the rows is that of the manager, the page knows.
            let rows = plan.evidence.into_iter().map(|row| [manager.to_owned(), row.what, row.from]);
            for key in rows.chain([[manager.to_owned(), String::new(), String::new()]]) {
                of_pack.managers.entry(key).or_default().push(name.clone());
            }
        }
        of_pack.kinds.entry(plan.framework).or_default().push(name);
    }
    built
}

#[test]
fn each_language_has_a_page_that_is_made_of_its_pack() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/languages");
    let written: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let built = built();
    let fresh = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("languages");
    fs::create_dir_all(&fresh).unwrap();
    let (mut pages, mut old) = (0, Vec::new());
    for (pack, page) in CATALOG.pages(&built) {
        let name = format!("{pack}.md");
        pages += 1;
        if fs::read_to_string(folder.join(&name)).unwrap_or_default() != page {
            fs::write(fresh.join(&name), page).unwrap();
            old.push(name);
        }
    }
    assert!(old.is_empty(), "docs/languages is older than the packs: copy {old:?} from {}", fresh.display());
    assert_eq!(written.len(), pages, "a page of docs/languages is of no pack: {written:?}");
}

#[test]
fn the_documentation_says_which_kinds_are_built_and_run() {
    let built = built();
    // Of no pack: nothing is built.
    let prebuilt = ("image", "Prebuilt image", "Prebuilt image");
    let rows = CATALOG.kinds().chain([prebuilt]).map(|(pack, language, kind)| {
        let examples = built.get(pack).and_then(|tested| tested.kinds.get(kind));
        let tested = examples.map_or("planned only".to_owned(), |examples| {
            examples.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        });
        format!("| {language} | {kind} | {tested} |")
    });
    let heading = ["| language | kind | built and run by the tests |", "|---|---|---|"];
    let table: Vec<String> = heading.into_iter().map(str::to_owned).chain(rows).collect();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/buildpacks.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once(SUPPORT.0).expect("the beginning of the table");
    let (written, _) = rest.split_once(SUPPORT.1).expect("the end of the table");
    let expected = table.join("\n");
    assert!(written.trim() == expected, "docs/buildpacks.md should hold:\n{expected}");
}

#[test]
fn each_says_what_it_expects() {
    for (name, path) in examples() {
        let text = fs::read_to_string(path.join("expect.toml")).unwrap();
        let expectations: Expectations =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let goes_live = expectations.push.exit == 0;
        assert_eq!(expectations.push.reference == Reference::Moved, goes_live, "{name}");
        assert_eq!(!expectations.http.is_empty(), goes_live, "{name}");
        assert!(!expectations.push.transcript.is_empty(), "{name}");
        for request in expectations.http {
            let is_request = request.path.starts_with('/') && (200..600).contains(&request.status);
            assert!(is_request && request.body.is_none_or(|body| !body.is_empty()), "{name}");
        }
    }
}
