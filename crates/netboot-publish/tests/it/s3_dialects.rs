//! Names, keys and answers that real S3 installations have.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use netboot_core::Context;
use netboot_publish::{
    Error, S3CredentialProvider, S3Credentials, S3Failure, S3Keys, S3Store, S3StoreBuilder, Store,
    Swap,
};
use netboot_testbed::{FaultProxy, HttpFault, HttpRequest, Moment, S3Server};
use proptest::prelude::*;

use crate::s3::{Site, get, path, put, upload};

fn answer(status: &str) -> HttpFault {
    HttpFault::Answer { status: status.to_owned(), headers: String::new() }
}

fn behind(site: &Site, proxy: &FaultProxy) -> S3StoreBuilder {
    site.builder().endpoint(proxy.endpoint()).retries(2, Duration::from_secs(5))
}

/// Gives one pair of keys.
#[derive(Debug)]
struct Vault(S3Keys);

#[async_trait]
impl S3CredentialProvider for Vault {
    async fn keys(&self) -> Result<S3Keys, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.0.clone())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_no_request_can_hold_are_an_error() {
    let site = Site::new(S3Server::nanio);
    let (access, secret) = (site.server.access_key(), site.server.secret_key());
    for keys in [
        S3Keys::new(format!("{access}\n"), secret),
        S3Keys::new(access, format!("{secret}\r\n")),
        S3Keys::new("\u{e4}", secret),
        S3Keys::new("", secret),
        S3Keys::new(access, ""),
        S3Keys::new(access, secret).with_session_token("a token\n"),
        S3Keys::new(access, secret).with_session_token("\0"),
    ] {
        let error = site.builder().credentials(keys.clone()).build().await.unwrap_err();
        assert!(matches!(error, Error::InvalidSetting { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
        let provider = S3Credentials::Provider(Arc::new(Vault(keys)));
        let error = site.builder().credentials(provider.clone()).build().await.unwrap_err();
        let is_it = matches!(&error, Error::S3 { failure: S3Failure::InvalidKeys, .. });
        assert!(is_it && error.hint().is_some(), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
        let store = site.builder().credentials(provider).without_probe().build().await.unwrap();
        for error in [
            store.read(&path("current.ipxe")).await.unwrap_err(),
            store.list(&netboot_publish::ListScope::Root).await.unwrap_err(),
            store.presigned_url(&path("x"), Duration::from_secs(9)).await.unwrap_err(),
        ] {
            let is_it = matches!(&error, Error::S3 { failure: S3Failure::InvalidKeys, .. });
            assert!(is_it, "{error:?}");
        }
    }
    // The hint: without the line break, the keys work.
    site.builder().credentials(S3Keys::new(access, secret)).build().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the texts of a builder are, it builds a store or returns an error.
    #[test]
    fn texts_of_a_builder_are_taken_or_refused(
        texts in prop::collection::vec(prop_oneof![any::<String>(), "[a-z.:_-]{1,12}"], 6),
        lengthens in any::<bool>(),
    ) {
        let text = |n: usize| if lengthens { texts[n].repeat(300) } else { texts[n].clone() };
        let keys = S3Keys::new(text(0), text(1)).with_session_token(text(2));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for builder in [
            S3Store::builder(text(3)).credentials(keys.clone()),
            S3Store::builder("boot").credentials(keys).region(text(4)),
            S3Store::builder("boot").credentials(S3Keys::new("a", "b")).endpoint(text(5)),
            S3Store::builder(text(3)).credentials(S3Keys::new("a", "b")).region(text(4)),
            S3Store::builder("boot").credentials(S3Keys::new("a", "b")).public_url(text(5)),
            S3Store::builder("boot").credentials(S3Keys::new("a", "b")).ca_certificate(text(5)),
        ] {
            let signed = runtime.block_on(async {
                let store = builder.without_probe().build().await?;
                store.presigned_url(&path("x"), Duration::from_secs(9)).await
            });
            let has_way_out = |error: &Error| error.hint().is_some();
            prop_assert!(signed.as_ref().err().is_none_or(has_way_out), "{signed:?}");
        }
    }
}

#[tokio::test]
async fn names_of_real_buckets_lead_to_their_urls() {
    let url = async |builder: S3StoreBuilder| {
        let builder = builder.credentials(S3Keys::new("a", "b")).without_probe();
        builder.build().await.map(|store| store.to_string())
    };
    let bucket = |name: &str| S3Store::builder(name).region("eu-west-1");
    let at = |name: &str, endpoint: &str| bucket(name).endpoint(endpoint);
    for (builder, expected) in [
        (bucket("boot"), "https://boot.s3.eu-west-1.amazonaws.com/"),
        (bucket("boot.example.org"), "https://s3.eu-west-1.amazonaws.com/boot.example.org/"),
        (bucket("Old_Bucket"), "https://s3.eu-west-1.amazonaws.com/Old_Bucket/"),
        (bucket("boot").region("cn-north-1"), "https://boot.s3.cn-north-1.amazonaws.com.cn/"),
        (bucket("boot").region(""), "https://boot.s3.us-east-1.amazonaws.com/"),
        (at("tenant:boot", "https://rgw.example.org"), "https://rgw.example.org/tenant%3Aboot/"),
        (at("boot", "https://[2001:db8::1]:9000/"), "https://[2001:db8::1]:9000/boot/"),
        (at("boot", "https://example.org/s3/"), "https://example.org/s3/boot/"),
    ] {
        assert_eq!(url(builder).await.unwrap(), expected);
    }
    for builder in [
        bucket("arn:aws:s3:eu-west-1:123456789012:accesspoint/boot"),
        bucket("boot--usw2-az1--x-s3"),
        bucket("s3://boot"),
        bucket("boot/nixos"),
        bucket("a:b:boot"),
        at("tenant:boot", "https://rgw.example.org").path_style(false),
    ] {
        let error = url(builder).await.unwrap_err();
        assert!(matches!(error, Error::InvalidSetting { .. }), "{error:?}");
    }
    let store = at("tenant:boot", "https://rgw.example.org").credentials(S3Keys::new("a", "b"));
    let policy = store.without_probe().build().await.unwrap().public_read_policy();
    assert!(policy.contains("arn:aws:s3::tenant:boot/"), "{policy}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_are_deleted_one_by_one_where_a_batch_fails() {
    let site = Site::new(S3Server::nanio);
    for status in ["501 Not Implemented", "405 Method Not Allowed", "400 Bad Request", "200 OK"] {
        let batches = Arc::new(AtomicUsize::new(0));
        let count = batches.clone();
        let proxy =
            FaultProxy::http(site.server.address(), move |request: &HttpRequest, moment| {
                if moment == Moment::Asked && request.method == "POST" {
                    count.fetch_add(1, Ordering::SeqCst);
                    return answer(status);
                }
                HttpFault::None
            });
        let store = behind(&site, &proxy).build().await.unwrap();
        // The probe deleted its only object without a batch.
        assert_eq!(batches.load(Ordering::SeqCst), 0, "{status}");
        let places = ["blobs/a", "blobs/b", "blobs/none"].map(path);
        for _ in 0..2 {
            put(&store, "blobs/a", "a").await;
            put(&store, "blobs/b", "b").await;
            store.delete(&places, &Context::new()).await.unwrap();
            assert!(store.stat(&places).await.unwrap().is_empty(), "{status}");
        }
        assert_eq!(batches.load(Ordering::SeqCst), 1, "{status}: the store asks once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_conditions_is_one_without_them() {
    let site = Site::new(S3Server::ministack);
    for status in ["400 Bad Request", "501 Not Implemented"] {
        let refused = Arc::new(AtomicUsize::new(0));
        let count = refused.clone();
        let proxy =
            FaultProxy::http(site.server.address(), move |request: &HttpRequest, moment| {
                let is_first = request.method == "PUT" && request.target.contains("probe-");
                if moment == Moment::Asked && is_first && count.fetch_add(1, Ordering::SeqCst) == 0
                {
                    return answer(status);
                }
                HttpFault::None
            });
        let store = behind(&site, &proxy).build().await.unwrap();
        assert!(!store.capabilities().compare_and_swap(), "{status}");
        put(&store, "blobs/a", "a").await;
        assert_eq!(get(&store, "blobs/a").await.unwrap(), "a");
    }
}

/// 409 does not say that the condition is wrong: the object is not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_of_requests_is_tried_again() {
    let site = Site::new(S3Server::ministack);
    let conflicts = Arc::new(AtomicUsize::new(0));
    let count = conflicts.clone();
    let proxy = FaultProxy::http(site.server.address(), move |request: &HttpRequest, moment| {
        let is_it = request.method == "PUT" && request.target.contains("current.ipxe");
        if moment == Moment::Asked && is_it && count.fetch_add(1, Ordering::SeqCst) == 0 {
            return answer("409 Conflict");
        }
        HttpFault::None
    });
    let store = behind(&site, &proxy).build().await.unwrap();
    let swap = store.swap(&path("current.ipxe"), None, "#!ipxe\n".into()).await.unwrap();
    assert_eq!(swap, Swap::Done);
    assert_eq!(conflicts.load(Ordering::SeqCst), 2);
    let again = store.swap(&path("current.ipxe"), None, "#!ipxe\n# 2\n".into()).await.unwrap();
    assert_eq!(again, Swap::Conflict);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_with_a_limit_is_named_and_smaller_parts_pass() {
    let site = Site::new(S3Server::nanio);
    let proxy = FaultProxy::http(site.server.address(), |request: &HttpRequest, moment| {
        if moment == Moment::Asked && request.length > 5_500_000 {
            return answer("413 Payload Too Large");
        }
        HttpFault::None
    });
    let object = || vec![upload("blobs/large", vec![7; 6_000_000])];
    let store = behind(&site, &proxy).build().await.unwrap();
    let error = store.send(object(), &Context::new()).await.unwrap_err();
    let is_it = matches!(&error, Error::S3 { failure: S3Failure::RequestTooLarge, .. });
    assert!(is_it, "{error:?}");
    assert!(error.hint().unwrap().contains("part_size"));
    let store = behind(&site, &proxy).part_size(5 << 20).build().await.unwrap();
    store.send(object(), &Context::new()).await.unwrap();
}
