//! What ssh is told, in a file: options that no user's configuration can change.

use std::fmt::Write;

use super::settings::{Settings, seconds};
use super::target::SSH_PORT;

/// The socket of a shared connection, or a link to it.
pub(super) const CONTROL: &str = "control";
/// The private key that ssh offers.
pub(super) const IDENTITY: &str = "identity";
/// The keys that hosts are known by.
pub(super) const KNOWN_HOSTS: &str = "known_hosts";

/// The configuration, and behind it that of the user. `identity` and `known_hosts` are files of
/// the store's own private directory; ssh runs in it. Of what is set twice, ssh takes the first.
pub(super) fn text(
    settings: &Settings,
    identity: Option<&str>,
    known_hosts: Option<&str>,
    user_config: &str,
) -> String {
    let mut text = String::from(
        "# Nothing is asked, nobody is trusted unseen, nothing outlives the store.\n\
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
    // Where there is no such socket, ssh connects by itself.
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

/// A file of known hosts with these keys of one host.
pub(super) fn known_hosts(host: &str, port: u16, keys: &[String]) -> String {
    let host = if port == SSH_PORT { host.to_owned() } else { format!("[{host}]:{port}") };
    keys.iter().fold(String::new(), |text, key| text + &host + " " + key + "\n")
}
