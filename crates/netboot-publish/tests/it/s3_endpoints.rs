//! Endpoints as people write them, and buckets that are elsewhere.

use netboot_publish::{Error, S3Failure, S3Keys, S3Store, S3StoreBuilder};

use crate::s3_liar::Liar;

fn at(endpoint: &str) -> S3StoreBuilder {
    let keys = S3Keys::new("a", "b");
    S3Store::builder("boot").endpoint(endpoint).credentials(keys).without_probe()
}

/// The hint: the text of the problem is the correction, and it works.
#[tokio::test]
async fn an_endpoint_without_a_scheme_gets_one() {
    for endpoint in ["s3.example.org:9000", "localhost:9000", "192.0.2.7:9000", "s3.example.org/s3"]
    {
        let error = at(endpoint).build().await.unwrap_err();
        let Error::InvalidSetting { setting: "endpoint", problem } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(error.hint().unwrap(), "correct the endpoint; nothing was sent");
        let corrected = problem.split('`').nth(3).unwrap();
        assert_eq!(corrected, format!("https://{endpoint}"));
        let store = at(corrected).build().await.unwrap();
        assert_eq!(store.to_string(), format!("https://{endpoint}/boot/"));
    }
    for endpoint in ["", "://", "ftp://s3.example.org", "user:password@s3.example.org"] {
        let error = at(endpoint).build().await.unwrap_err();
        assert!(matches!(error, Error::InvalidSetting { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("password"), "{error:?}");
    }
    let doubled = at("https://boot.s3.eu-west-1.amazonaws.com").build().await.unwrap_err();
    assert!(doubled.to_string().contains("leave the bucket out"), "{doubled}");
}

#[tokio::test]
async fn the_region_of_a_known_provider_is_that_of_its_endpoint() {
    for (endpoint, region) in [
        ("https://s3.eu-central-1.amazonaws.com", "eu-central-1"),
        ("https://s3-eu-west-1.amazonaws.com", "eu-west-1"),
        ("https://s3.dualstack.eu-west-1.amazonaws.com", "eu-west-1"),
        ("https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("https://s3.us-west-004.backblazeb2.com", "us-west-004"),
        ("https://s3.fr-par.scw.cloud/", "fr-par"),
        ("https://fsn1.your-objectstorage.com", "fsn1"),
        ("https://0123456789abcdef.r2.cloudflarestorage.com", "auto"),
        ("https://s3.amazonaws.com", "us-east-1"),
        ("https://s3-accelerate.amazonaws.com", "us-east-1"),
        ("https://s3.example.org:9000", "us-east-1"),
    ] {
        let store = at(endpoint).build().await.unwrap();
        assert!(format!("{store:?}").contains(&format!("region: {region:?}")), "{store:?}");
        let store = at(endpoint).region("xx-1").build().await.unwrap();
        assert!(format!("{store:?}").contains("region: \"xx-1\""), "{store:?}");
    }
}

/// Amazon's answers for a bucket in another region.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_region_of_a_redirect_is_named() {
    for (status, code) in [
        ("301 Moved Permanently", "PermanentRedirect"),
        ("307 Temporary Redirect", "TemporaryRedirect"),
    ] {
        let server = Liar::new(move |_| {
            let body = format!("<Error><Code>{code}</Code><Bucket>boot</Bucket></Error>");
            (status, "x-amz-bucket-region: eu-west-1\r\n".to_owned(), body)
        });
        let error = server.builder().build().await.unwrap_err();
        let Error::S3 { failure: S3Failure::WrongRegion { expected }, .. } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(expected.as_deref(), Some("eu-west-1"), "{error:?}");
        assert!(error.hint().unwrap().contains("eu-west-1"), "{error:?}");
    }
}
