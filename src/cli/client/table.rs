//! Tables that fit the terminal: a row is one line, always.

use crate::model::terminal_text::one_line;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Between two columns.
const GAP: usize = 2;
/// No column is cut below this, or below its heading.
const NARROWEST: usize = 8;
/// What stands for text that was cut off.
const CUT: char = '…';

/// Rows below headings.
#[derive(Debug, Clone)]
pub(super) struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(headings: &[&str]) -> Self {
        Self { headings: headings.iter().map(|heading| (*heading).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row with as many cells as there are headings. What is in them is made safe for a terminal.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| one_line(&cell)).collect());
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table in a width. Wide columns are cut first, then the last ones are left out.
    pub(super) fn render(&self, width: Option<usize>) -> String {
        let (widths, complete) = self.fitted(width.unwrap_or(usize::MAX));
        let mut text = String::new();
        for (number, row) in std::iter::once(&self.headings).chain(&self.rows).enumerate() {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(&padded(&cut(cell, *width), width + GAP));
            }
            if number == 0 && !complete {
                line.push(CUT);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// The width of each column that is shown, and whether these are all.
    fn fitted(&self, width: usize) -> (Vec<usize>, bool) {
        let natural = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.chain(self.headings.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..self.headings.len()).map(natural).collect();
        loop {
            let complete = widths.len() == self.headings.len();
            // The mark of what is left out needs a place of its own.
            let mark = if complete { 0 } else { GAP + 1 };
            let taken = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1) + mark;
            let Some(excess) = taken.checked_sub(width).filter(|excess| *excess > 0) else {
                return (widths, complete);
            };
            if !self.narrow(&mut widths, excess) {
                if widths.len() <= 1 {
                    return (widths, complete);
                }
                widths = (0..widths.len() - 1).map(natural).collect();
            }
        }
    }

    /// Takes columns away from the widest cells; whether there was enough to take.
    fn narrow(&self, widths: &mut [usize], excess: usize) -> bool {
        for _ in 0..excess {
            let spare = widths
                .iter_mut()
                .zip(&self.headings)
                .filter(|(width, heading)| **width > heading.width().max(NARROWEST));
            let Some((widest, _)) = spare.max_by_key(|(width, _)| **width) else { return false };
            *widest -= 1;
        }
        true
    }
}

/// A text that takes at most so many columns; what is cut off is marked.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut taken = 1;
    for character in text.chars() {
        taken += character.width().unwrap_or(0);
        if taken > width {
            break;
        }
        shown.push(character);
    }
    shown.push(CUT);
    shown
}

/// A text with blanks behind it up to a width.
pub(super) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Facts about one thing: a word and its value a line. Values are not cut: they are there to be copied.
pub(super) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(word, _)| word.width()).max().unwrap_or(0) + GAP;
    facts.iter().map(|(word, value)| format!("{}{}\n", padded(word, width), one_line(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["SLUG", "STATUS", "URL"]);
        table.row(["shop", "live", "http://shop.apps.example.com:8080"].map(str::to_owned));
        table.row(["日本語の店", "failed\n!", "\u{1b}[31mred\u{1b}[2J"].map(str::to_owned));
        table
    }

    #[test]
    fn a_table_is_cut_to_the_width_and_never_wrapped() {
        for width in [1, 8, 12, 20, 30, 40, 60] {
            let shown = table().render(Some(width));
            let widest = shown.lines().map(UnicodeWidthStr::width).max().unwrap();
            // One column and the mark of what was left out are the least that is shown.
            assert!(widest <= width.max(NARROWEST + GAP + 1), "{width}:\n{shown}");
            assert_eq!(shown.lines().count(), 3);
        }
        let at = |width| format!("{width}\n{}", table().render(Some(width)));
        insta::assert_snapshot!([at(70), at(40), at(28), at(20), at(12)].join("\n"));
    }

    #[test]
    fn where_nothing_has_to_fit_nothing_is_cut() {
        assert!(table().render(None).contains("http://shop.apps.example.com:8080"));
    }

    #[test]
    fn facts_are_aligned_and_whole() {
        assert_eq!(facts(&[("a", "1".to_owned()), ("long", "2\n3".to_owned())]), "a     1\nlong  2 3\n");
    }
}
