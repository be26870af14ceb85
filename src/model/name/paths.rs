//! Names that are paths, commands, and a page.

use super::shown;

pub(super) fn check_folder(text: &str) -> Result<String, String> {
    let path = text.trim_start_matches("./").trim_end_matches('/');
    let is_plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._:@+-".contains(c))
    };
    if path.len() <= 255 && path.split('/').all(is_plain) {
        Ok(path.to_owned())
    } else {
        Err(format!(
            "\"{}\" is not a folder of the repository: it is seen from its top, and has letters, digits, dots, dashes, \
             underscores and slashes only.",
            shown(text)
        ))
    }
}

pub(super) fn check_command(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > 4096 || text.contains(|c: char| c.is_control() && c != '\t') {
        return Err("A command is one line of at most 4096 bytes. Put more into a script.".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn check_page(text: &str) -> Result<String, String> {
    // It is kept in memory, and in the table of routes.
    let is_html = |c: char| !c.is_control() || c.is_ascii_whitespace();
    if text.trim().is_empty() || text.len() > 32 * 1024 || !text.chars().all(is_html) {
        return Err("The page is HTML of at most 32 KiB.".to_owned());
    }
    Ok(text.to_owned())
}

/// Folders of an instance that are the kernel's, or a mount of the engine's: nothing can be put there.
const KERNEL_FOLDERS: [&str; 3] = ["proc", "sys", "dev"];

pub(super) fn check_file(text: &str) -> Result<String, String> {
    let refused = |reason: &str| Err(format!("\"{}\" is not the path of a file: {reason}.", shown(text)));
    let Some(inside) = text.strip_prefix('/') else {
        return refused("it begins with a slash, as in /app/config.json");
    };
    if text.len() > 255 || text.chars().any(char::is_control) {
        return refused("it has at most 255 bytes, and no control characters");
    }
    let mut parts = inside.split('/');
    if parts.clone().any(|part| matches!(part, "" | "." | "..")) {
        return refused("no part of it is empty, `.` or `..`");
    }
    if parts.next().is_some_and(|first| KERNEL_FOLDERS.contains(&first)) {
        return refused("/proc, /sys and /dev are the kernel's");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::model::name::{CommandLine, FilePath, FolderPath};

    #[test]
    fn files_are_inside_of_the_instance() {
        for good in ["/app/config.json", "/etc/x", "/a b", "/srv/.env", "/devices/x"] {
            assert!(good.parse::<FilePath>().is_ok(), "{good}");
        }
        let long = format!("/{}", "a".repeat(255));
        for bad in [
            "",
            "/",
            "a",
            "a/b",
            "/a/",
            "/a//b",
            "/../etc/passwd",
            "/a/./b",
            "/a/..",
            "/proc/1/x",
            "/dev/null",
            "/sys/x",
            "/a\n",
            &long,
        ] {
            assert!(bad.parse::<FilePath>().is_err(), "{bad}");
        }
    }

    #[test]
    fn folders_are_inside_of_the_repository() {
        for good in ["apps/web", "a", "./a/", "a.b/c-d_e"] {
            assert!(good.parse::<FolderPath>().is_ok(), "{good}");
        }
        assert_eq!("./apps/web/".parse::<FolderPath>().unwrap().as_str(), "apps/web");
        for bad in ["", ".", "..", "/", "/a", "a/../b", "a//b", "a b", "a;b", "a\nb", &"a/".repeat(200)] {
            assert!(bad.parse::<FolderPath>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_command_is_one_line() {
        assert_eq!(" npm start ".parse::<CommandLine>().unwrap().as_str(), "npm start");
        for bad in ["", "  ", "a\nb", "a\0", &"x".repeat(4097)] {
            assert!(bad.parse::<CommandLine>().is_err());
        }
    }
}
