//! The configurations of DHCP servers: their text, and that each server can read its own.

mod checkers;
mod golden;
mod hints;
mod injection;
mod settings;

use netboot_ipxe::dhcp::{
    BootServer, ClientArchitecture, DhcpSettings, DhcpSettingsBuilder, KnownMachine,
};

/// A server with every setting.
fn boot_server() -> BootServer {
    BootServer::new("10.77.0.1".parse().unwrap(), "http://10.77.0.1/boot.ipxe")
        .unwrap()
        .with_tftp_root("/srv/tftp")
        .unwrap()
        .with_http_boot("http://10.77.0.1/ipxe")
        .unwrap()
        .with_boot_file(ClientArchitecture::EfiIa32, "ipxe-i386.efi")
        .unwrap()
        .with_boot_file(ClientArchitecture::EfiArm64, "arm64/ipxe.efi")
        .unwrap()
}

fn builder() -> DhcpSettingsBuilder {
    builder_with(boot_server())
}

fn builder_with(server: BootServer) -> DhcpSettingsBuilder {
    DhcpSettings::builder("lo", "10.77.0.0/24".parse().unwrap(), server)
        .unwrap()
        .router("10.77.0.254".parse().unwrap())
        .name_server("10.77.0.2".parse().unwrap())
        .name_server("9.9.9.9".parse().unwrap())
        .machine(KnownMachine::new("52:54:00:00:00:01").unwrap())
        .machine(
            KnownMachine::new("52:54:00:00:00:02")
                .unwrap()
                .with_address("10.77.0.20".parse().unwrap())
                .with_script("http://10.77.0.1/machines/two.ipxe")
                .unwrap(),
        )
}

fn leasing(builder: DhcpSettingsBuilder) -> DhcpSettingsBuilder {
    builder.leases("10.77.0.100".parse().unwrap(), "10.77.0.199".parse().unwrap())
}
