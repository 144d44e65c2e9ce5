//! The rules: which texts may begin a secret, and what must follow.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, Span, packed};
use regex::bytes::{Regex, RegexBuilder};

use super::check::{age, any, aws, checksum, json_web_key, nix_signing_key, token};
use super::hit::Hit;
use super::kind::SecretKind::{self, Password, PasswordHash, PrivateKey, Token, WebToken};
use super::pem::{encoded_private_key, minisign, private_key, putty};

/// Changes with every change of the rules, so that results of older rules are not used.
pub(super) const VERSION: u32 = 1;

/// The text that must stand at one of a rule's anchors.
enum Test {
    /// A pattern that begins with the anchor.
    Pattern(&'static str, SecretKind, &'static str, fn(&[u8]) -> bool),
    /// A pattern with the anchor in its middle.
    Around(&'static str, SecretKind, &'static str, fn(&[u8]) -> bool),
    /// Takes the text and the position of the anchor.
    Code(fn(&[u8], usize) -> Option<Hit>),
}

use Test::{Around, Code, Pattern};

/// The anchors and the test of each rule. An anchor has three bytes or more: shorter ones are slow
/// to find. Texts may be inside of strings, with `\n` for a line break and `\"` for a quote.
#[rustfmt::skip]
const RULES: &[(&[&str], Test)] = &[
    (&["-----BEGIN "], Code(private_key)),
    (&["LS0tLS1CRUdJTi"], Code(encoded_private_key)),
    (&["PuTTY-User-Key-File-"], Code(putty)),
    (&["RWRTY0Iy", "RWQAAEIy", "RWRCSw"], Code(minisign)),
    (&["A==", "Q==", "g==", "w=="], Code(nix_signing_key)),
    (&["AKIA", "ASIA", "ecretAccessKey", "ECRET_ACCESS_KEY", "ecret_access_key"], Code(aws)),
    (&["\"kty\"", "\\\"kty\\\""], Code(json_web_key)),
    (&["AGE-SECRET-KEY-"],
     Pattern("age-identity", PrivateKey, "AGE-SECRET-KEY-(1[A-Z0-9]{58}|PQ-1[A-Z0-9]{58,})", age)),
    (&["rivateKey", "resharedKey", "rivate-key", "reshared-key", "rivate_key", "RIVATE_KEY",
       "reshared_key", "RESHARED_KEY"],
     Around("wireguard-key", PrivateKey,
            "(?i)(private|preshared)[-_]?key[\\\\\"'\\s]*[=:][\\\\\"'\\s]*(?-i)\
             [A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", token)),
    (&["Private-key-format: v"],
     Pattern("dnssec-private-key", PrivateKey, "(?s)Private-key-format: v.{5,300}?\
              (PrivateKey|PrivateExponent): [A-Za-z0-9+/]{40,1000}", token)),
    (&["== ed25519v1-secret: type0 =="],
     Pattern("tor-secret-key", PrivateKey, r"(?s)== ed25519v1-secret: type0 ==\x00{3}.{64}", any)),
    // Hashes in the forms of crypt(5). In some files each dollar sign is doubled.
    (&["$6$"], hash("crypt-hash", r"\$6\$\$?(rounds=[0-9]{1,9}\$\$?)?[./0-9A-Za-z]{0,16}\$\$?[./0-9A-Za-z]{86}")),
    (&["$5$"], hash("crypt-hash", r"\$5\$\$?(rounds=[0-9]{1,9}\$\$?)?[./0-9A-Za-z]{0,16}\$\$?[./0-9A-Za-z]{43}")),
    (&["$1$", "$apr1$"], hash("crypt-hash", r"\$(1|apr1)\$\$?[./0-9A-Za-z]{0,8}\$\$?[./0-9A-Za-z]{22}")),
    (&["$y$", "$gy$"], hash("crypt-hash", r"\$g?y\$\$?[./0-9A-Za-z]{1,20}\$\$?[./0-9A-Za-z]{0,86}\$\$?[./0-9A-Za-z]{43}")),
    (&["$7$"], hash("crypt-hash", r"\$7\$\$?[./0-9A-Za-z]{11,97}\$\$?[./0-9A-Za-z]{43}")),
    (&["$2a$", "$2b$", "$2x$", "$2y$"], hash("crypt-hash", r"\$2[abxy]\$\$?[0-9]{2}\$\$?[./0-9A-Za-z]{53}")),
    (&["$sha1$"], hash("crypt-hash", r"\$sha1\$\$?[0-9]{1,10}\$\$?[./0-9A-Za-z]{0,64}\$\$?[./0-9A-Za-z]{28}")),
    (&["$argon2"], hash("argon2-hash", r"\$argon2(id?|d)\$\$?(v=[0-9]+\$\$?)?m=[0-9]+,t=[0-9]+,p=[0-9]+\$\$?[A-Za-z0-9+/]{11,100}\$\$?[A-Za-z0-9+/]{16,200}")),
    (&["{SSHA"], hash("ldap-hash", r"\{SSHA(256|384|512)?\}[A-Za-z0-9+/]{32,120}={0,2}")),
    (&["SCRAM-SHA-256$"], hash("scram-hash", r"SCRAM-SHA-256\$\$?[0-9]+:[A-Za-z0-9+/=]{16,64}\$\$?[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=")),
    // NixOS's `users-groups.json` has these options, in alphabetical order.
    (&["assword\":\"", "assword\\\":\\\""],
     Around("nixos-user-password", Password,
            r#"(initialP|p)assword\\?":\\?"[^"\\]{1,200}\\?",\\?"(shell|is[A-Z][a-zA-Z]+)\\?""#, any)),
    // Tokens, by the prefixes and lengths that their issuers publish.
    (&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], issued("github-token", "gh[pousr]_[A-Za-z0-9]{36}", checksum)),
    (&["github_pat_"], issued("github-token", "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", token)),
    (&["npm_"], issued("npm-token", "npm_[A-Za-z0-9]{36}", checksum)),
    (&["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glimt-", "glft-", "gloas-", "glagent-", "glffct-"],
     issued("gitlab-token", "gl[a-z]{2,6}-[A-Za-z0-9_.-]{20,300}", token)),
    (&["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xapp-"],
     issued("slack-token", "(xox[a-z]|xapp)-[A-Za-z0-9-]{24,300}", token)),
    (&["hooks.slack.com/services/T"],
     issued("slack-webhook", r"hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{24}", token)),
    (&["AIza"], issued("google-api-key", "AIza[A-Za-z0-9_-]{35}", token)),
    (&["GOCSPX-"], issued("google-client-secret", "GOCSPX-[A-Za-z0-9_-]{28}", token)),
    (&["sk_live_", "rk_live_"], issued("stripe-key", "[sr]k_live_[A-Za-z0-9]{24,250}", token)),
    (&["whsec_"], issued("webhook-secret", "whsec_[A-Za-z0-9+/]{32,64}", token)),
    (&["dop_v1_", "doo_v1_", "dor_v1_"], issued("digitalocean-token", "do[opr]_v1_[0-9a-f]{64}", token)),
    (&["tskey-"], issued("tailscale-key", "tskey-([a-z]{3,10}-)?[A-Za-z0-9]{8,32}-[A-Za-z0-9]{16,64}", token)),
    (&["hvs.", "hvb.", "hvr."], issued("vault-token", r"hv[sbr]\.[A-Za-z0-9_-]{24,300}", token)),
    (&["pypi-AgE"], issued("pypi-token", "pypi-AgE[A-Za-z0-9_-]{50,1000}", token)),
    (&["T3BlbkFJ"], Around("openai-key", Token, "sk-([a-z]+-)?[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20,100}", token)),
    (&["sk-ant-"], issued("anthropic-key", "sk-ant-[a-z0-9]{3,12}-[A-Za-z0-9_-]{80,120}", token)),
    (&["hf_"], issued("hugging-face-token", "hf_[A-Za-z]{34}", token)),
    (&["dckr_pat_"], issued("docker-token", "dckr_pat_[A-Za-z0-9_-]{27}", token)),
    (&[".atlasv1."], Around("terraform-token", Token, r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,80}", token)),
    (&["glsa_"], issued("grafana-token", "glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}", token)),
    (&["SG."], issued("sendgrid-key", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", token)),
    (&["AccountKey="], issued("azure-storage-key", "AccountKey=[A-Za-z0-9+/]{86}==", token)),
    (&["::server:"], Around("k3s-token", Token, "K10[0-9a-f]{64}::server:[A-Za-z0-9.]{6,200}", token)),
    (&["HCLOUD_TOKEN", "hcloud_token", "hcloud-token"],
     Pattern("hetzner-token", Token, "(?i)hcloud[_-]token[\\\\\"'\\s]*[=:][\\\\\"'\\s]*[A-Z0-9]{64}", token)),
    (&["eyJhbGciOi", "eyJ0eXAiOi", "eyJraWQiOi"],
     Pattern("json-web-token", WebToken, r"eyJ[A-Za-z0-9_-]{14,2000}\.eyJ[A-Za-z0-9_-]{16,2000}\.[A-Za-z0-9_-]{40,800}", token)),
];

const fn hash(name: &'static str, pattern: &'static str) -> Test {
    Pattern(name, PasswordHash, pattern, any)
}

const fn issued(name: &'static str, pattern: &'static str, check: fn(&[u8]) -> bool) -> Test {
    Pattern(name, Token, pattern, check)
}

/// The longest text before an anchor that is part of a secret, in bytes.
pub(super) const BEFORE: usize = 1024;
/// The longest text from an anchor on that is looked at, in bytes.
pub(super) const AFTER: usize = 6 * 1024;
/// The longest text before the anchor of a [`Test::Around`].
const AROUND: usize = 160;

/// The number of anchors that are searched for at the same time. More of them are slower than
/// another search, because the search compares parts of bytes first.
const AT_A_TIME: usize = 24;

/// The rules with compiled patterns.
pub(super) struct Rules {
    searches: Vec<Search>,
    patterns: Vec<Option<Regex>>,
}

/// A search for some anchors, with the rule of each.
struct Search {
    finder: Finder,
    rules: Vec<usize>,
}

enum Finder {
    /// Needs vector instructions.
    Packed(packed::Searcher),
    Automaton(AhoCorasick),
}

/// The rules of this version.
pub(super) static BUILT_IN: LazyLock<Rules> = LazyLock::new(Rules::compile);

impl Finder {
    #[expect(clippy::expect_used, reason = "the anchors are constants, and a test compiles them")]
    fn new(anchors: &[&str]) -> Self {
        packed::Searcher::new(anchors).map_or_else(
            || Self::Automaton(AhoCorasick::new(anchors).expect("few anchors")),
            Self::Packed,
        )
    }

    /// The number and the position of the first anchor from `at` on.
    fn find(&self, text: &[u8], at: usize) -> Option<(usize, usize)> {
        let found = match self {
            Self::Packed(searcher) => searcher.find_in(text, Span::from(at..text.len())),
            Self::Automaton(automaton) => automaton.find(Input::new(text).range(at..)),
        };
        found.map(|found| (found.pattern().as_usize(), found.start()))
    }
}

impl Rules {
    #[expect(clippy::expect_used, reason = "the patterns are constants, and a test compiles them")]
    fn compile() -> Self {
        let of = |(rule, (anchors, _)): (usize, &(&'static [&'static str], Test))| {
            anchors.iter().map(move |anchor| (anchor.len().min(4), *anchor, rule))
        };
        let mut anchors: Vec<(usize, &str, usize)> =
            RULES.iter().enumerate().flat_map(of).collect();
        // A search is as exact as its shortest anchor is long.
        anchors.sort_unstable();
        let searches = anchors.chunks(AT_A_TIME).map(|anchors| {
            let texts: Vec<&str> = anchors.iter().map(|(_, anchor, _)| *anchor).collect();
            let rules = anchors.iter().map(|(_, _, rule)| *rule).collect();
            Search { finder: Finder::new(&texts), rules }
        });
        let patterns = RULES.iter().map(|(_, test)| {
            let pattern = match test {
                Pattern(_, _, pattern, _) => format!("^(?:{pattern})"),
                Around(_, _, pattern, _) => (*pattern).to_owned(),
                Code(_) => return None,
            };
            Some(RegexBuilder::new(&pattern).unicode(false).build().expect("a valid pattern"))
        });
        Self { searches: searches.collect(), patterns: patterns.collect() }
    }

    /// Finds secrets whose anchors begin in `text[from..to]`.
    pub(super) fn find(&self, text: &[u8], from: usize, to: usize, mut found: impl FnMut(Hit)) {
        for search in &self.searches {
            let mut at = from;
            while let Some((anchor, start)) = search.finder.find(text, at) {
                if start >= to {
                    break;
                }
                at = start + 1;
                if let Some(hit) = self.test(search.rules[anchor], text, start) {
                    found(hit);
                }
            }
        }
    }

    fn test(&self, rule: usize, text: &[u8], at: usize) -> Option<Hit> {
        let (from, name, kind, check) = match &RULES[rule].1 {
            Code(code) => return code(text, at),
            Pattern(name, kind, _, check) => (at, *name, *kind, check),
            Around(name, kind, _, check) => (at.saturating_sub(AROUND), *name, *kind, check),
        };
        let end = text.len().min(at + AFTER);
        let matched = self.patterns[rule].as_ref()?.find(&text[from..end])?;
        let (start, end) = (from + matched.start(), from + matched.end());
        (start <= at && at < end && stands_alone(text, start, end) && check(matched.as_bytes()))
            .then_some(Hit::new(name, kind, start))
    }
}

/// Returns true if no word goes on before or after `text[start..end]`. A letter before it may
/// belong to a line break that is written as `\n`.
fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins = match &text[..start] {
        [.., b'\\', b'n' | b'r' | b't'] | [] => true,
        [.., before] => !is_word(*before) || !is_word(text[start]),
    };
    let ends = text.get(end).is_none_or(|after| !is_word(*after) || !is_word(text[end - 1]));
    begins && ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles_and_no_anchor_hides_another() {
        assert_eq!(BUILT_IN.patterns.len(), RULES.len());
        let anchors: Vec<&str> = RULES.iter().flat_map(|(anchors, _)| anchors.to_vec()).collect();
        for (index, anchor) in anchors.iter().enumerate() {
            assert!(anchor.len() >= 3, "{anchor}");
            let hides = |other: &&str| other.starts_with(*anchor);
            assert!(!anchors[index + 1..].iter().any(hides), "{anchor}");
            assert!(!anchors[..index].iter().any(hides), "{anchor}");
        }
    }
}
