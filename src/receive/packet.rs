//! git's pkt-line format (gitprotocol-common(5)): four hexadecimal digits of length, then the content.

use std::io::{self, Read, Write};

const MAX_CONTENT_BYTES: usize = 65_516;

/// Reads lines up to the next flush packet, without their final newline.
pub(crate) fn read_section(input: &mut impl Read) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    while let Some(content) = read(input)? {
        let text = String::from_utf8(content)
            .map_err(|_| io::Error::other("git has sent text that is not UTF-8"))?;
        lines.push(text.trim_end_matches('\n').to_owned());
    }
    Ok(lines)
}

/// Writes one packet.
pub(super) fn write(output: &mut impl Write, content: &[u8]) -> io::Result<()> {
    if content.len() > MAX_CONTENT_BYTES {
        return Err(io::Error::other("the line is too long for a packet"));
    }
    output.write_all(format!("{:04x}", content.len() + 4).as_bytes())?;
    output.write_all(content)
}

/// Writes a flush packet and sends what was written.
pub(super) fn flush(output: &mut impl Write) -> io::Result<()> {
    output.write_all(b"0000")?;
    output.flush()
}

/// The content of the next packet, or `None` for a flush packet.
pub(crate) fn read(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut digits = [0_u8; 4];
    input.read_exact(&mut digits)?;
    let length = std::str::from_utf8(&digits).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
    match length {
        Some(0) => Ok(None),
        Some(length @ 4..) => {
            let mut content = vec![0; length - 4];
            input.read_exact(&mut content)?;
            Ok(Some(content))
        }
        Some(_) | None => Err(io::Error::other("git has sent a packet with a bad length")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = Vec::new();
        write(&mut bytes, b"version=1\0push-options\n").unwrap();
        write(&mut bytes, b"").unwrap();
        flush(&mut bytes).unwrap();
        assert_eq!(read_section(&mut bytes.as_slice()).unwrap(), ["version=1\0push-options", ""]);
    }

    #[test]
    fn bad_lengths_are_refused() {
        for bad in [&b"0003"[..], b"zzzz", b"0009ab", b"00"] {
            assert!(read_section(&mut &*bad).is_err());
        }
    }
}
