//! `GET /`: the page for operators: the live release, the machines, the jobs and the history. It is
//! one document without external files. Its script updates it in place; without scripts it reloads
//! itself. `?q=` shows only the machines that contain these words.

mod age;
mod job_row;
mod machine_row;
mod release_row;
mod repeat_command;
mod store_row;
mod view;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tera::{Context, Kwargs, State as TeraState, Tera};

use self::age::ago;
use self::repeat_command::base_url;
use self::view::View;
use crate::api_error::ApiError;
use crate::app::App;
use crate::timestamp::Timestamp;

/// Tera escapes every value, because the names of the templates end in `.html`.
const PAGE: &str = "page.html";
const TEMPLATES: [(&str, &str); 4] = [
    ("job.html", include_str!("status_page/job.html")),
    ("machine.html", include_str!("status_page/machine.html")),
    ("release.html", include_str!("status_page/release.html")),
    (PAGE, include_str!("status_page/page.html")),
];
const SCRIPT: &str = include_str!("status_page/page.js");
const STYLE: &str = include_str!("status_page/page.css");

static TERA: LazyLock<Result<Tera, tera::Error>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    let to_age = |time: &str, _: Kwargs, _: &TeraState<'_>| {
        let time = Timestamp::try_from(time.to_owned());
        time.map(|time| ago(time.age())).unwrap_or_default()
    };
    tera.register_filter("ago", to_age);
    tera.add_raw_templates(TEMPLATES)?;
    Ok(tera)
});

/// Allows only the script and the style of the page, by their digests, and requests to this
/// service. Text that a machine sent cannot load or run anything, even if it were not escaped.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let [script, style] = [SCRIPT, STYLE].map(|text| STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// The query of the page. Anything else in it is ignored.
#[derive(Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    q: String,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/", get(page))
}

async fn page(
    State(app): State<Arc<App>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let words = wanted.map(|Query(wanted)| wanted.q).unwrap_or_default();
    let view = View::of(&app, &words, &base_url(&headers, &app.deployment.url)).await;
    let tag = tag(&view);
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::ETAG, tag.as_str()),
    ];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    match render(&view) {
        Ok(text) => (fixed, Html(text)).into_response(),
        Err(error) => {
            ApiError::of(StatusCode::INTERNAL_SERVER_ERROR, &*error, None).into_response()
        }
    }
}

/// The entity tag of the page. It is weak, because ages are not part of it: they change by
/// themselves, and the script of the page counts them.
fn tag(view: &View) -> String {
    let json = serde_json::to_vec(view).unwrap_or_default();
    format!("W/\"{}\"", STANDARD.encode(Sha256::digest(json)))
}

fn render(view: &View) -> Result<String, Box<dyn std::error::Error>> {
    let tera = TERA.as_ref().map_err(ToString::to_string)?;
    let mut context = Context::new();
    context.insert("view", view);
    context.insert("now", &Timestamp::now());
    context.insert("script", SCRIPT);
    context.insert("style", STYLE);
    Ok(tera.render(PAGE, &context)?)
}

#[cfg(test)]
mod tests {
    use super::job_row::{JobProblem, JobRow};
    use super::machine_row::MachineRow;
    use super::release_row::ReleaseRow;
    use super::store_row::StoreRow;
    use super::*;

    const EVIL: &str = "<script>alert(1)</script>\"'& onload=";

    #[test]
    fn text_from_outside_is_escaped() {
        let evil = || EVIL.to_owned();
        let machine = || MachineRow {
            name: evil(),
            profile: Some(evil()),
            matches: vec![evil()],
            labels: vec![evil()],
            search: evil(),
            reason: Some(evil()),
            store: Some(StoreRow {
                notes: vec![evil()],
                failure: Some(evil()),
                ..StoreRow::default()
            }),
            ..MachineRow::default()
        };
        let problem = JobProblem { profile: Some(evil()), error: evil(), hint: Some(evil()) };
        let job = JobRow {
            id: evil(),
            kind: evil(),
            state: evil(),
            problems: vec![problem],
            repeat: Some(evil()),
            when: Some(Timestamp::now()),
            ..JobRow::default()
        };
        let release = ReleaseRow {
            id: evil(),
            short: evil(),
            kind: evil(),
            rollback: Some(evil()),
            when: Some(Timestamp::now()),
            ..ReleaseRow::default()
        };
        let succeeded =
            JobRow { summary: Some(evil()), when: Some(Timestamp::now()), ..JobRow::default() };
        let view = View {
            flake: evil(),
            releases: vec![release],
            profiles: vec![evil()],
            error: Some(evil()),
            problems: vec![evil()],
            jobs: vec![job, succeeded],
            machines: vec![machine()],
            strangers: vec![machine()],
            policy: evil(),
            words: evil(),
            ..View::default()
        };
        let page = render(&view).unwrap();
        // The page has one script of its own, and one style.
        assert_eq!((page.matches("<script").count(), page.matches("<style").count()), (1, 1));
        let page = page.replace(SCRIPT, "").replace(STYLE, "");
        assert!(!page.contains("alert(1)<") && !page.contains("\"'&"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), page.matches("onload=").count());
        assert!(page.matches("&lt;script&gt;").count() >= 40, "{page}");
    }

    #[test]
    fn an_empty_service_says_what_to_do() {
        let page = render(&View::default()).unwrap();
        for text in ["No release is live", "No machine is configured", "No job yet"] {
            assert!(page.contains(text), "{page}");
        }
    }

    #[test]
    fn the_script_and_the_style_are_in_the_page_as_the_policy_has_them() {
        let page = render(&View::default()).unwrap();
        for (tag, text) in [("script", SCRIPT), ("style", STYLE)] {
            assert!(page.contains(&format!("<{tag}>{text}</{tag}>")), "{page}");
            assert!(!text.contains("</"), "{tag}");
            let digest = STANDARD.encode(Sha256::digest(text));
            assert!(POLICY.contains(&format!("{tag}-src 'sha256-{digest}';")), "{}", *POLICY);
        }
    }
}
