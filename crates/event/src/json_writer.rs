//! Texts and numbers as they stand in JSON.

use std::io::Write as _;

/// As `serde_json` writes it, so that every way out prints the same number.
pub fn write_double(number: f64, out: &mut Vec<u8>) {
    if !number.is_finite() {
        out.extend_from_slice(b"null");
    } else if serde_json::to_writer(&mut *out, &number).is_err() {
        let _ = write!(out, "{number:?}");
    }
}

/// A JSON string, quotes included.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    write_bytes(text.as_bytes(), out);
}

/// The same for what may be no UTF-8, and then is written as it is.
pub fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    if has_no_escape(bytes) {
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    let mut done = 0;
    for (position, &byte) in bytes.iter().enumerate() {
        let Some(escape) = escape_of(byte) else {
            continue;
        };
        out.extend_from_slice(&bytes[done..position]);
        if escape == b'u' {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        } else {
            out.extend_from_slice(&[b'\\', escape]);
        }
        done = position + 1;
    }
    out.extend_from_slice(&bytes[done..]);
    out.push(b'"');
}

/// Whether JSON takes the text as it is, as it does most. Looks at every byte
/// without a branch, which compilers turn into a look at sixteen at once.
pub fn has_no_escape(text: &[u8]) -> bool {
    text.iter()
        .fold(true, |is_plain, &byte| is_plain & (byte >= 0x20) & (byte != b'"') & (byte != b'\\'))
}

/// The letter behind the backslash for a byte that JSON does not take as it is.
pub fn escape_of(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' => Some(byte),
        0x08 => Some(b'b'),
        b'\t' => Some(b't'),
        b'\n' => Some(b'n'),
        0x0c => Some(b'f'),
        b'\r' => Some(b'r'),
        0..0x20 => Some(b'u'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn strings_are_written_as_serde_json_writes_them() {
        let all: String =
            (0..0x180).filter_map(char::from_u32).chain("\u{2028}😀/".chars()).collect();
        let mut out = Vec::new();
        write_string(&all, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&all).unwrap());
    }
}
