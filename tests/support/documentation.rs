//! What the documentation shows, as the tests try it.

use std::fs;
use std::path::Path;

/// The code block of a page that follows a line with the name of a file.
pub(crate) fn code_block(page: &str, file: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let (_, after) = text.split_once(&format!("\n`{file}`:\n")).unwrap();
    let (_, block) = after.split_once("\n```").unwrap();
    let (block, _) = block.split_once("\n```").unwrap();
    // The first line is the language.
    block.split_once('\n').unwrap().1.to_owned() + "\n"
}
