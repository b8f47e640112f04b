// SPDX-License-Identifier: BSD-2-Clause

//! Text from the kernel and for people.

use std::{
    borrow::Cow,
    io::{self, Write},
};

/// Converts a C string.
pub fn from_c(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Returns a word as it is, and anything else quoted. What comes from any process must
/// not control the terminal.
pub fn quote(text: &str) -> Cow<'_, str> {
    let quoted = format!("{text:?}");
    if text.is_empty() || text.contains(' ') || quoted[1..quoted.len() - 1] != *text {
        return quoted.into();
    }
    text.into()
}

/// Prints lines whose columns are as wide as what is in them.
pub fn print_table<const N: usize>(out: &mut dyn Write, lines: &[[String; N]]) -> io::Result<()> {
    let mut widths = [0; N];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    for line in lines {
        let mut text = String::new();
        for (width, cell) in widths.iter().zip(line) {
            text += &format!("{cell:width$}  ");
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_strings_end_at_zero() {
        assert_eq!(from_c(b"ls\0rest"), "ls");
        assert_eq!(from_c(b"full"), "full");
        assert_eq!(from_c(b"\xff\0"), "\u{fffd}");
    }

    #[test]
    fn quotes_what_is_no_word() {
        for word in ["ls", "-l", "/usr/bin/x", "a=b", "straße"] {
            assert_eq!(quote(word), word);
        }
        assert_eq!(quote(""), r#""""#);
        assert_eq!(quote("two words"), r#""two words""#);
        assert_eq!(quote("a\x1b[2Jb\n"), r#""a\u{1b}[2Jb\n""#);
    }

    #[test]
    fn columns_line_up() {
        let lines = [["N", "NAME"], ["10", "a"]].map(|line| line.map(str::to_owned));
        let mut out = Vec::new();
        print_table(&mut out, &lines).unwrap();
        assert_eq!(out, b"N   NAME\n10  a\n\n");
    }
}
