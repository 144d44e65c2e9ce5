//! Functions take the values of callers in the forms that callers have.
#![cfg(feature = "minisign")]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use netboot_core::{Context, PointerName, SiteName};
use netboot_publish::contract::{ClockAhead, sample_release};
use netboot_publish::{
    Clock, Error, KnownPointer, MemoryStore, MinisignKey, PointerMemory, Publisher, RollbackTo,
    S3Credentials, S3Keys, Signer, Sites, TrustedKeys, VerifyDepth, VerifyScope,
};

#[tokio::test]
async fn names_and_keys_are_taken_by_reference() {
    let (site, pointer) = (SiteName::new("tokyo").unwrap(), PointerName::new("canary").unwrap());
    let key = Arc::new(MinisignKey::generate().unwrap());
    let publisher = Publisher::new(MemoryStore::new())
        .with_pointer(&pointer)
        .unwrap()
        .with_signer(key.clone())
        .with_trusted_keys(key.public_key());
    let (release, context) = (sample_release("one"), Context::new());
    let sites = Sites::builder().site(&site, publisher.clone()).build().unwrap();
    let report = sites.publish(&release, &context).await.ensure_live_everywhere().unwrap();
    assert_eq!(report.live().collect::<Vec<_>>(), [&site]);
    assert_eq!(publisher.pointer(), &pointer);

    let keys = TrustedKeys::new([key.public_key()]).unwrap();
    let reader = Publisher::from(publisher.store().clone()).with_pointer(pointer.as_str());
    let reader = reader.unwrap().with_trusted_keys(&keys);
    assert_eq!(reader.live().await.unwrap(), Some(*release.id()));
    let keys = S3Keys::new("access", "secret");
    assert!(matches!(S3Credentials::from(&keys), S3Credentials::Keys(same) if same == keys));
}

/// The futures are spawned, so they go to other threads.
#[tokio::test]
async fn a_release_is_named_by_its_id_or_by_a_reference_to_it() {
    let publisher = Publisher::new(MemoryStore::new());
    let [one, two] = ["one", "two"].map(sample_release);
    let id = *one.id();
    publisher.stage(&one, &Context::new()).await.unwrap();
    let spawned = tokio::spawn({
        let publisher = publisher.clone();
        async move {
            let context = Context::new();
            publisher.activate(id, &context).await?;
            publisher.activate(&id, &context).await?;
            publisher.manifest(id).await?;
            publisher.images(one.id()).await?;
            publisher.countersign(one.id(), &context).await?;
            publisher.repair(id, &[], &context).await?;
            let base = publisher.live().await?;
            publisher.publish_over(base, &two, &context).await?;
            publisher.rollback(RollbackTo::Release(id), &context).await?;
            let scope = VerifyScope::Release(id);
            publisher.verify(scope, VerifyDepth::Content, &context).await
        }
    });
    assert_eq!(spawned.await.unwrap().unwrap().findings, []);
    assert_eq!(publisher.live().await.unwrap(), Some(id));
    let sites = Sites::builder().site("osaka", publisher).build().unwrap();
    sites.activate(id, &Context::new()).await.ensure_live_everywhere().unwrap();
}

#[test]
fn a_text_that_is_no_name_is_an_invalid_value() {
    let publisher = Publisher::new(MemoryStore::new());
    let error = Sites::builder().site("Tokyo", publisher).build().unwrap_err();
    let Error::InvalidValue(invalid) = &error else { panic!("{error:?}") };
    assert_eq!(invalid.value, "Tokyo");
    assert!(error.hint().unwrap().contains("lower-case letters"));
    let error = Error::from(netboot_core::Error::from(invalid.clone()));
    assert!(matches!(error, Error::InvalidValue(_)), "{error:?}");
}

/// Remembers nothing, and knows a pointer that is newer than all others.
#[derive(Debug)]
struct Newer(KnownPointer);

impl PointerMemory for Newer {
    fn recall(&self, _: &str, _: &PointerName) -> Result<Option<KnownPointer>, Error> {
        Ok(Some(self.0.clone()))
    }

    fn names(&self, _: &str) -> Result<std::collections::BTreeSet<PointerName>, Error> {
        Ok([PointerName::default()].into())
    }

    fn remember(&self, _: &str, _: &PointerName, _: &KnownPointer) -> Result<(), Error> {
        Ok(())
    }
}

#[tokio::test]
async fn parts_of_a_publisher_are_taken_behind_pointers() {
    let key = MinisignKey::generate().unwrap();
    let trusted = key.public_key().clone();
    let signer: Box<dyn Signer> = Box::new(key);
    let later = ClockAhead(Duration::from_secs(24 * 3600));
    let clock: Arc<dyn Clock> = Arc::new(later);
    let publisher = Publisher::new(MemoryStore::new())
        .with_signer(signer)
        .with_trusted_keys(&trusted)
        .with_clock(clock);
    let release = sample_release("one");
    publisher.publish(&release, &Context::new()).await.unwrap();
    let [entry] = &publisher.history().await.unwrap()[..] else { panic!("one entry") };
    assert!(entry.activated_at > SystemTime::now() + Duration::from_secs(23 * 3600));

    let known = serde_json::json!({
        "counter": u64::MAX, "release": release.id(), "sha256": "0".repeat(64)
    });
    let memory: Box<dyn PointerMemory> = Box::new(Newer(serde_json::from_value(known).unwrap()));
    let reader = Publisher::from(publisher.store().clone())
        .with_trusted_keys(&trusted)
        .with_pointer_memory(memory);
    let error = reader.live().await.unwrap_err();
    assert!(matches!(error, Error::UntrustedPointer { .. }), "{error:?}");
}
