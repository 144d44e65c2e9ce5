//! Programs that keep logins: `docker-credential-NAME get`.
//!
//! The protocol is described at <https://github.com/docker/docker-credential-helpers>: the program
//! reads the host from standard input, and prints JSON.

use std::env;
use std::time::Duration;

use foreign_text::ForeignText;
use netboot_process::Command;
use serde::Deserialize;

use crate::error::Error;
use crate::oci::failure::OciFailure;
use crate::oci::login::Login;
use crate::oci::reference::Reference;
use crate::oci::request_error::OciError;

/// The time for an answer. A helper may ask another service.
const TIME_LIMIT: Duration = Duration::from_secs(30);
const OUTPUT_LIMIT: usize = 256 * 1024;

/// The beginnings of the variables that helpers of clouds, `pass` and the desktop read.
const VARIABLES: [&str; 6] =
    ["AWS_", "AZURE_", "GOOGLE_", "DBUS_SESSION_BUS_ADDRESS", "GNUPGHOME", "PASSWORD_STORE_"];

/// The user that a helper names for an identity token.
const TOKEN_USER: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks a helper for the login of a registry. Returns `None` if it has none.
pub(super) async fn ask(name: &str, reference: &Reference) -> Result<Option<Login>, Error> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(Error::InvalidSetting {
            setting: "credential helper",
            problem: "its name has other characters than letters, digits, `.`, `_` and `-`"
                .to_owned(),
        });
    }
    let program = format!("docker-credential-{name}");
    // Docker's own registry has this name there.
    let server = match reference.registry.as_str() {
        "docker.io" => "https://index.docker.io/v1/",
        other => other,
    };
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
        let url = format!("oci://{}/{}", reference.registry, reference.name);
        let (program, server) = (program.clone(), server.to_owned());
        let failure = OciFailure::CredentialHelper { program, server };
        Error::Oci(Box::new(OciError { action: "log in to", url, failure, source }))
    };
    let mut command = Command::new(program.as_str()).arg("get");
    let is_wanted = |name: &str| VARIABLES.iter().any(|begin| name.starts_with(begin));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_wanted) {
            command = command.env_inherit(name);
        }
    }
    let run = command.time_limit(TIME_LIMIT).output_limit(OUTPUT_LIMIT);
    let finished = run.run_with_input(server.as_bytes(), std::future::pending()).await;
    let finished = finished.map_err(|error| failed(Box::new(error)))?;
    if !finished.status.success() {
        // Helpers print their errors to standard output, and a secret only if they succeed.
        let said = String::from_utf8_lossy(&finished.output).into_owned();
        if said.contains("credentials not found") {
            return Ok(None);
        }
        let said = format!("{said} {}", finished.last_lines.to_vec().join(" "));
        let said = ForeignText::line(said.trim());
        return Err(failed(format!("{}: {said}", finished.status).into()));
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(&finished.output) else {
        return Err(failed("it printed no login".into()));
    };
    Ok(Some(match answer.username.as_str() {
        TOKEN_USER => Login::IdentityToken(answer.secret),
        _ => Login::Password { user: answer.username, password: answer.secret },
    }))
}
