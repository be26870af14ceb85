//! The paths that code names.

use crate::source::is_word;

/// A path that the code names, in a `use` or in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedPath {
    pub(crate) line: usize,
    /// `crate::store::Store`, `println!`; a `super::` that climbs to the top is written as `crate::`.
    pub(crate) path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    /// `::`
    Separator,
    Symbol(char),
}

fn tokens(code: &str) -> Vec<(usize, Token<'_>)> {
    let mut tokens = Vec::new();
    for (number, line) in (1..).zip(code.lines()) {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let (token, length) = if is_word(first) {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (Token::Word(&rest[..length]), length)
            } else if rest.starts_with("::") {
                (Token::Separator, 2)
            } else {
                (Token::Symbol(first), first.len_utf8())
            };
            tokens.push((number, token));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// Every path in code without texts. `depth` is how many modules deep the file is: 1 for `src/app.rs` and
/// `src/api/mod.rs`.
pub(crate) fn paths(code: &str, depth: usize) -> Vec<NamedPath> {
    let tokens = tokens(code);
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let follows = at.checked_sub(1).map(|before| tokens[before].1);
        at = match tokens[at].1 {
            Token::Word(_) if follows != Some(Token::Separator) => {
                let is_use = follows == Some(Token::Word("use"));
                let mut found = Vec::new();
                let next = tree(&tokens, at, "", &mut found);
                if let [name] = found.as_mut_slice()
                    && tokens.get(next).is_some_and(|(_, token)| *token == Token::Symbol('!'))
                {
                    name.path.push('!');
                }
                paths.extend(
                    found
                        .into_iter()
                        .filter(|path| is_use || path.path.contains("::") || path.path.ends_with('!')),
                );
                next
            }
            _ => at + 1,
        };
    }
    let climb = "super::".repeat(depth);
    for path in &mut paths {
        if let Some(rest) = path.path.strip_prefix(&climb).filter(|rest| !rest.starts_with("super")) {
            path.path = format!("crate::{rest}");
        }
    }
    paths
}

/// Reads one path, or all paths of a `{…}` in a `use`; answers with the place behind them.
fn tree(tokens: &[(usize, Token<'_>)], at: usize, prefix: &str, paths: &mut Vec<NamedPath>) -> usize {
    let Some(&(line, token)) = tokens.get(at) else { return at };
    match token {
        Token::Word(word) => {
            let path = format!("{prefix}{word}");
            let goes_on = tokens.get(at + 1).is_some_and(|(_, token)| *token == Token::Separator);
            let more = tokens.get(at + 2).map(|(_, token)| *token);
            if goes_on && matches!(more, Some(Token::Word(_) | Token::Symbol('{' | '*'))) {
                return tree(tokens, at + 2, &format!("{path}::"), paths);
            }
            paths.push(NamedPath { line, path });
            at + 1
        }
        Token::Symbol('{') => {
            let mut next = at + 1;
            while let Some((_, token)) = tokens.get(next) {
                next = match token {
                    Token::Symbol('}') => return next + 1,
                    // `a as b`: the new name is not a path.
                    Token::Word("as") => next + 2,
                    Token::Symbol('{' | '*') | Token::Word(_) => tree(tokens, next, prefix, paths),
                    Token::Separator | Token::Symbol(_) => next + 1,
                };
            }
            next
        }
        Token::Symbol(_) => {
            paths.push(NamedPath { line, path: format!("{prefix}*") });
            at + 1
        }
        Token::Separator => at + 1,
    }
}
