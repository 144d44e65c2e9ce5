//! The libraries' hints in the words of this program: they name functions, and an operator has
//! options.

/// Phrases of hints, and how an operator does what they say. An empty phrase leaves out what only a
/// program of one's own can do.
const PHRASES: [(&str, &str); 50] = [
    // Nix.
    (
        "with `import_from_derivation(true)` of the builder",
        "with `--allow-import-from-derivation` of `netboot build`",
    ),
    ("`settings` of `Overrides`", "`settings` of `Overrides` in a program of your own"),
    ("`evaluation_memory` of the builder", "`--evaluation-memory` of `netboot build`"),
    ("`evaluation_time` of the builder", "`--evaluation-time` of `netboot build`"),
    (" or give its directory with `program_directory`", ""),
    (
        "with `closure_boot` of the builder",
        "with `--stage1`, or with `[closure-boot]` of netboot.toml",
    ),
    (
        "give the caches in its `nixConfig` and their keys to `with_substituter` of `ScaleOut`, or \
         set them in nix.conf",
        "set the caches in its `nixConfig` and their keys in nix.conf",
    ),
    ("with a `NixBuilder`", "with `netboot build`"),
    (
        "leave `uki_stub` of the builder and give the file of a stub",
        "name the file of a stub (`--uki-stub`, or `stubs` in `[secure-boot]` of netboot.toml)",
    ),
    // UKIs.
    (
        "with `UkiSettings::stub`, or let the builder take it from the configuration",
        "with `--uki-stub`, or with `stubs` in `[secure-boot]` of netboot.toml",
    ),
    (
        "with `UkiSettings::closure_source`",
        "with `--closure-url`, or with `closure-url` in `[secure-boot]` of netboot.toml",
    ),
    // iPXE.
    (
        ", with `RendererBuilder::closure_source`, or set `ipxe_build` to a build that knows \
         `cwduri` if every machine boots with iPXE 1.21 or later",
        ", with `--closure-url`",
    ),
    ("`RendererBuilder::closure_source`", "`--closure-url`"),
    (
        "give the image a signed UKI with `Image::with_uki`, or render scripts without \
         `RendererBuilder::secure_boot`",
        "publish an image with a signed UKI, or leave out `--secure-boot`",
    ),
    ("give `KexecTree::new` the plain", "give `--closure-url` the plain"),
    ("(`PayloadBase::url`)", "(`--payload-url`)"),
    (
        "render the release with this fleet, publish it, and export its manifest",
        "publish the release with these machines (`netboot fleet publish`), and export it again",
    ),
    // Targets.
    (
        "give the publisher a signer with a trusted key (`with_signer`), or trust the key of its \
         signer (`with_trusted_keys`)",
        "sign with a trusted key (`--sign`), or trust the key that signs (`--key`)",
    ),
    (
        "with a publisher that may replace an untrusted pointer (`with_replace_untrusted(true)`)",
        "with `netboot activate TARGET RELEASE --replace-untrusted --sign FILE`",
    ),
    (
        "let the publisher replace files of others (`with_replace_foreign`, `netboot build \
         --replace-foreign`)",
        "let netboot replace files of others (`--replace-foreign`)",
    ),
    (
        "let the publisher replace files of others (`with_replace_foreign`)",
        "let netboot replace files of others (`--replace-foreign`)",
    ),
    ("`Publisher::refresh`", "`netboot refresh`"),
    (
        "give the publisher a signer with a trusted key (`with_signer`), or let it write unsigned \
         pointers (`with_unsigned_pointers(true)`): readers",
        "sign with a trusted key (`--sign FILE`), or leave signing (`--unsigned`): readers",
    ),
    (
        "say for how long the new pointer counts (`with_pointer_lifetime`), or that it counts for \
         ever (`without_pointer_lifetime`)",
        "say for how long the new pointer counts (`--pointer-lifetime HOURS`), or that it counts \
         for ever (`--pointer-lifetime none`)",
    ),
    (
        "stage the release again with its signer, or sign",
        "publish the release again and sign it (`--sign FILE`), or sign",
    ),
    (
        "stage the release again with a trusted signer",
        "publish the release again and sign it with a trusted key (`--sign FILE`)",
    ),
    (
        "`Publisher::countersign` signs what is at the target, and `Publisher::stage` brings it \
         there",
        "`netboot countersign` signs what is at the target, and `netboot publish --stage` brings \
         it there",
    ),
    (
        "and stage the release again from its source",
        "and publish the release again from its source",
    ),
    ("run `repair`", "run `netboot repair TARGET --from OTHER-TARGET`"),
    ("make the parts smaller (`part_size`, at least 5 MiB), or raise the limit", "raise the limit"),
    (
        "`server_checksums(false)`, `batch_delete(false)`",
        "`server-checksums=false`, `batch-delete=false` in the target",
    ),
    (
        "give it to the store with `host_key`",
        "give it to the target with `host-key` in netboot.toml",
    ),
    ("in the store's `host_key`", "in `host-key` of the target in netboot.toml"),
    (", and use `-wo` only if the store is set to `write_only`", " and `-wo`"),
    (", or name the program in the store's builder", ""),
    (
        ", or give the store its keys; to use a profile or single sign-on, write a credential \
         provider",
        "; or name a file that has them with `credentials-file` and `profile` in netboot.toml, in \
         the form of Amazon's programs",
    ),
    (
        "correct what the provider of the keys reads: the cause says what it lacks",
        "correct `credentials-file` or `profile` in netboot.toml, or the file: the cause says what \
         it lacks",
    ),
    (
        "or give the store its credentials",
        "or name a file that has the login with `credentials-file` in netboot.toml, in the form of \
         docker's `config.json`",
    ),
    (
        "give the store the certificate of the authority that signed the registry's, or allow \
         plain HTTP if the registry has no TLS",
        "name the certificate of the authority that signed the registry's with \
         `ca-certificate-file` in netboot.toml, or add `?allow-http=true` to the target if the \
         registry has no TLS",
    ),
    // QEMU.
    (
        "DirectoryServer serves the files of a directory at such URLs",
        "`netboot boot DIR` serves a directory by itself",
    ),
    ("`least_memory_mib` of netboot-core computes how much", "`netboot size` tells how much"),
    (", or give its path with firmware_code", ""),
    (", or give its path with qemu_program", ""),
    (
        "or give its path with ipxe;",
        "or give its path with `--ipxe` of `netboot boot`, or with `ipxe-aarch64` in `[proof]` of \
         netboot.toml;",
    ),
    ("give the machine NetworkAccess::Unrestricted", "use `netboot boot --network`"),
    ("; if the image is meant to, call allow_emergency_mode", ""),
    ("with memory_mib", "with `--memory`"),
    ("use Accelerator::Auto or Accelerator::Tcg: ", ""),
    ("; the documentation of `TemplateName` lists their fields", ""),
    ("; `RendererBuilder::variable` adds others", ""),
];

/// Puts a text with hints of the libraries into words that an operator can follow.
pub(crate) fn for_operators(text: &str) -> String {
    PHRASES.iter().fold(text.to_owned(), |text, (phrase, words)| text.replace(phrase, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables of hints of the crates whose errors this program shows.
    const TABLES: [&str; 8] = [
        include_str!("../../ipxe-script/tests/hints.md"),
        include_str!("../../netboot-closure/tests/hints.md"),
        include_str!("../../netboot-core/tests/hints.md"),
        include_str!("../../netboot-ipxe/tests/hints.md"),
        include_str!("../../netboot-nix/tests/hints.md"),
        include_str!("../../netboot-publish/tests/hints.md"),
        include_str!("../../netboot-qemu/tests/hints.md"),
        include_str!("../../netboot-uki/tests/hints.md"),
    ];

    /// Names of other programs that look like names of Rust.
    const OF_OTHERS: [&str; 7] = [
        "authorized_keys",
        "client_max_body_size",
        "known_hosts",
        "no_proxy",
        "ssh_host_ed25519_key",
        "x86_64",
        "id_ed25519",
    ];

    /// Hints that only a program of one's own meets, because this program never calls what they are
    /// about.
    const UNREACHED: [&str; 4] = [
        "in a program of your own",
        "of `Overrides`; a value that goes over one",
        "with firmware_code",
        "with firmware_variables",
    ];

    fn hints() -> impl Iterator<Item = &'static str> {
        let rows = TABLES.iter().flat_map(|table| table.lines());
        rows.filter_map(|row| row.strip_prefix("| ")?.split_once(" | ").map(|(hint, _)| hint))
    }

    /// The words of a hint that name something of Rust.
    fn rust_names(hint: &str) -> Vec<&str> {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
        let words = hint.split(|c| !is_part(c)).map(|word| word.trim_matches(':'));
        let is_name = |word: &str| {
            let snake = word.trim_matches('_').contains('_')
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            snake || word.contains("::") || word == "Overrides" || word == "NixBuilder"
        };
        words.filter(|word| is_name(word) && !OF_OTHERS.contains(word)).collect()
    }

    #[test]
    fn no_hint_that_an_operator_reads_names_a_function() {
        let mut wrong = Vec::new();
        for hint in hints() {
            let shown = for_operators(hint);
            if UNREACHED.iter().all(|words| !shown.contains(words))
                && !rust_names(&shown).is_empty()
            {
                wrong.push(format!("{:?}: {shown}", rust_names(&shown)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn every_phrase_is_in_a_hint() {
        for (phrase, _) in PHRASES {
            assert!(hints().any(|hint| hint.contains(phrase)), "`{phrase}`");
        }
    }
}
