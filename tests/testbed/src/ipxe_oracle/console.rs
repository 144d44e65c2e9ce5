//! The changes that SeaBIOS makes to iPXE's output on the serial console, and back.

/// The number of columns after which SeaBIOS breaks a row.
const COLUMNS: usize = 80;

/// The upper half of code page 437, in which a BIOS shows bytes.
const UPPER_HALF: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// The lines that were printed, as bytes: escape sequences are dropped, and rows that are full go
/// on in the next.
pub(super) fn lines(console: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(console);
    let text = without_sequences(&text);
    let mut lines = Vec::new();
    let mut line = Vec::new();
    // A row that is empty has no carriage return.
    for row in text.split('\n') {
        let row: Vec<u8> = row.chars().filter(|c| *c != '\r').map(byte).collect();
        let full = row.len() == COLUMNS;
        line.extend(row);
        if !full {
            lines.push(std::mem::take(&mut line));
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The byte that a character stands for.
fn byte(character: char) -> u8 {
    if let Ok(byte @ 0..0x80) = u8::try_from(character) {
        return byte;
    }
    let position = UPPER_HALF.chars().position(|other| other == character);
    position.and_then(|position| u8::try_from(0x80 + position).ok()).unwrap_or(b'?')
}

/// The text without `ESC c` and `ESC [ … letter`.
fn without_sequences(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = match part.strip_prefix('[') {
            Some(rest) => rest.find(|c: char| c.is_ascii_alphabetic()).map(|end| end + 2),
            None => part.chars().next().map(char::len_utf8),
        };
        kept.push_str(part.get(end.unwrap_or(part.len())..).unwrap_or_default());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_rows_are_joined() {
        let row = "x".repeat(80);
        let console = format!("a\r\n{row}\r\n\r\n{row}\r\ny\r\n\u{1b}[0;1mz\u{1b}[0m├ñ");
        let expected = ["a".to_owned(), row.clone(), row + "y", "z".to_owned()];
        let expected: Vec<Vec<u8>> = expected.into_iter().map(String::into_bytes).collect();
        let mut lines = lines(console.as_bytes());
        assert_eq!(lines.pop().unwrap(), b"z\xc3\xa4");
        assert_eq!(lines, expected[..3]);
    }

    #[test]
    fn the_code_page_is_whole() {
        assert_eq!(UPPER_HALF.chars().count(), 128);
    }
}
