//! The configuration file for ssh. The user's configuration cannot change its options.

use std::fmt::Write;

use super::settings::{Settings, seconds};
use super::target::SSH_PORT;

/// The file name of the socket of a shared connection, or of a link to it.
pub(super) const CONTROL: &str = "control";
/// The file name of the private key that ssh offers.
pub(super) const IDENTITY: &str = "identity";
/// The file name of the known host keys.
pub(super) const KNOWN_HOSTS: &str = "known_hosts";

/// The configuration, followed by the user's. If an option is set twice, ssh uses the first value.
/// `identity` and `known_hosts` are files in the private directory that ssh runs in.
pub(super) fn text(
    settings: &Settings,
    identity: Option<&str>,
    known_hosts: Option<&str>,
    user_config: &str,
) -> String {
    let mut text = String::from(
        "# Never ask, never trust an unknown host, never outlive the store.\n\
         BatchMode yes\n\
         StrictHostKeyChecking yes\n\
         UpdateHostKeys no\n\
         CheckHostIP no\n\
         ControlMaster no\n\
         ControlPersist no\n\
         ClearAllForwardings yes\n\
         ForwardAgent no\n\
         ForwardX11 no\n\
         PermitLocalCommand no\n\
         RequestTTY no\n\
         ServerAliveInterval 15\n\
         ServerAliveCountMax 4\n",
    );
    let mut set = |name: &str, value: &dyn std::fmt::Display| {
        let _ = writeln!(text, "{name} {value}");
    };
    // If the socket does not exist, ssh opens its own connection.
    set("ControlPath", &CONTROL);
    set("ConnectTimeout", &seconds(settings.connect_timeout));
    if settings.target.port() != SSH_PORT {
        set("Port", &settings.target.port());
    }
    if let Some(identity) = identity {
        set("IdentityFile", &identity);
        set("IdentitiesOnly", &"yes");
    }
    if let Some(known_hosts) = known_hosts {
        set("UserKnownHostsFile", &known_hosts);
        set("GlobalKnownHostsFile", &"/dev/null");
    }
    text.push_str(user_config);
    text
}

/// The content of a `known_hosts` file with these keys of one host.
pub(super) fn known_hosts(host: &str, port: u16, keys: &[String]) -> String {
    let host = if port == SSH_PORT { host.to_owned() } else { format!("[{host}]:{port}") };
    keys.iter().fold(String::new(), |text, key| text + &host + " " + key + "\n")
}
