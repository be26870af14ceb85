//! Files that Git LFS keeps elsewhere (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).

/// Bytes that no pointer has.
pub const LONGEST_POINTER: usize = 1024;
/// How every pointer begins.
const BEGIN: &str = "version https://git-lfs.github.com/spec/v1\n";

/// A file that a repository has only a pointer to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LargeFile {
    /// Its SHA-256, in 64 hexadecimal digits.
    oid: String,
    /// In bytes.
    size: u64,
}

impl LargeFile {
    /// The file that a pointer stands for; `None` where a text is none, or one that programs of its own are needed for.
    #[must_use]
    pub fn of_pointer(content: &[u8]) -> Option<Self> {
        if content.len() >= LONGEST_POINTER {
            return None;
        }
        let lines = std::str::from_utf8(content).ok()?.strip_prefix(BEGIN)?;
        let (oid, size) = lines.strip_suffix('\n')?.split_once('\n')?;
        Self::new(oid.strip_prefix("oid sha256:")?, size.strip_prefix("size ")?.parse().ok()?)
    }

    /// A file by its id and its size; `None` where the text is no id.
    #[must_use]
    pub fn new(oid: &str, size: u64) -> Option<Self> {
        let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        (oid.len() == 64 && oid.chars().all(is_digit)).then(|| Self { oid: oid.to_owned(), size })
    }

    /// Its SHA-256, in 64 hexadecimal digits.
    #[must_use]
    pub fn oid(&self) -> &str {
        &self.oid
    }

    /// In bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_read_as_it_is_specified() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let pointer = format!("{BEGIN}oid sha256:{oid}\nsize 12345\n");
        let file = LargeFile::of_pointer(pointer.as_bytes()).unwrap();
        assert_eq!((file.oid(), file.size()), (oid, 12345));
        let longer = format!("{pointer}{}", "x".repeat(LONGEST_POINTER));
        let wrong = [
            String::new(),
            pointer.trim_end().to_owned(),
            pointer.replace("v1", "v9"),
            pointer.replace("sha256", "sha512"),
            pointer.replace("4d7a", "4D7A"),
            pointer.replace("4d7a", "../."),
            pointer.replace("size 12345", "size -1"),
            pointer.replace("oid", "ext-0-foo sha256:aa\noid"),
            longer,
        ];
        for wrong in wrong {
            assert_eq!(LargeFile::of_pointer(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
