//! Files of packages whose keys are known to everybody: those of tests and documentation.

use crate::digest::Sha256Digest;

/// Directories with the tests, the documentation or the examples of a package.
const DIRECTORIES: [&str; 17] = [
    "doc",
    "docs",
    "man",
    "info",
    "gtk-doc",
    "test",
    "tests",
    "testing",
    "testdata",
    "test-data",
    "test_data",
    "fixtures",
    "spec",
    "example",
    "examples",
    "demos",
    "licenses",
];

/// Directories of a system's own files. Their contents are never tests, whatever they are called.
const OF_SYSTEM: [&str; 8] =
    ["etc", "root", "home", "var", "run", "secrets", "credentials", "keys"];

/// The first half of the SHA-256 digests of keys, in base64 without line breaks, that programs
/// contain for their tests.
const KNOWN: [&str; 10] = [
    // GnuTLS, `lib/crypto-selftests-pk.c`: part of the library.
    "bf552d2ff30b20f0b0ee2bcc357a5ab6",
    "cadf1e62661d5d21a7fce2c80b331902",
    "6d03bbf47115fad00d6f990593a6465c",
    "30db3ea6d728b88c03c56388f64efb5b",
    "518a21fe5a8a54f8f31d8913c3aa5be4",
    "c780c483da21d36753a9662fc03234d3",
    "0abce0c5fd3b863ee4d881dcc5382b33",
    "24a2416c5abbb67327599619c2590655",
    "9ab6db67523ba6071fdb948b3ce38349",
    "f287c70b1db074fe73f73bfb1f09a8b0",
];

/// Returns true for the body of a known key.
pub(super) fn is_known(body: &[u8]) -> bool {
    let digest = Sha256Digest::of(body).to_string();
    KNOWN.iter().any(|known| digest.starts_with(known))
}

/// Returns true for a file of tests or documentation. `file` is its path in a store path.
///
/// An installed package has such files deep inside, as in `lib/python3.13/test/`. A file that
/// stands near the top, or below a directory such as `etc`, was put there by an operator.
pub(super) fn is_test_material(file: &str) -> bool {
    let mut parts: Vec<&str> = file.split('/').collect();
    let name = parts.pop().unwrap_or_default().to_ascii_lowercase();
    let inner = parts.get(1..).unwrap_or_default();
    !parts.iter().any(|part| OF_SYSTEM.contains(part))
        && (inner.iter().any(|part| DIRECTORIES.contains(part))
            || (!inner.is_empty() && name.contains("snakeoil")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_of_packages_are_told_from_files_of_a_system() {
        for file in [
            "lib/python3.13/test/certdata/keycert.pem",
            "share/doc/openssl/demos/server.pem",
            "nixos/tests/ssh-keys.nix",
            "lib/go/src/crypto/tls/testdata/example-key.pem",
        ] {
            assert!(is_test_material(file), "{file}");
        }
        for file in [
            "",
            "key.pem",
            "test/key.pem",
            "etc/tests/key",
            "share/etc/test/key",
            "lib/python3.13/ssl.py",
            "tests",
            "share/tests",
            "home/alice/doc/key",
        ] {
            assert!(!is_test_material(file), "{file}");
        }
    }
}
