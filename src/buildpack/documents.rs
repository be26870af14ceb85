//! The files of a project as detection looks at them: below one root, each document read and parsed at most once.
//!
//! A path that starts with two slashes is one of the workspace that the project is a package of, and of the project itself
//! where it is on its own: `//package-lock.json`.

use crate::buildpack::language::jsonc;
use crate::buildpack::refusal::Refusal;
use crate::model::source::SourceTree;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

/// A view of the tree below a root folder. All paths are relative to that root.
pub(crate) struct Documents<'tree> {
    tree: &'tree dyn SourceTree,
    /// Empty, or the root with a slash at its end.
    prefix: String,
    /// The same of the workspace around it.
    workspace: Option<String>,
    /// The part of the tree's sorted paths that is below the root.
    paths: &'tree [String],
    texts: RefCell<BTreeMap<String, Option<Rc<str>>>>,
    /// Of files that are too long to be read.
    beginnings: RefCell<BTreeMap<String, Rc<str>>>,
    parsed: RefCell<BTreeMap<String, Rc<Value>>>,
    /// A name that stands for another path: the Dockerfile that a setting names.
    alias: Option<(&'static str, String)>,
}

impl<'tree> Documents<'tree> {
    /// A view below `root`; an empty root or `.` is the tree itself.
    ///
    /// # Errors
    /// When no file is below the root.
    pub(crate) fn new(tree: &'tree dyn SourceTree, root: &str) -> Result<Self, Refusal> {
        let root = root.trim_matches('/');
        let prefix = prefix(root);
        let paths = below(tree.paths(), &prefix);
        if paths.is_empty() && !prefix.is_empty() {
            return Err(Refusal::NoSuchRoot { root: root.to_owned() });
        }
        Ok(Self {
            tree,
            prefix,
            workspace: None,
            paths,
            texts: RefCell::default(),
            beginnings: RefCell::default(),
            parsed: RefCell::default(),
            alias: None,
        })
    }

    /// A view of the same project as a package of the workspace in a folder of the tree.
    pub(crate) fn in_workspace(&self, folder: &str) -> Self {
        Self {
            tree: self.tree,
            prefix: self.prefix.clone(),
            workspace: Some(prefix(folder)),
            paths: self.paths,
            texts: RefCell::default(),
            beginnings: RefCell::default(),
            parsed: RefCell::default(),
            alias: self.alias.clone(),
        }
    }

    /// The same view, in which a name stands for the file at another path.
    pub(crate) fn with_alias(mut self, name: &'static str, path: String) -> Self {
        self.alias = Some((name, path));
        self
    }

    /// Every file below the root, sorted.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &'tree str> + use<'tree, '_> {
        self.paths.iter().map(|path| &path[self.prefix.len()..])
    }

    /// The files directly in the root.
    pub(crate) fn top_level(&self) -> impl Iterator<Item = &'tree str> + use<'tree, '_> {
        self.paths().filter(|path| !path.contains('/'))
    }

    pub(crate) fn has_file(&self, path: &str) -> bool {
        self.tree.has(&self.full(path))
    }

    pub(crate) fn has_directory(&self, path: &str) -> bool {
        !below(self.tree.paths(), &self.full(&format!("{path}/"))).is_empty()
    }

    pub(crate) fn is_symbolic_link(&self, path: &str) -> bool {
        self.tree.symbolic_links().contains(&self.full(path))
    }

    /// The text of a file without its byte order mark; `None` where there is no such file.
    ///
    /// # Errors
    /// When the file is there and cannot be read as text.
    pub(crate) fn text(&self, path: &str) -> Result<Option<Rc<str>>, Refusal> {
        // By its whole path: one file may be asked for as the project's and as the workspace's.
        let full = self.full(path);
        let text = self.texts.borrow().get(&full).cloned();
        let text = text.unwrap_or_else(|| {
            let text = self.tree.read(&full);
            let text = text.map(|text| Rc::from(text.strip_prefix('\u{feff}').unwrap_or(&text)));
            self.texts.borrow_mut().insert(full, text.clone());
            text
        });
        if text.is_none() && self.has_file(path) {
            let reason = "it is larger than 1 MiB or not UTF-8 text, or the project has too much to be read"
                .to_owned();
            return Err(Refusal::BrokenFile { path: named(path).to_owned(), reason });
        }
        Ok(text)
    }

    /// [`Documents::text`], and where a file is too long for that, its beginning.
    ///
    /// # Errors
    /// As there, but for its length.
    pub(crate) fn beginning(&self, path: &str) -> Result<Option<Rc<str>>, Refusal> {
        self.text(path).or_else(|refusal| {
            let full = self.full(path);
            let begun = self.beginnings.borrow().get(&full).cloned();
            let begun = begun.or_else(|| self.tree.beginning(&full).map(Rc::from)).ok_or(refusal)?;
            self.beginnings.borrow_mut().insert(full, Rc::clone(&begun));
            Ok(Some(begun))
        })
    }

    /// A document, TOML by the ending of its name or else JSON, as one kind of value; `None` where there is no such file.
    ///
    /// # Errors
    /// When the document cannot be parsed; the reason names line and column.
    pub(crate) fn document(&self, path: &str) -> Result<Option<Rc<Value>>, Refusal> {
        if let Some(value) = self.parsed.borrow().get(path) {
            return Ok(Some(Rc::clone(value)));
        }
        let Some(text) = self.text(path)? else { return Ok(None) };
        let value = Rc::new(parse(path, &text)?);
        self.parsed.borrow_mut().insert(path.to_owned(), Rc::clone(&value));
        Ok(Some(value))
    }

    fn full(&self, path: &str) -> String {
        let path = match &self.alias {
            Some((name, other)) if *name == path => other,
            Some(_) | None => path,
        };
        match path.strip_prefix(OF_WORKSPACE) {
            Some(path) => format!("{}{path}", self.workspace.as_deref().unwrap_or(&self.prefix)),
            None => format!("{}{path}", self.prefix),
        }
    }
}

/// What a path of the workspace starts with.
const OF_WORKSPACE: &str = "//";

/// A path as people know it.
pub(crate) fn named(path: &str) -> &str {
    path.strip_prefix(OF_WORKSPACE).unwrap_or(path)
}

/// What the paths below a folder start with.
fn prefix(folder: &str) -> String {
    if folder.is_empty() || folder == "." { String::new() } else { format!("{folder}/") }
}

/// The part of sorted paths that starts with a prefix.
fn below<'paths>(paths: &'paths [String], prefix: &str) -> &'paths [String] {
    let start = paths.partition_point(|path| path.as_str() < prefix);
    let rest = &paths[start..];
    &rest[..rest.partition_point(|path| path.starts_with(prefix))]
}

/// The value at a dotted key: `engines.node`. Part of the key may itself contain dots only where nothing is below it; `*`
/// is the only member of an object that has just one.
pub(crate) fn lookup<'value>(document: &'value Value, key: &str) -> Option<&'value Value> {
    if let Some(value) = document.get(key) {
        return Some(value);
    }
    let (first, rest) = key.split_once('.')?;
    let below = if first == "*" {
        let members = document.as_object().filter(|members| members.len() == 1)?;
        members.values().next()?
    } else {
        document.get(first)?
    };
    lookup(below, rest)
}

fn parse(path: &str, text: &str) -> Result<Value, Refusal> {
    let path_of = Path::new(path);
    // Pipenv's file is TOML without saying so.
    let is_toml =
        path_of.extension().is_some_and(|extension| extension == "toml") || path_of.ends_with("Pipfile");
    let result = if is_toml {
        toml::from_str(text).map_err(|error| {
            let place = error.span().map(|span| format!(" at {}", place(text, span.start)));
            format!("it is not valid TOML{}: {}", place.unwrap_or_default(), error.message())
        })
    } else {
        // Deno and Visual Studio Code write JSON with comments; nobody else is to get away with them.
        let has_comments = Path::new(path).extension().is_some_and(|extension| extension == "jsonc");
        let plain = if has_comments { jsonc::without_comments(text) } else { text.to_owned() };
        serde_json::from_str(&plain).map_err(|error| format!("it is not valid JSON: {error}"))
    };
    result.map_err(|reason| Refusal::BrokenFile { path: named(path).to_owned(), reason })
}

/// `line 3 column 7` of a byte offset.
pub(crate) fn place(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    format!("line {line} column {column}")
}
