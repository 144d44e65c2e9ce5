//! The commands that the page shows, which submit a job from a shell.

use axum::http::{HeaderMap, HeaderValue, header};
use url::Url;

use crate::jobs::JobRequest;

/// The command that submits a job with `curl`. The variable `TOKEN` of the shell has the token.
pub(super) fn submit_command(base: &Url, request: &JobRequest) -> Option<String> {
    let body = serde_json::to_string(request).ok()?;
    let url = format!("{base}api/jobs");
    let (body, url) = (shlex::try_quote(&body).ok()?, shlex::try_quote(&url).ok()?);
    Some(format!(
        "curl --fail-with-body -H \"Authorization: Bearer $TOKEN\" \
         -H 'Content-Type: application/json' -d {body} {url}"
    ))
}

/// The URL under which this client reaches the service; it ends in `/`. It is the service's own
/// URL if the client asked for that, for example through a proxy.
pub(super) fn base_url(headers: &HeaderMap, own: &Url) -> Url {
    let host = headers.get(header::HOST).map(HeaderValue::to_str);
    let Some(Ok(host)) = host else { return own.clone() };
    let place = |url: &Url| Some((url.host()?.to_owned(), url.port()));
    let with_own_scheme = Url::parse(&format!("{}://{host}/", own.scheme()));
    if with_own_scheme.is_ok_and(|url| place(&url) == place(own)) {
        return own.clone();
    }
    Url::parse(&format!("http://{host}/")).unwrap_or_else(|_| own.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_goes_where_the_page_came_from() {
        let base = |host: &str, own: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            base_url(&headers, &own.parse().unwrap()).to_string()
        };
        let proxied = "https://boot.example.org/deployer/";
        for host in ["boot.example.org", "BOOT.example.org:443"] {
            assert_eq!(base(host, proxied), proxied);
        }
        assert_eq!(base("127.0.0.1:8080", proxied), "http://127.0.0.1:8080/");
        assert_eq!(base("[fd00::1]:8080", "http://10.0.0.1/"), "http://[fd00::1]:8080/");
        assert_eq!(base("not a host", proxied), proxied);
        assert_eq!(base_url(&HeaderMap::new(), &proxied.parse().unwrap()).as_str(), proxied);
    }

    #[test]
    fn a_shell_reads_the_command_as_it_is_meant() {
        let request = JobRequest::Deploy { profiles: vec!["worker".parse().unwrap()], prove: true };
        let command = submit_command(&"http://h:1/$(id)/".parse().unwrap(), &request).unwrap();
        let words = shlex::split(&command).unwrap();
        let body = r#"{"kind":"deploy","profiles":["worker"],"prove":true}"#;
        assert_eq!(words[6..], ["-d", body, "http://h:1/$(id)/api/jobs"]);
    }
}
