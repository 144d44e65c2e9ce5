//! No typed text changes the structure of a configuration.

use netboot_ipxe::dhcp::{
    BootFilePath, BootServer, BootUrl, ClientArchitecture, DhcpServer, DhcpSettings, InterfaceName,
    KnownMachine, TftpRoot,
};
use proptest::prelude::*;

/// Texts with characters that separate, quote, comment and expand, among letters.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-z0-9]{1,6}",
        1 => prop::sample::select(vec![
            "\n", "\r", ",", "\"", "'", "\\", "#", " #", ";", "{", "}", "$", "${x}", "/", "..", "*",
            "%", "%0a", "%22", "&&", "=", ":", "tag:x", "@", "<?include", "\0", "\u{a0}", "é", "[",
            "]", "?", "+", " ", "\t", "-", ".", "dhcp-script=/bin/sh", "\\n",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// The structure of a file: the number of lines, and of characters that open, close, separate and
/// quote.
fn form(server: DhcpServer, configuration: &str) -> Vec<usize> {
    let counted: &[char] = match server {
        DhcpServer::Dnsmasq => &['\n', ',', '"', '#', '*'],
        DhcpServer::Kea => &['\n', '{', '}', '"', '\\', '<'],
        _ => &['\n', '{', '}', ';', '"', '\\', '#'],
    };
    counted.iter().map(|counted| configuration.matches(*counted).count()).collect()
}

fn settings(
    interface: InterfaceName,
    path: BootFilePath,
    root: TftpRoot,
    urls: [BootUrl; 3],
) -> DhcpSettings {
    let [script, own_script, mut directory] = urls;
    if directory.as_str().contains('?') {
        (.., directory) = plain();
    }
    // Firmware that boots by HTTP takes no other names.
    let path = BootFilePath::new(format!("{path}.efi")).unwrap_or(path);
    let server = BootServer::new("10.77.0.1".parse().unwrap(), script)
        .unwrap()
        .with_boot_file(ClientArchitecture::EfiX64, path)
        .unwrap()
        .with_tftp_root(root)
        .unwrap()
        .with_http_boot(directory)
        .unwrap();
    let known = KnownMachine::new("52:54:00:00:00:02").unwrap().with_script(own_script).unwrap();
    DhcpSettings::builder(interface, "10.77.0.0/24".parse().unwrap(), server)
        .unwrap()
        .leases("10.77.0.100".parse().unwrap(), "10.77.0.199".parse().unwrap())
        .machine(known)
        .build()
        .unwrap()
}

fn plain() -> (InterfaceName, BootFilePath, TftpRoot, BootUrl) {
    (
        "eth0".parse().unwrap(),
        "ipxe.efi".parse().unwrap(),
        "/srv".parse().unwrap(),
        "http://10.77.0.1/x".parse().unwrap(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_value_changes_the_form_of_a_configuration(
        interface in hostile(),
        path in hostile(),
        root in hostile(),
        url in hostile(),
    ) {
        // Most texts are refused. An accepted text replaces a harmless value in the file.
        let (eth0, ipxe, srv, harmless) = plain();
        let interface = interface.parse().unwrap_or(eth0);
        let path = path.parse().unwrap_or(ipxe);
        let root = format!("/{root}").parse().unwrap_or(srv);
        let url: BootUrl = format!("http://10.77.0.1/{url}")
            .parse()
            .ok()
            .filter(|url: &BootUrl| url.as_str().len() < 90)
            .unwrap_or(harmless);
        let hostile = settings(interface, path, root, [url.clone(), url.clone(), url]);
        let (eth0, ipxe, srv, harmless) = plain();
        let urls = [harmless.clone(), harmless.clone(), harmless];
        let plain = settings(eth0, ipxe, srv, urls);
        for server in DhcpServer::ALL {
            let configuration = hostile.configuration(server).unwrap();
            let expected = form(server, &plain.configuration(server).unwrap());
            prop_assert_eq!(form(server, &configuration), expected, "{}", configuration);
        }
    }
}
