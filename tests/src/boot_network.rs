//! An isolated network in which machines boot, with real DHCP, TFTP and HTTP servers.

use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use netboot_qemu::NetworkLink;
use netboot_testbed::{DebianTree, PATIENCE, Testbed, tool};
use tempfile::TempDir;

use crate::namespace::{Namespace, Process, Server};

/// A bridge in a namespace. Servers listen on it at [`ADDRESS`](Self::ADDRESS), and machines are
/// plugged into it. It needs no privileges and no access to `/dev/net/tun`.
#[derive(Debug)]
pub struct BootNetwork {
    directory: TempDir,
    namespace: Namespace,
    plugs: AtomicU32,
}

impl BootNetwork {
    /// The servers' address.
    pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
    /// The address of a second host.
    pub const SECOND_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 3);
    /// The interface that the servers listen on.
    pub const INTERFACE: &str = "lan";

    /// Creates an empty network.
    pub fn new() -> Self {
        // Packet sockets need frames with complete checksums. The bridge sends no queries for
        // groups, because socat ends if a frame arrives before the machine.
        let namespace = Namespace::new(&format!(
            "ip link set lo up
             ip link add lan type bridge mcast_snooping 0
             ip link set lan addrgenmode none
             ip address add {}/24 dev lan
             ip link set lan up
             ethtool --offload lan tx off >/dev/null",
            Self::ADDRESS
        ));
        Self { directory: TempDir::new().unwrap(), namespace, plugs: AtomicU32::new(0) }
    }

    /// A directory for the files of the network's servers.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The namespace in which the servers run.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Adds another host to the network, with an interface of the same name.
    pub fn second_host(&self) -> Namespace {
        let host = self.namespace.neighbour("ip link set lo up");
        self.namespace.run(&format!(
            "ip link add second type veth peer name lan netns {}
             ip link set second addrgenmode none master lan
             ip link set second up",
            host.id()
        ));
        host.run(&format!(
            "ip link set lan addrgenmode none
             ip address add {}/24 dev lan
             ip link set lan up
             ethtool --offload lan tx off >/dev/null",
            Self::SECOND_ADDRESS
        ));
        host
    }

    /// Starts dnsmasq in `host`.
    pub fn start_dnsmasq(&self, host: &Namespace, configuration: &str) -> Server {
        let file = self.write("dnsmasq.conf", configuration);
        let leases = format!("--dhcp-leasefile={}", self.path("dnsmasq.leases"));
        let file = format!("--conf-file={file}");
        // In debug mode dnsmasq keeps its user, because the namespace has no other. Without a ping
        // it offers an address at once.
        let arguments = ["--no-daemon", "--log-dhcp", "--no-ping", &file, &leases];
        let log = self.directory().join("dnsmasq.log");
        host.serve(&tool("dnsmasq"), &arguments, &[], &log, "dnsmasq-dhcp: ")
    }

    /// Starts Kea's server for IPv4 in `host`, with leases in memory.
    pub fn start_kea(&self, host: &Namespace, configuration: &str) -> Server {
        // Leases on disk would need another installed program.
        let begin = "{\n  \"Dhcp4\": {";
        let database = r#""lease-database": { "type": "memfile", "persist": false },"#;
        assert!(configuration.starts_with(begin), "{configuration}");
        let configuration = configuration.replacen(begin, &format!("{begin}{database}"), 1);
        let file = self.write("kea.conf", &configuration);
        let directory = self.directory();
        let environment = [("KEA_PIDFILE_DIR", directory), ("KEA_LOCKFILE_DIR", directory)];
        let program = DebianTree::DHCP_SERVERS.program("kea-dhcp4");
        let log = directory.join("kea.log");
        host.serve(&program, &["-c", &file], &environment, &log, "DHCP4_STARTED")
    }

    /// Starts ISC's dhcpd in `host`.
    pub fn start_dhcpd(&self, host: &Namespace, configuration: &str) -> Server {
        let file = self.write("dhcpd.conf", configuration);
        let leases = self.write("dhcpd.leases", "");
        let arguments = ["-4", "-f", "-d", "-cf", &file, "-lf", &leases, "--no-pid", "lan"];
        let program = DebianTree::DHCP_SERVERS.program("dhcpd");
        let log = self.directory().join("dhcpd.log");
        host.serve(&program, &arguments, &[], &log, "Server starting service.")
    }

    /// Serves a directory by HTTP at port 80 with busybox's server.
    pub fn serve_directory(&self, directory: &Path) -> Server {
        let address = format!("{}:80", Self::ADDRESS);
        let home = directory.display().to_string();
        let arguments = ["httpd", "-f", "-vv", "-p", &address, "-h", &home];
        let log = self.directory().join("http.log");
        let busybox = Testbed::locate().busybox().to_owned();
        let mut server = self.namespace.serve(&busybox, &arguments, &[], &log, "");
        server.wait_for_port(80);
        server
    }

    /// Adds a plug for a machine.
    pub fn plug(&self) -> Plug {
        let number = self.plugs.fetch_add(1, Ordering::Relaxed);
        self.namespace.run(&format!(
            "ip link add plug{number} type veth peer name wire{number}
             ip link set plug{number} addrgenmode none master lan
             ip link set wire{number} addrgenmode none
             ip link set plug{number} up
             ip link set wire{number} up"
        ));
        let (machine, wire) = (format!("machine{number}"), format!("wire{number}"));
        let (machine, wire_socket) = (self.directory().join(machine), self.path(&wire));
        // Socket type 3 is SOCK_RAW: whole frames.
        let interface = format!("INTERFACE:{wire},type=3");
        let unix = format!("UNIX-SENDTO:{},bind={wire_socket}", machine.display());
        // A frame that arrives before the machine ends socat and removes its socket; so start it
        // again.
        let again = format!(
            "while :; do setpriv --pdeathsig KILL -- \"$0\" '{interface}' '{unix}'; sleep 0.02; done"
        );
        let socat = tool("socat").display().to_string();
        let shell = Path::new("/bin/sh");
        let process = Process::start(self.namespace.enter(), shell, &["-c", &again, &socat]);
        let link = NetworkLink::Sockets { local: machine, remote: wire_socket.into() };
        let plug = Plug { link, _process: process };
        plug.wait();
        plug
    }

    fn path(&self, name: &str) -> String {
        self.directory().join(name).display().to_string()
    }

    /// Writes a file that a server of another user can read, and returns its path.
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.directory().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        path.display().to_string()
    }
}

impl Default for BootNetwork {
    fn default() -> Self {
        Self::new()
    }
}

/// A plug for a machine on a [`BootNetwork`].
#[derive(Debug)]
pub struct Plug {
    link: NetworkLink,
    _process: Process,
}

impl Plug {
    /// The network for a virtual machine's builder.
    pub fn link(&self) -> &NetworkLink {
        &self.link
    }

    fn wait(&self) {
        let NetworkLink::Sockets { remote, .. } = &self.link else { return };
        let started = std::time::Instant::now();
        while !remote.exists() {
            assert!(started.elapsed() < PATIENCE, "socat does not start");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}
