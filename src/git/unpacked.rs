//! The tree of an archive while it is read.

use super::repository::GitError;
use git2::{FileMode, Oid};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;

/// A folder as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Folder(BTreeMap<String, Node>);

#[derive(Debug)]
pub(super) enum Node {
    File { id: Oid, mode: FileMode },
    Folder(Folder),
}

impl Folder {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts something at a path, and says how many folders that makes. A file that is there already is replaced, as `tar`
    /// does.
    pub(super) fn put(&mut self, path: &[String], node: Node) -> Result<usize, &'static str> {
        let both = "is a file in one place of the archive and a folder in another";
        let [first, rest @ ..] = path else { return Err(both) };
        match (self.0.entry(first.clone()), rest.is_empty()) {
            (Place::Occupied(place), true) if matches!(place.get(), Node::Folder(_)) => Err(both),
            (Place::Occupied(mut place), true) => {
                place.insert(node);
                Ok(0)
            }
            (Place::Vacant(place), true) => {
                place.insert(node);
                Ok(0)
            }
            (place, false) => {
                let is_new = usize::from(matches!(place, Place::Vacant(_)));
                match place.or_insert_with(|| Node::Folder(Self::default())) {
                    Node::Folder(folder) => Ok(is_new + folder.put(rest, node)?),
                    Node::File { .. } => Err(both),
                }
            }
        }
    }

    /// The file at a path. What a symbolic link leads to is not one.
    pub(super) fn file(&self, path: &[String]) -> Option<(Oid, FileMode)> {
        let [first, rest @ ..] = path else { return None };
        match self.0.get(first)? {
            Node::Folder(folder) => folder.file(rest),
            Node::File { mode: FileMode::Link, .. } => None,
            Node::File { id, mode } => rest.is_empty().then_some((*id, *mode)),
        }
    }

    pub(super) fn write(&self, git: &git2::Repository) -> Result<Oid, GitError> {
        let mut tree = git.treebuilder(None)?;
        for (name, node) in &self.0 {
            match node {
                Node::File { id, mode } => tree.insert(name, *id, (*mode).into())?,
                Node::Folder(folder) => tree.insert(name, folder.write(git)?, FileMode::Tree.into())?,
            };
        }
        Ok(tree.write()?)
    }
}
