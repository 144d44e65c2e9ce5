//! Refused logins: they are told in the log, and nobody tries many tokens.

use std::net::IpAddr;

use reqwest::{Method, StatusCode, header};
use rustix::process::Signal;

use crate::service::{Place, Service, TOKEN};

const GUESS: &str = "guessed-0123456789abcdef";

async fn guess(service: &Service, authorization: Option<&str>) -> StatusCode {
    let request = service.client.delete(format!("{}/api/jobs/1", service.url));
    let request = match authorization {
        Some(value) => request.header(header::AUTHORIZATION, value),
        None => request,
    };
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn a_refused_login_is_told_once_with_its_peer_and_without_its_token() {
    for (authorization, reason) in [
        (None, "it has no token"),
        (Some(format!("Bearer {GUESS}")), "its token is wrong"),
        (Some(format!("Basic {GUESS}")), "its `Authorization` is not a bearer token"),
    ] {
        let place = Place::new("logins");
        let service = place.start();
        for _ in 0..5 {
            let status = guess(&service, authorization.as_deref()).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(
            service.change(Method::DELETE, "/api/jobs/1").send().await.unwrap().status(),
            404
        );
        let (_, said) = service.end(Signal::TERM);
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("refused")).collect();
        assert_eq!(lines, [format!("127.0.0.1: refused a change: {reason}")]);
        assert!(!said.contains(GUESS) && !said.contains(TOKEN), "{said}");
    }
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_others_do_not() {
    let place = Place::new("logins");
    let service = place.start();
    let mut statuses = Vec::new();
    for number in 0..30 {
        statuses.push(guess(&service, Some(&format!("Bearer {GUESS}{number}"))).await);
    }
    let refused = statuses.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count();
    assert_eq!(refused, 20, "{statuses:?}");
    // The right token is not told from a wrong one now.
    let right = service.change(Method::DELETE, "/api/jobs/1").send().await.unwrap();
    assert_eq!(right.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = right.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    // Reading goes on, and so do the changes of other addresses.
    service.json("/api/jobs").await;
    let other = reqwest::Client::builder().local_address(IpAddr::from([127, 0, 0, 2]));
    let request = other.build().unwrap().delete(format!("{}/api/jobs/1", service.url));
    assert_eq!(request.bearer_auth(TOKEN).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}
