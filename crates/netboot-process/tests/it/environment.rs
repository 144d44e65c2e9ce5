//! The variables of children.

use std::collections::BTreeMap;
use std::future::pending;
use std::process::Stdio;

use netboot_process::Command;

/// Variables of callers that hold secrets.
const SECRETS: [&str; 8] = [
    "DEPLOYER_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "NETBOOT_SECRET_KEY_PASSWORD",
    "GITHUB_TOKEN",
    "RSYNC_PASSWORD",
    "SSH_AUTH_SOCK",
];

const CHECK: &str = "NETBOOT_TEST_CHECK_ENVIRONMENT";

/// The environment of a child, as its kernel shows it.
async fn environment(command: Command<'static>) -> BTreeMap<String, String> {
    let finished = command.args(["/proc/self/environ"]).run(pending()).await.unwrap();
    let text = String::from_utf8(finished.output).unwrap();
    let variables = text.split_terminator('\0').filter_map(|variable| variable.split_once('='));
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Not a test by itself: the other test runs this executable with secrets in its environment.
#[tokio::test]
async fn children_of_a_caller_with_secrets() {
    if std::env::var_os(CHECK).is_none() {
        return;
    }
    let inherited = environment(Command::new("cat")).await;
    assert!(inherited.values().all(|value| value != "secret"), "{inherited:?}");
    assert!(!inherited.contains_key(CHECK) && inherited.contains_key("PATH"), "{inherited:?}");
    assert_eq!((inherited["LC_MESSAGES"].as_str(), inherited["HOME"].as_str()), ("C", "/home/x"));

    let named = Command::new("cat").env_inherit("SSH_AUTH_SOCK").env_inherit("NO_SUCH_VARIABLE");
    let named = environment(named.env("OWN", "1")).await;
    assert_eq!((named["SSH_AUTH_SOCK"].as_str(), named["OWN"].as_str()), ("secret", "1"));
    assert_eq!(named.len(), inherited.len() + 2);

    let path = std::env::var("PATH").unwrap();
    let cleared = Command::new("cat").env("A", "1").env_clear().envs([("PATH", path)]);
    assert_eq!(environment(cleared).await.len(), 1);
}

#[test]
fn a_child_gets_no_secret_of_its_caller_that_it_is_not_given() {
    let caller = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "environment::children_of_a_caller_with_secrets"])
        .env(CHECK, "1")
        .envs(SECRETS.map(|name| (name, "secret")))
        .envs([("LC_MESSAGES", "C"), ("HOME", "/home/x")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(caller.status.success(), "{}", String::from_utf8_lossy(&caller.stdout));
}
