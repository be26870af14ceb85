//! Patterns for paths, as a `buildpack.toml` writes them.

/// What stands for any number of folders.
const ANY_FOLDERS: &str = "**";

/// Whether a path matches a glob: `*` within one segment, `**` over any number of them.
///
/// Projects write globs too. So the path is gone through once, with the places of the glob that it can be at: the time is the
/// product of the two lengths at most, whatever the glob.
pub(crate) fn glob_matches(glob: &str, path: &str) -> bool {
    // Nearly every path of a project is told by its name alone.
    let (glob_name, name) = (last_segment(glob), last_segment(path));
    if glob_name != ANY_FOLDERS && !segment_matches(glob_name.as_bytes(), name.as_bytes()) {
        return false;
    }
    let globs: Vec<&str> = glob.split('/').collect();
    let mut places = vec![false; globs.len() + 1];
    places[0] = true;
    pass_over(&globs, &mut places);
    for segment in path.split('/') {
        let mut next = vec![false; globs.len() + 1];
        for (place, glob) in globs.iter().enumerate().filter(|(place, _)| places[*place]) {
            if *glob == ANY_FOLDERS {
                next[place] = true;
            } else if segment_matches(glob.as_bytes(), segment.as_bytes()) {
                next[place + 1] = true;
            }
        }
        pass_over(&globs, &mut next);
        places = next;
    }
    places.last().is_some_and(|end| *end)
}

fn last_segment(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// `**` also stands for no folder at all.
fn pass_over(globs: &[&str], places: &mut [bool]) {
    for (place, glob) in globs.iter().enumerate() {
        if places[place] && *glob == ANY_FOLDERS {
            places[place + 1] = true;
        }
    }
}

/// Matches one segment, going back to the newest `*` only: what an older one could take, that one can take as well.
fn segment_matches(glob: &[u8], segment: &[u8]) -> bool {
    let (mut at_glob, mut at_segment) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at_segment < segment.len() {
        if glob.get(at_glob) == Some(&b'*') {
            star = Some((at_glob + 1, at_segment));
            at_glob += 1;
        } else if glob.get(at_glob) == Some(&segment[at_segment]) {
            at_glob += 1;
            at_segment += 1;
        } else if let Some((behind, taken)) = star {
            star = Some((behind, taken + 1));
            at_glob = behind;
            at_segment = taken + 1;
        } else {
            return false;
        }
    }
    glob[at_glob..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::glob_matches;

    #[test]
    fn one_star_stays_in_its_folder_and_two_do_not() {
        for (glob, path, matches) in [
            ("*.csproj", "Shop.csproj", true),
            ("*.csproj", "src/Shop.csproj", false),
            ("**/*.csproj", "src/web/Shop.csproj", true),
            ("**/*.csproj", "Shop.csproj", true),
            ("cmd/*/main.go", "cmd/shop/main.go", true),
            ("cmd/*/main.go", "cmd/main.go", false),
            ("vite.config.*", "vite.config.ts", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("a*b*c", "aXcYbZc", true),
            ("**", "a/b", true),
            ("a/**", "a", true),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "a/x/y", false),
            ("*", "a/b", false),
        ] {
            assert_eq!(glob_matches(glob, path), matches, "{glob} {path}");
        }
    }

    #[test]
    fn no_glob_takes_long() {
        let begun = std::time::Instant::now();
        let (stars, folders) = (format!("{}b", "*a".repeat(40)), format!("{}b", "**/a/".repeat(40)));
        assert!(!glob_matches(&stars, &"a".repeat(4000)));
        assert!(!glob_matches(&folders, &vec!["a"; 190].join("/")));
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }
}
