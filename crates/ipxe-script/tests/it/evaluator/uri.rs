//! URIs as iPXE reads and sends them (`src/core/uri.c`). Builds of 2019 decode a URI and encode it
//! again. Later builds send it as it is written.

use ipxe_script::Version;

/// The parts of a URI. Path, query and fragment are decoded for builds of 2019, and unchanged for
/// later builds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Uri {
    scheme: Option<Vec<u8>>,
    opaque: Option<Vec<u8>>,
    user: Option<Vec<u8>>,
    password: Option<Vec<u8>>,
    host: Option<Vec<u8>>,
    port: Option<Vec<u8>>,
    path: Option<Vec<u8>>,
    query: Option<Vec<u8>>,
    fragment: Option<Vec<u8>>,
}

impl Uri {
    /// Splits a text. Every text is a URI.
    pub(crate) fn parse(text: &[u8], version: Version) -> Self {
        let mut uri = Self::default();
        let params = text.windows(8).position(|window| window == b"##params");
        let text = params.and_then(|end| text.get(..end)).unwrap_or(text);
        let (text, fragment) = cut(text, b'#');
        uri.fragment = fragment.map(<[u8]>::to_vec);
        let mut rest = text;
        if let Some(length) = scheme_length(text, version) {
            uri.scheme = text.get(..length).map(<[u8]>::to_vec);
            rest = text.get(length + 1..).unwrap_or_default();
            if rest.first() != Some(&b'/') {
                uri.opaque = Some(rest.to_vec());
                return uri.decoded(version);
            }
        }
        let (path, query) = cut(rest, b'?');
        uri.query = query.map(<[u8]>::to_vec);
        let authority = path.strip_prefix(b"//").filter(|_| uri.scheme.is_some());
        match authority {
            Some(authority) => {
                let slash = authority.iter().position(|byte| *byte == b'/');
                let end = slash.unwrap_or(authority.len());
                uri.path = slash.and_then(|start| authority.get(start..)).map(<[u8]>::to_vec);
                uri.set_authority(authority.get(..end).unwrap_or_default());
            }
            None if !path.is_empty() => uri.path = Some(path.to_vec()),
            None => {}
        }
        uri.decoded(version)
    }

    fn set_authority(&mut self, authority: &[u8]) {
        let (mut host, behind) = cut(authority, b'@');
        if let Some(behind) = behind {
            let (user, password) = cut(host, b':');
            self.user = Some(user.to_vec());
            self.password = password.map(<[u8]>::to_vec);
            host = behind;
        }
        let colon = host.iter().rposition(|byte| *byte == b':');
        if let Some(colon) = colon.filter(|_| host.last() != Some(&b']')) {
            self.port = host.get(colon + 1..).map(<[u8]>::to_vec);
            host = host.get(..colon).unwrap_or_default();
        }
        self.host = Some(host.to_vec());
    }

    fn decoded(mut self, version: Version) -> Self {
        let decode = |part: &mut Option<Vec<u8>>| {
            if let Some(text) = part {
                *text = decode_string(text);
            }
        };
        for part in [&mut self.scheme, &mut self.opaque, &mut self.user, &mut self.password] {
            decode(part);
        }
        decode(&mut self.host);
        decode(&mut self.port);
        if version == Version::V2019 {
            for part in [&mut self.path, &mut self.query, &mut self.fragment] {
                decode(part);
            }
        }
        self
    }

    /// Resolves this URI in a script at `base`.
    pub(crate) fn resolve(&self, base: Option<&Self>) -> Self {
        let Some(base) = base.filter(|_| self.scheme.is_none()) else { return self.clone() };
        let mut uri = base.clone();
        if let Some(path) = &self.path {
            uri.path = Some(resolve_path(base.path.as_deref().unwrap_or(b"/"), path));
            uri.query.clone_from(&self.query);
            uri.fragment.clone_from(&self.fragment);
        } else if self.query.is_some() {
            uri.query.clone_from(&self.query);
            uri.fragment.clone_from(&self.fragment);
        } else if self.fragment.is_some() {
            uri.fragment.clone_from(&self.fragment);
        }
        uri
    }

    /// The scheme as iPXE compares it. `None` for a URI without a scheme. Builds of 2019 know
    /// schemes only in lower case.
    pub(crate) fn scheme(&self, version: Version) -> Option<Vec<u8>> {
        let scheme = self.scheme.clone()?;
        Some(if version == Version::V2019 { scheme } else { scheme.to_ascii_lowercase() })
    }

    /// The host and its port in an HTTP request.
    pub(crate) fn authority(&self) -> Vec<u8> {
        let mut text = uri_encode(self.host.as_deref().unwrap_or_default(), b"/#@?");
        if let Some(port) = &self.port {
            text.push(b':');
            text.extend(uri_encode(port, b"/#:@?"));
        }
        text
    }

    /// The path and the query in an HTTP request.
    pub(crate) fn target(&self, version: Version) -> Vec<u8> {
        let encode = |part: &[u8]| {
            if version == Version::V2019 { uri_encode(part, b"#:@?") } else { escape_only(part) }
        };
        let mut target = encode(self.path.as_deref().unwrap_or(b"/"));
        if let Some(query) = &self.query {
            target.push(b'?');
            target.extend(encode(query));
        }
        target
    }

    /// The name of an image from this URI: the text after the last `/` of the decoded path.
    pub(crate) fn image_name(&self, version: Version) -> Option<Vec<u8>> {
        let path = match &self.path {
            Some(path) if version == Version::V2019 => path.clone(),
            Some(path) => decode_string(path),
            None if version == Version::V2019 => return None,
            None => self.opaque.clone()?,
        };
        let start = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        path.get(start..).map(<[u8]>::to_vec)
    }
}

/// The length of the scheme before a `:`. Builds of 2019 accept any text before the first `:`.
fn scheme_length(text: &[u8], version: Version) -> Option<usize> {
    let colon = text.iter().position(|byte| *byte == b':')?;
    let scheme = text.get(..colon)?;
    let is_scheme = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_');
    (version == Version::V2019 || scheme.iter().all(is_scheme)).then_some(colon)
}

/// Splits a text at the first occurrence of a byte.
fn cut(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == at) {
        Some(position) => (text.get(..position).unwrap_or_default(), text.get(position + 1..)),
        None => (text, None),
    }
}

/// Decodes a C string, which ends at its first NUL byte.
fn decode_string(text: &[u8]) -> Vec<u8> {
    let mut decoded = uri_decode(text);
    if let Some(end) = decoded.iter().position(|byte| *byte == 0) {
        decoded.truncate(end);
    }
    decoded
}

/// Encodes only spaces and bytes that are not printable ASCII.
fn escape_only(text: &[u8]) -> Vec<u8> {
    text.iter().fold(Vec::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_graphic() {
            encoded.push(*byte);
        } else {
            encoded.extend_from_slice(escape(*byte).as_bytes());
        }
        encoded
    })
}

/// Resolves a path relative to the directory of another path. Only `.` and `..` at its start count.
fn resolve_path(base: &[u8], relative: &[u8]) -> Vec<u8> {
    if relative.first() == Some(&b'/') {
        return relative.to_vec();
    }
    let mut directory = parent(base);
    let mut rest = relative;
    loop {
        rest = match rest {
            [b'.'] => &[],
            [b'.', b'/', behind @ ..] => behind,
            [b'.', b'.'] => {
                directory = parent(&directory);
                &[]
            }
            [b'.', b'.', b'/', behind @ ..] => {
                directory = parent(&directory);
                behind
            }
            _ => break,
        };
    }
    if directory.last() != Some(&b'/') {
        directory.push(b'/');
    }
    directory.extend_from_slice(rest);
    directory
}

/// The directory of a path, as `dirname` in iPXE's `src/core/basename.c`.
fn parent(path: &[u8]) -> Vec<u8> {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) => b"/".to_vec(),
        Some(slash) => path.get(..slash).unwrap_or_default().to_vec(),
        None => b".".to_vec(),
    }
}

/// Decodes percent-escapes. An escape is what `strtoul` reads of the two characters after a `%`: a
/// single digit, a space or a sign is enough.
fn uri_decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        let digits = behind.get(..behind.len().min(2)).unwrap_or_default();
        match escaped_byte(digits) {
            (escaped, length) if *byte == b'%' && length > 0 => {
                decoded.push(escaped);
                rest = behind.get(length..).unwrap_or_default();
            }
            _ => decoded.push(*byte),
        }
    }
    decoded
}

/// The byte of an escape, and the number of characters that belong to it.
fn escaped_byte(digits: &[u8]) -> (u8, usize) {
    let is_space = |byte: &&u8| matches!(**byte, b' ' | b'\t'..=b'\r');
    let spaces = digits.iter().take_while(is_space).count();
    let sign = digits.get(spaces).copied().filter(|byte| matches!(byte, b'-' | b'+'));
    let start = spaces + usize::from(sign.is_some());
    let digits = digits.get(start..).unwrap_or_default().iter();
    let values = digits.map_while(|digit| char::from(*digit).to_digit(16));
    let (number, count) =
        values.fold((0, 0), |(number, count), digit| (number * 16 + digit, count + 1));
    let number = if sign == Some(b'-') { number.wrapping_neg() } else { number };
    (number.to_le_bytes()[0], start + count)
}

/// Percent-encodes bytes that are not printable ASCII, spaces, `%`, and the bytes in `special`.
fn uri_encode(bytes: &[u8], special: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_graphic() && *byte != b'%' && !special.contains(byte) {
            encoded.push(*byte);
        } else {
            encoded.extend_from_slice(escape(*byte).as_bytes());
        }
    }
    encoded
}

/// The percent-escape of a byte. Every version writes bytes of 128 and more with their sign, such
/// as `%FFFFFFC3`.
fn escape(byte: u8) -> String {
    format!("%{:02X}", i32::from(byte.cast_signed()))
}
