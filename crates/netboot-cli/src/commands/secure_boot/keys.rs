//! `netboot secure-boot keys`: keys for a laboratory.

use std::path::PathBuf;
use std::time::SystemTime;

use netboot_core::{Error, Report, blocking};
use netboot_uki::{SecureBootVariable, TestKeys};
use serde_json::{Map, json};

use crate::answer::Answer;
use crate::published_target::until_cancelled;
use crate::session::Session;

/// The extensions of the files of each key, with the private one first.
const EXTENSIONS: [&str; 4] = ["key", "crt", "esl", "auth"];

/// The description of the answer.
const ANSWER: &str = "\
Writes four files for each of PK, KEK and db: the private key (.key), which only
its owner can read, the certificate (.crt), the value of the firmware's variable
(.esl), and this value signed by the key that may set it (.auth). Sign with
db.key and db.crt. Keep PK.key and KEK.key offline.

Prints the paths of the files.

With --json:
  files         the paths of the files
  owner         the owner of the entries in the variables, a UUID
  certificates  the SHA-256 digests of the certificates, by variable";

#[derive(Debug, clap::Args)]
#[command(after_long_help = ANSWER)]
pub(super) struct Arguments {
    /// The directory to write to. It is created if it does not exist. No file is replaced.
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// The name of the owner, which begins the name of each certificate.
    #[arg(long, value_name = "NAME", default_value = "netboot")]
    name: String,
}

impl Arguments {
    /// Makes the keys.
    pub(super) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let name = self.name;
        let making = blocking(move || TestKeys::generate(&name, SystemTime::now()));
        let keys = until_cancelled(session, making).await?;
        let directory = &self.directory;
        std::fs::create_dir_all(directory)
            .map_err(|source| Error::io("create", directory, source))?;
        keys.write(directory, &session.context).await?;
        let mut files = Vec::new();
        let mut certificates = Map::new();
        for variable in SecureBootVariable::ALL.into_iter().rev() {
            let names = EXTENSIONS.map(|extension| format!("{variable}.{extension}"));
            files.extend(names.map(|name| directory.join(name).display().to_string()));
            let digest = keys.certificate(variable).sha256();
            certificates.insert(variable.to_string(), json!(digest));
        }
        let object = json!({ "files": files, "owner": keys.owner(), "certificates": certificates });
        Ok(Answer::new(files.join("\n"), object))
    }
}
