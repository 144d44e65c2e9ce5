//! The configuration of closures, and the scripts that follow from it.

use ipxe_script::{IpxeBuild, lint};
use netboot_testbed::Testbed;

use crate::closure_site::{CARD, ClosureSite};

/// A section with the real program, and these mirrors.
fn section(mirrors: &str) -> String {
    let program = Testbed::stage1_program();
    format!("[closure-boot]\nprogram = '{}'\nmirrors = {mirrors}\n", program.display())
}

#[tokio::test]
async fn machines_get_this_service_and_its_mirrors_as_sources() {
    let mirrors = "['http://192.0.2.7/nixos', 'http://192.0.2.8:81/']";
    let site = ClosureSite::new(&[100], &section(mirrors)).await;
    let service = site.place.start();
    let answer = service.get(&format!("/boot?mac={CARD}")).send().await.unwrap();
    let script = answer.text().await.unwrap();
    let sources: Vec<&str> =
        script.split_whitespace().filter_map(|word| word.strip_prefix("netboot.from=")).collect();
    let own = format!("{}/published", service.url);
    let of_mirrors = ["http://192.0.2.7/nixos", "http://192.0.2.8:81/"];
    let sources: Vec<&str> = sources.iter().map(|url| url.trim_end_matches('/')).collect();
    assert_eq!(
        sources,
        [own.as_str(), of_mirrors[0], of_mirrors[1].trim_end_matches('/')],
        "{script}"
    );
    let findings = lint(&script, &IpxeBuild::default());
    assert!(findings.is_empty(), "{findings:?} in {script}");
}

#[tokio::test]
async fn what_no_closure_could_boot_from_is_refused() {
    let site = ClosureSite::new(&[100], "").await;
    let profile = "[[profiles]]\nname = 'worker'\npayload = 'closure'\n";
    for (more, expected) in [
        (profile.to_owned(), "the profile `worker` needs it"),
        ("[closure-boot]\n".to_owned(), "it needs either program or source"),
        ("[closure-boot]\nprogram = '/absent'\n".to_owned(), "/absent"),
        ("[closure-boot]\nprogram = '/etc/passwd'\n".to_owned(), "not an executable file"),
        (section("['https://192.0.2.7/']"), "stage 1 cannot fetch from the URL of `192.0.2.7`"),
        (section("['http://a:s3cret@192.0.2.7/']"), "stage 1 cannot fetch"),
        (section("['http://192.0.2.7/?x']"), "stage 1 cannot fetch"),
        (format!("{}network-drivers = ['a b']\n", section("[]")), "kernel module"),
    ] {
        site.place.write_configuration(&format!("{}{more}", site.configuration()));
        let output = site.place.command().arg("--check").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(expected), "{more}: {said}");
        assert!(said.contains("what to do: ") && !said.contains("s3cret"), "{said}");
    }
    site.place.write_configuration(&format!("{}{profile}{}", site.configuration(), section("[]")));
    assert!(site.place.command().arg("--check").status().unwrap().success());
}
