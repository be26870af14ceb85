//! Patterns for paths, as a `buildpack.toml` writes them.

/// Whether a path matches a glob: `*` within one segment, `**` over any number of them.
pub(crate) fn glob_matches(glob: &str, path: &str) -> bool {
    fn segments_match(globs: &[&str], segments: &[&str]) -> bool {
        match (globs, segments) {
            ([], []) => true,
            (["**", rest @ ..], _) => {
                (0..=segments.len()).any(|skipped| segments_match(rest, &segments[skipped..]))
            }
            ([glob, globs @ ..], [segment, segments @ ..]) => {
                segment_matches(glob.as_bytes(), segment.as_bytes()) && segments_match(globs, segments)
            }
            _ => false,
        }
    }
    fn segment_matches(glob: &[u8], segment: &[u8]) -> bool {
        match (glob, segment) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => {
                (0..=segment.len()).any(|skipped| segment_matches(rest, &segment[skipped..]))
            }
            ([byte, glob @ ..], [other, segment @ ..]) => byte == other && segment_matches(glob, segment),
            _ => false,
        }
    }
    let globs: Vec<&str> = glob.split('/').collect();
    let segments: Vec<&str> = path.split('/').collect();
    segments_match(&globs, &segments)
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
        ] {
            assert_eq!(glob_matches(glob, path), matches, "{glob} {path}");
        }
    }
}
