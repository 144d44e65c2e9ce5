//! `GET /`: the page for operators: the live release, the jobs, and how far each machine came. It
//! is one document without scripts and without external files, and it reloads itself.

mod store_row;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tera::{Context, Tera};

use self::view::View;
use crate::api_error::ApiError;
use crate::app::App;

/// Tera escapes every value, because the names of the templates end in `.html`.
const PAGE: &str = "page.html";
const TEMPLATES: [(&str, &str); 2] = [
    ("machine.html", include_str!("status_page/machine.html")),
    (PAGE, include_str!("status_page/page.html")),
];

/// Allows only the page's own style. Text that a machine sent cannot load or run anything, even if
/// it were not escaped.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/", get(page))
}

async fn page(State(app): State<Arc<App>>) -> Response {
    match render(&View::of(&app).await) {
        Ok(text) => {
            let headers =
                [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-store")];
            (headers, Html(text)).into_response()
        }
        Err(error) => ApiError::of(StatusCode::INTERNAL_SERVER_ERROR, &error, None).into_response(),
    }
}

fn render(view: &View) -> Result<String, tera::Error> {
    let mut templates = Tera::default();
    templates.add_raw_templates(TEMPLATES)?;
    let mut context = Context::new();
    context.insert("view", view);
    templates.render(PAGE, &context)
}

#[cfg(test)]
mod tests {
    use super::store_row::StoreRow;
    use super::view::{MachineRow, View};
    use super::*;

    #[test]
    fn text_from_outside_is_escaped() {
        let evil = "<script>alert(1)</script>\"'&";
        let mut row = MachineRow::default();
        (row.name, row.reason) = (evil.to_owned(), Some(evil.to_owned()));
        let mut store = StoreRow::default();
        (store.notes, store.failure) = (vec![evil.to_owned()], Some(evil.to_owned()));
        row.store = Some(store);
        let mut view = View::default();
        (view.strangers, view.error) = (vec![row], Some(evil.to_owned()));
        let page = render(&view).unwrap();
        assert!(!page.contains("<script") && !page.contains("alert(1)<"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), 5, "{page}");
    }

    #[test]
    fn an_empty_service_says_what_to_do() {
        let page = render(&View::default()).unwrap();
        for text in ["No release is live", "No machine is configured", "No job yet"] {
            assert!(page.contains(text), "{page}");
        }
    }
}
