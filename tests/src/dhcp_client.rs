//! A DHCP client that asks like a machine's firmware or iPXE.

use std::net::Ipv4Addr;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use dhcproto::v4::{DhcpOption, Flags, Message, MessageType, OptionCode, UnknownOption};
use dhcproto::{Decodable, Decoder, Encodable, Encoder};
use etherparse::{PacketBuilder, SlicedPacket, TransportSlice};
use netboot_qemu::{MacAddress, NetworkLink};

use crate::{BootNetwork, Plug};

/// The time to wait for an offer before the client asks again. Most servers answer within
/// milliseconds. Kea and dhcpd first check that the address is free, which takes dhcpd a second.
const OFFER_TIME: Duration = Duration::from_millis(2500);
/// The number of times that a client asks. A busy server may be late with its first answer.
const ATTEMPTS: usize = 4;

/// A machine that asks for an address and a boot file, and uses neither.
#[derive(Debug)]
pub struct DhcpClient {
    socket: UnixDatagram,
    plug: Plug,
    mac: MacAddress,
}

/// An offer of a DHCP server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offer {
    /// The address; zeros from a proxy.
    pub address: Option<Ipv4Addr>,
    /// The server of the boot file, if that is not a URL.
    pub next_server: Option<Ipv4Addr>,
    /// The boot file's name or URL.
    pub boot_file: Option<String>,
    /// The vendor class in the server's answer.
    pub vendor_class: Option<String>,
}

impl DhcpClient {
    /// A machine on a network.
    pub fn new(network: &BootNetwork, mac: &str) -> Self {
        let plug = network.plug();
        let NetworkLink::Sockets { local, .. } = plug.link() else {
            unreachable!("plugs are sockets")
        };
        let socket = UnixDatagram::bind(local).unwrap();
        Self { socket, plug, mac: mac.parse().unwrap() }
    }

    /// Asks like firmware of an architecture (option 93) that boots by TFTP (`PXEClient`) or by
    /// HTTP (`HTTPClient`).
    pub fn ask_as_firmware(&self, architecture: u16, vendor_class: &str) -> Option<Offer> {
        self.ask(architecture, vendor_class, &[])
    }

    /// Asks like the iPXE of an architecture, with its user class and option 175.
    pub fn ask_as_ipxe(&self, architecture: u16) -> Option<Offer> {
        let encapsulated = UnknownOption::new(OptionCode::from(175), vec![0xb1, 1, 0]);
        let user_class = DhcpOption::UserClass(b"iPXE".to_vec());
        let options = [user_class, DhcpOption::Unknown(encapsulated)];
        self.ask(architecture, "PXEClient", &options)
    }

    /// Asks like an iPXE with another user class.
    pub fn ask_as_ipxe_of_class(&self, architecture: u16, user_class: &str) -> Option<Offer> {
        let encapsulated = UnknownOption::new(OptionCode::from(175), vec![0xb1, 1, 0]);
        let user_class = DhcpOption::UserClass(user_class.as_bytes().to_vec());
        let options = [user_class, DhcpOption::Unknown(encapsulated)];
        self.ask(architecture, "PXEClient", &options)
    }

    fn ask(&self, architecture: u16, class: &str, more: &[DhcpOption]) -> Option<Offer> {
        let transaction = 0x6e62_0000 | u32::from(architecture);
        let mut discover = Message::default();
        discover
            .set_xid(transaction)
            .set_flags(Flags::default().set_broadcast())
            .set_chaddr(&self.mac.octets());
        let class = format!("{class}:Arch:{architecture:05}:UNDI:003000");
        let wanted = [
            OptionCode::SubnetMask,
            OptionCode::Router,
            OptionCode::ClassIdentifier,
            OptionCode::TFTPServerName,
            OptionCode::BootfileName,
        ];
        let options = discover.opts_mut();
        options.insert(DhcpOption::MessageType(MessageType::Discover));
        options.insert(DhcpOption::ParameterRequestList(wanted.to_vec()));
        options.insert(DhcpOption::ClientSystemArchitecture(architecture.into()));
        options.insert(DhcpOption::ClassIdentifier(class.into_bytes()));
        for option in more {
            options.insert(option.clone());
        }
        let mut payload = Vec::new();
        discover.encode(&mut Encoder::new(&mut payload)).unwrap();

        let frame = PacketBuilder::ethernet2(self.mac.octets(), [0xff; 6])
            .ipv4([0; 4], [255; 4], 64)
            .udp(68, 67);
        let mut bytes = Vec::new();
        frame.write(&mut bytes, &payload).unwrap();
        let NetworkLink::Sockets { remote, .. } = self.plug.link() else {
            unreachable!("plugs are sockets")
        };
        (0..ATTEMPTS).find_map(|_| {
            // The far end of the plug may be starting again.
            let _ = self.socket.send_to(&bytes, remote);
            self.wait_for_offer(transaction)
        })
    }

    fn wait_for_offer(&self, transaction: u32) -> Option<Offer> {
        let end = Instant::now() + OFFER_TIME;
        let mut buffer = vec![0; 2048];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.socket.set_read_timeout(Some(left)).unwrap();
            let Ok(length) = self.socket.recv(&mut buffer) else { return None };
            if let Some(message) = answer(&buffer[..length])
                && message.xid() == transaction
                && message.opts().has_msg_type(MessageType::Offer)
            {
                return Some(Offer::read(&message));
            }
        }
    }
}

impl Offer {
    fn read(message: &Message) -> Self {
        let text = |code| match message.opts().get(code)? {
            DhcpOption::BootfileName(bytes) | DhcpOption::ClassIdentifier(bytes) => {
                Some(String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned())
            }
            _ => None,
        };
        let in_field = message.fname_str().and_then(Result::ok).map(str::to_owned);
        let address = |address: Ipv4Addr| (!address.is_unspecified()).then_some(address);
        Self {
            address: address(message.yiaddr()),
            next_server: address(message.siaddr()),
            boot_file: text(OptionCode::BootfileName)
                .or(in_field)
                .map(|name| name.trim_end_matches('\0').to_owned())
                .filter(|name| !name.is_empty()),
            vendor_class: text(OptionCode::ClassIdentifier),
        }
    }
}

/// The DHCP message in a frame to a client.
fn answer(frame: &[u8]) -> Option<Message> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    match packet.transport? {
        TransportSlice::Udp(udp) if udp.destination_port() == 68 => {
            Message::decode(&mut Decoder::new(udp.payload())).ok()
        }
        _ => None,
    }
}
