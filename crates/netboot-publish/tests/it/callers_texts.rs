//! Texts and numbers that a caller can set: whatever they are, the answer is a value or an error with
//! a hint, and never a panic.
#![cfg(all(feature = "local", feature = "rsync", feature = "http", feature = "minisign"))]

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use netboot_core::{BackendError, Context, ErrorClass};
use netboot_publish::contract::sample_release;
use netboot_publish::{
    Error, FailedProof, LocalStore, MemoryStore, MinisignKey, PointerMemoryFile, Proof, Prover,
    PublicUrl, Publisher, Retention, RsyncStore, RsyncStoreBuilder, RsyncTarget, Signer, Sites,
    StagedImage, Store, TrustedKey, Verdict, VerifyDepth, VerifyReport, VerifyScope,
};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::rsync::path;

/// Texts with and without structure, and with characters that mean something to somebody.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z0-9.:/@_ -]{0,20}",
        "[a-z]{1,3}[\\x00\\n\\r\\t'\"$`\\\\%#=;\\[\\]-]{1,3}[a-z]{0,3}",
    ]
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn has_way_out<T>(result: &Result<T, Error>) -> bool {
    result.as_ref().err().is_none_or(|error| error.hint().is_some())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The paths and the password are only used when `rsync` runs.
    #[test]
    fn texts_of_an_rsync_store_are_taken_or_refused(texts in prop::collection::vec(text(), 4)) {
        let [one, two, three, four] = &texts[..] else { unreachable!() };
        let work = TempDir::new().unwrap();
        let below = |name: &str| work.path().join(name.replace(['/', '.'], "_"));
        let targets = [
            one.parse::<RsyncTarget>(),
            RsyncTarget::ssh(one, two, 22, three),
            RsyncTarget::daemon(one, 873, two, three),
        ];
        for target in targets {
            prop_assert!(has_way_out(&target), "{target:?}");
            if let Ok(target) = target {
                // A target that was taken has a text that is taken again, but for its port.
                let shown = target.to_string();
                let shown = shown.split(" (port").next().unwrap();
                prop_assert!(shown.parse::<RsyncTarget>().is_ok(), "{shown:?}");
                drop(RsyncStore::open(target));
            }
        }
        let daemon = RsyncTarget::daemon("127.0.0.1", 1, "pub", "").unwrap();
        let ssh = RsyncTarget::ssh("nobody", "127.0.0.1", 1, "/srv").unwrap();
        let user = daemon.clone().with_user(one);
        prop_assert!(has_way_out(&user), "{user:?}");
        let at_daemon = || RsyncStore::builder(daemon.clone());
        let by_ssh = || RsyncStore::builder(ssh.clone()).known_hosts_file("/dev/null");
        let with_user = RsyncStore::builder(daemon.clone().with_user("user").unwrap());
        let builders: [RsyncStoreBuilder; 9] = [
            by_ssh().host_key(one),
            by_ssh().identity_file(PathBuf::from(two)),
            by_ssh().ssh_config(PathBuf::from(two)),
            by_ssh().known_hosts_file(PathBuf::from(three)),
            // A name alone would be looked for among the programs of this machine.
            by_ssh().ssh_program(below(three)),
            at_daemon().rsync_program(below(four)),
            at_daemon().staging_directory(below(four)),
            at_daemon().write_only(below(four)),
            with_user.password(four.clone()),
        ];
        let runtime = runtime();
        for builder in builders {
            drop(format!("{builder:?}"));
            let looked = runtime.block_on(async { builder.build()?.stat(&[path("x")]).await });
            prop_assert!(has_way_out(&looked), "{looked:?}");
        }
    }

    #[test]
    fn the_path_of_a_directory_is_taken_or_refused(name in text()) {
        let work = TempDir::new().unwrap();
        let root = work.path().join(name.replace('/', "_"));
        prop_assume!(!name.is_empty() && name != "." && name != "..");
        let published = runtime().block_on(async {
            let publisher = Publisher::new(LocalStore::new(root));
            publisher.publish(&sample_release("one"), &Context::new()).await?;
            let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
            publisher.verify(scope, depth, &Context::new()).await
        });
        prop_assert!(has_way_out(&published), "{published:?}");
        prop_assert!(published.as_ref().ok().is_none_or(VerifyReport::is_clean));
    }

    #[test]
    fn keys_urls_and_memories_are_taken_or_refused(
        text in text(),
        password in prop::option::of(text()),
    ) {
        let work = TempDir::new().unwrap();
        let file = work.path().join("key");
        std::fs::write(&file, &text).unwrap();
        let key = "untrusted comment: x\n";
        for text in [&text, &format!("{key}{text}"), &format!("{text}\n{text}")] {
            prop_assert!(has_way_out(&TrustedKey::parse(text)));
            prop_assert!(has_way_out(&MinisignKey::parse(text, password.as_deref())));
        }
        prop_assert!(has_way_out(&TrustedKey::read(&file)));
        prop_assert!(has_way_out(&MinisignKey::read(&file, password.as_deref())));
        for place in [text.clone(), format!("/nonexistent/{text}")] {
            prop_assert!(has_way_out(&TrustedKey::read(&place)), "{place:?}");
            prop_assert!(has_way_out(&MinisignKey::read(&place, None)), "{place:?}");
        }
        // A file with a text of somebody else is set aside.
        let memory = PointerMemoryFile::open(&file);
        prop_assert!(has_way_out(&memory), "{memory:?}");
        let odd = PointerMemoryFile::open(work.path().join(text.replace('/', "_")));
        prop_assert!(has_way_out(&odd), "{odd:?}");

        let url = PublicUrl::new(&text);
        prop_assert!(has_way_out(&url), "{url:?}");
        let url = PublicUrl::new(&format!("http://127.0.0.1:1/{text}"));
        prop_assert!(has_way_out(&url), "{url:?}");
        if let Ok(url) = url {
            let verified = runtime().block_on(url.verify(VerifyDepth::Listing, &Context::new()));
            prop_assert!(has_way_out(&verified), "{verified:?}");
            prop_assert!(has_way_out(&url.with_certificate_authorities(text.as_bytes())));
        }
    }

    /// A signer and a prover of a caller may say anything.
    #[test]
    fn a_signer_and_a_prover_may_say_anything(text in text(), hint in prop::option::of(text())) {
        let key = MinisignKey::generate().unwrap();
        let signer = Talker { public: key.public_key().clone(), said: Ok(text.clone()) };
        let trusting = Publisher::new(MemoryStore::new()).with_trusted_keys(key.public_key().clone());
        let release = sample_release("one");
        runtime().block_on(async {
            let context = Context::new();
            let said = trusting.clone().with_signer(signer).publish(&release, &context).await;
            assert!(said.is_err() && has_way_out(&said), "{said:?}");
            let failing = Talker { public: key.public_key().clone(), said: Err(text.clone()) };
            let said = trusting.with_signer(failing).publish(&release, &context).await;
            assert!(said.is_err(), "{said:?}");

            let prover = Says { text: text.clone(), hint: hint.clone() };
            let publisher = Publisher::new(MemoryStore::new());
            let error = publisher.publish_proven(&release, &prover, &context).await.unwrap_err();
            let shown = format!("{error} {:?}", error.hint());
            assert!(shown.lines().all(|line| !line.contains('\x1b')), "{shown:?}");
        });
        let proof = Proof::new(text.clone(), text);
        prop_assert!(!proof.summary.contains(char::is_control), "{proof:?}");
    }
}

#[cfg(feature = "binary-cache")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A key of a binary cache comes as a text, in a file, or as a name with a seed.
    #[test]
    fn the_key_of_a_binary_cache_is_taken_or_refused(
        text in text(),
        seed in any::<[u8; 32]>(),
        priority in any::<u32>(),
    ) {
        use netboot_closure::{NixPublicKey, NixSecretKey};
        use netboot_publish::BinaryCache;

        let work = TempDir::new().unwrap();
        let file = work.path().join("key");
        std::fs::write(&file, &text).unwrap();
        let plain = NixSecretKey::from_seed("cache.example.org-1", seed).unwrap();
        let public = plain.public_key().to_string();
        let (_, base64) = public.split_once(':').unwrap();
        for text in [text.clone(), format!("{text}:{base64}"), format!("{public}{text}")] {
            let parsed = text.parse::<NixPublicKey>();
            prop_assert!(parsed.as_ref().err().is_none_or(|error| error.hint().is_some()));
            if let Ok(parsed) = parsed {
                prop_assert_eq!(parsed.to_string(), text);
            }
        }
        let keys = [
            text.parse::<NixSecretKey>(),
            format!("{text}:{base64}").parse(),
            NixSecretKey::read(&file),
            NixSecretKey::read(work.path().join(&text)),
            NixSecretKey::from_seed(&text, seed),
            Ok(plain),
        ];
        for key in keys {
            let key = match key {
                Ok(key) => key,
                Err(error) => {
                    prop_assert!(error.hint().is_some(), "{error:?}");
                    continue;
                }
            };
            let cache = BinaryCache::new(key).with_priority(priority);
            let publisher = Publisher::new(MemoryStore::new()).with_binary_cache(cache);
            let published = runtime().block_on(async {
                publisher.publish(&sample_release("one"), &Context::new()).await
            });
            // The sample's closure is none that a cache could list.
            prop_assert!(has_way_out(&published), "{published:?}");
        }
    }
}

#[derive(Debug)]
struct Talker {
    public: TrustedKey,
    said: Result<String, String>,
}

/// The error of a signer, or of a prover.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

impl BackendError for Said {
    fn hint(&self) -> Option<String> {
        None
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Failed
    }
}

impl Signer for Talker {
    fn public_key(&self) -> &TrustedKey {
        &self.public
    }

    fn sign(&self, _: &[u8], _: &str) -> Result<String, Error> {
        self.said.clone().map_err(|said| Error::signer(Said(said)))
    }
}

#[derive(Debug)]
struct Says {
    text: String,
    hint: Option<String>,
}

#[async_trait]
impl Prover for Says {
    async fn prove(&self, _: &StagedImage, _: &Context) -> Result<Verdict, Error> {
        let failed = FailedProof::new(self.text.clone(), &self.text);
        Ok(Verdict::Failed(failed.with_hint(self.hint.clone())))
    }
}

/// Times and counts at their ends.
#[tokio::test]
async fn the_largest_and_the_smallest_numbers_are_taken_or_refused() {
    let context = Context::new();
    let release = sample_release("one");
    for time in
        [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(1 << 62), Duration::MAX]
    {
        let work = TempDir::new().unwrap();
        let key = MinisignKey::generate().unwrap();
        let store = LocalStore::new(work.path().join("published"));
        let publisher = Publisher::new(store.clone())
            .with_signer(key.clone())
            .with_trusted_keys(key.public_key().clone())
            .with_pointer_lifetime(time);
        let receipt = publisher.publish(&release, &context).await;
        assert!(has_way_out(&receipt), "{time:?}: {receipt:?}");
        for keep in [0, 1, usize::MAX] {
            let retention = Retention::default().with_keep_last(keep).with_grace(time);
            let pruned = publisher.prune(&retention, &context).await;
            assert!(has_way_out(&pruned), "{time:?}: {pruned:?}");
        }
        let refreshed = publisher.refresh(&context).await;
        assert!(has_way_out(&refreshed), "{time:?}: {refreshed:?}");
        let live = Publisher::new(store.with_read_timeout(time)).live().await;
        assert!(has_way_out(&live), "{time:?}: {live:?}");

        for count in [0, 1, usize::MAX] {
            let publisher = Publisher::new(MemoryStore::new());
            let sites = Sites::builder().site("tokyo", publisher);
            let sites = sites.concurrency(count).timeout(time).build().unwrap();
            let report = sites.publish(&release, &context).await;
            assert_eq!(report.sites.len(), 1);
        }
        let daemon = RsyncTarget::daemon("127.0.0.1", 1, "pub", "").unwrap();
        let at_daemon = || RsyncStore::builder(daemon.clone());
        for builder in [
            at_daemon().timeout(time),
            at_daemon().connect_timeout(time),
            at_daemon().grace(time),
            at_daemon().bandwidth_limit(time.as_secs()),
        ] {
            let looked = match builder.build() {
                Ok(store) => store.stat(&[path("x")]).await,
                Err(error) => Err(error),
            };
            assert!(has_way_out(&looked), "{time:?}: {looked:?}");
        }
    }
}

/// The builder of a bucket takes or refuses extreme numbers too.
#[cfg(feature = "s3")]
#[tokio::test]
async fn the_largest_and_the_smallest_numbers_of_a_bucket_are_taken_or_refused() {
    use netboot_publish::{S3Keys, S3Store};

    let builder = || {
        let builder = S3Store::builder("boot").endpoint("http://127.0.0.1:1").allow_http(true);
        builder.credentials(S3Keys::new("a", "b")).retries(0, Duration::ZERO).without_probe()
    };
    for time in
        [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(1 << 62), Duration::MAX]
    {
        for builder in [
            builder().timeout(time),
            builder().connect_timeout(time),
            builder().lock_lease(time),
            builder().retries(0, time),
            builder().retries(usize::MAX, Duration::ZERO),
            builder().part_size(usize::try_from(time.as_secs()).unwrap()),
            builder().parallelism(usize::try_from(time.as_secs()).unwrap()),
        ] {
            let looked = match builder.build().await {
                Ok(store) => {
                    let signed = store.presigned_url(&path("x"), time).await;
                    assert!(has_way_out(&signed), "{time:?}: {signed:?}");
                    let aborted = store.abort_abandoned_uploads(time, &Context::new()).await;
                    assert!(has_way_out(&aborted), "{time:?}: {aborted:?}");
                    store.stat(&[path("x")]).await
                }
                Err(error) => Err(error),
            };
            assert!(looked.is_err() && has_way_out(&looked), "{time:?}: {looked:?}");
        }
    }
}
