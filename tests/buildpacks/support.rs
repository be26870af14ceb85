//! A source tree in memory, and the text that the snapshots hold.

use gilgal::buildpack::{Catalog, DetectOptions, Refusal, RenderContext, explain};
use gilgal::model::plan::BuildPlan;
use gilgal::model::source::{SourceTree, text_within};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The embedded buildpacks, read once a test: without optimisation that takes a fifth of a second.
pub(crate) static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::embedded);

/// As much as of a file of a real tree is read.
const LARGEST: usize = 1 << 20;

/// Files by path.
#[derive(Default)]
pub(crate) struct Tree {
    paths: Vec<String>,
    contents: BTreeMap<String, String>,
    links: Vec<String>,
    /// How many files have been read.
    reads: Cell<usize>,
}

impl Tree {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let contents: BTreeMap<String, String> =
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Self { paths: contents.keys().cloned().collect(), contents, ..Self::default() }
    }

    pub(crate) fn with_link(mut self, path: &str) -> Self {
        self.links.push(path.to_owned());
        self
    }

    pub(crate) fn reads(&self) -> usize {
        self.reads.get()
    }
}

impl SourceTree for Tree {
    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn read(&self, path: &str) -> Option<String> {
        let text = self.contents.get(path)?;
        self.reads.set(self.reads.get() + 1);
        (text.len() <= LARGEST).then(|| text.clone())
    }

    fn beginning(&self, path: &str) -> Option<String> {
        let text = self.contents.get(path)?;
        text_within(&text.as_bytes()[..text.len().min(LARGEST)])
    }

    fn symbolic_links(&self) -> &[String] {
        &self.links
    }
}

/// Detects with the embedded buildpacks.
pub(crate) fn detect(tree: &dyn SourceTree) -> Result<BuildPlan, Refusal> {
    CATALOG.detect(tree, &DetectOptions::default())
}

/// The plan of a tree that is recognised.
pub(crate) fn plan(files: &[(&str, &str)]) -> BuildPlan {
    detect(&Tree::new(files)).unwrap()
}

/// The refusal of a tree that is not, as a person reads it.
pub(crate) fn refusal(files: &[(&str, &str)]) -> String {
    shown_refusal(&detect(&Tree::new(files)).unwrap_err())
}

pub(crate) fn shown_refusal(refusal: &Refusal) -> String {
    let details = refusal.details().into_iter();
    std::iter::once(refusal.to_string()).chain(details).collect::<Vec<_>>().join("\n")
}

pub(crate) fn dockerfile(plan: &BuildPlan) -> String {
    let context = RenderContext { cache_scope: "shop".to_owned(), ..RenderContext::default() };
    CATALOG.dockerfile(plan, &context).unwrap()
}

/// The screen of `gilgal plan`, the Dockerfile and the generated files: all that a plan leads to.
pub(crate) fn whole(plan: &BuildPlan) -> String {
    let mut parts = vec![explain::screen(plan)];
    if plan.dockerfile.is_none() && plan.prebuilt.is_none() {
        parts.push(format!("=== Dockerfile\n{}", dockerfile(plan)));
    }
    parts.extend(plan.files.iter().map(|(path, content)| format!("=== {path}\n{content}")));
    parts.join("\n")
}
