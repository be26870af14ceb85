//! Files in which a commit says something in the form of git's own settings: `.gitmodules`, `.lfsconfig`.

use super::repository::GitError;
use git2::ObjectType;
use std::collections::BTreeMap;

/// Bytes of one that are read.
const LONGEST: usize = 256 * 1024;

/// A part of such a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    /// Whether it is about one of several: `[submodule "a"]`.
    pub(super) has_subsection: bool,
    pub(super) values: BTreeMap<String, String>,
}

/// A file of a commit; `None` where there is none.
pub(super) fn text_of(
    git: &git2::Repository,
    tree: &git2::Tree<'_>,
    name: &str,
) -> Result<Option<String>, GitError> {
    let Some(entry) = tree.get_name(name).filter(|entry| entry.kind() == Some(ObjectType::Blob)) else {
        return Ok(None);
    };
    let (size, _) = git.odb()?.read_header(entry.id())?;
    if size > LONGEST {
        return Err(GitError::FileTooLarge { path: name.to_owned(), most_mib: 1 });
    }
    Ok(Some(String::from_utf8_lossy(git.find_blob(entry.id())?.content()).into_owned()))
}

/// What is said (git-config(1), "Syntax"). What is written in a way that nobody writes it is left out.
pub(super) fn read(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut is_in_one = false;
    for line in text.lines().map(str::trim) {
        if let Some(head) = line.strip_prefix('[') {
            let section = head.strip_suffix(']').map(|head| section_of(head.trim()));
            is_in_one = section.is_some();
            sections.extend(section);
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| is_in_one) else { continue };
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        let is_odd = |c: char| c.is_control() || "\"\\#;".contains(c);
        if !value.is_empty()
            && !value.contains(is_odd)
            && let Some(section) = sections.last_mut()
        {
            section.values.insert(name.trim().to_ascii_lowercase(), value.to_owned());
        }
    }
    sections
}

fn section_of(head: &str) -> Section {
    let (name, subsection) =
        head.split_once('"').map_or((head, None), |(name, rest)| (name.trim(), Some(rest)));
    Section { name: name.to_ascii_lowercase(), has_subsection: subsection.is_some(), values: BTreeMap::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_the_values_that_were_written_last() {
        let text = "url = nobody's\n; of the shop\n[LFS]\n\turl = https://h.example/a\n\tURL = \"https://h.example/b\"\n\
                    [remote \"origin\"]\nlfsurl = x # y\n[lfs\nurl = c\n[lfs] url = d\nfetchexclude=\n";
        let read = read(text);
        assert_eq!(read.len(), 2);
        assert_eq!((&*read[0].name, read[0].has_subsection), ("lfs", false));
        assert_eq!(read[0].values, BTreeMap::from([("url".to_owned(), "https://h.example/b".to_owned())]));
        assert_eq!((&*read[1].name, read[1].has_subsection, read[1].values.len()), ("remote", true, 0));
    }
}
