//! Files whose names are nearly the ones that matter: `requirments.txt`, `dockerfile`.

/// Two slips of the fingers at most; more is another name.
const MOST_SLIPS: usize = 2;

/// Sentences about files that are probably meant to be one of `expected`. A file that is itself expected is not one.
pub(crate) fn hints<'names>(files: impl Iterator<Item = &'names str>, expected: &[&str]) -> Vec<String> {
    let mut hints = Vec::new();
    for file in files.filter(|file| !expected.contains(file)) {
        if let Some(meant) = expected.iter().find(|name| is_nearly(file, name)) {
            hints.push(format!(
                "{file} is not read. If it is meant to be {meant}, rename it: `git mv {file} {meant}`."
            ));
        }
    }
    hints
}

/// The one of `known` that is meant by a misspelt word, where there is one.
pub(crate) fn nearest<'known>(word: &str, known: &[&'known str]) -> Option<&'known str> {
    let most = if word.len() >= 6 { MOST_SLIPS } else { 1 };
    let word = word.get(..40).unwrap_or(word).to_ascii_lowercase();
    let near = known.iter().map(|name| (slips(&word, name), *name)).filter(|(slips, _)| *slips <= most);
    near.min_by_key(|(slips, _)| *slips).map(|(_, name)| name)
}

fn is_nearly(file: &str, name: &str) -> bool {
    // Only names that can be shown and typed as they are.
    let is_plain = file.len() <= 40 && file.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let most = if name.len() >= 10 { MOST_SLIPS } else { 1 };
    is_plain && slips(&file.to_ascii_lowercase(), &name.to_ascii_lowercase()) <= most
}

/// Letters inserted, left out, changed or swapped with their neighbour (optimal string alignment distance).
fn slips(left: &str, right: &str) -> usize {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=right.len()).collect();
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let changed = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut best = changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::hints;

    const EXPECTED: [&str; 5] = ["Dockerfile", "Procfile", "package.json", "requirements.txt", "index.html"];

    #[test]
    fn slips_are_recognised() {
        for (file, meant) in [
            ("requirments.txt", "requirements.txt"),
            ("requirement.txt", "requirements.txt"),
            ("Requirements.txt", "requirements.txt"),
            ("packge.json", "package.json"),
            ("pakcage.json", "package.json"),
            ("procfile", "Procfile"),
            ("ProcFile", "Procfile"),
            ("dockerfile", "Dockerfile"),
            ("index.htm", "index.html"),
        ] {
            let hints = hints([file].into_iter(), &EXPECTED);
            assert_eq!(hints.len(), 1, "{file}");
            assert!(hints[0].contains(&format!("git mv {file} {meant}")), "{hints:?}");
        }
    }

    #[test]
    fn other_names_are_left_alone() {
        for file in
            ["Dockerfile", "Dockerfile.dev", "packages", "app.json", "README.md", "procfile\n; rm", "x"]
        {
            assert!(hints([file].into_iter(), &EXPECTED).is_empty(), "{file}");
        }
    }
}
