//! The server from which machines get iPXE and their script.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use netboot_core::{Architecture, layout};

use crate::dhcp::boot_file_path::BootFilePath;
use crate::dhcp::boot_url::BootUrl;
use crate::dhcp::boot_url::is_of_another_host;
use crate::dhcp::client_architecture::ClientArchitecture;
use crate::dhcp::problem::{DhcpProblem, DhcpSetting};
use crate::dhcp::tftp_root::TftpRoot;
use crate::error::Error;

/// The way a DHCP server recognizes iPXE, which gets the script. Firmware gets iPXE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum IpxeSign {
    /// By option 77, the user class `iPXE` (iPXE's `src/net/udp/dhcp.c`), alone or with its length
    /// before it, as RFC 3004 has it. An iPXE with another class, from its build or
    /// `set user-class`, gets the boot file instead of the script.
    #[default]
    UserClass,
    /// By option 175, which iPXE sends with any user class.
    EncapsulatedOptions,
}

/// The server of boot files and scripts: machines get iPXE by TFTP or HTTP, and then the script.
///
/// ```
/// use netboot_ipxe::dhcp::{BootServer, ClientArchitecture};
///
/// let server = BootServer::new("10.0.0.1".parse()?, "http://10.0.0.1/boot.ipxe")?
///     .with_boot_file(ClientArchitecture::EfiArm64, "arm64/ipxe.efi")?
///     .with_tftp_root("/srv/tftp")?;
/// assert_eq!(server.boot_files().len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootServer {
    address: Ipv4Addr,
    script: BootUrl,
    boot_files: BTreeMap<ClientArchitecture, BootFilePath>,
    tftp_root: Option<TftpRoot>,
    http_directory: Option<BootUrl>,
    boot_programs: BTreeMap<ClientArchitecture, BootUrl>,
    is_https_only: bool,
    ipxe_sign: IpxeSign,
}

impl BootServer {
    /// Creates a TFTP server at `address`, with `script` for every iPXE. The default boot files are
    /// `undionly.kpxe` for BIOS and `ipxe.efi` for UEFI on 64-bit x86, which are the names in
    /// iPXE's own build.
    ///
    /// # Errors
    /// [`Error::InvalidDhcpSetting`] for an address that no machine can reach, and for a text that
    /// is not a URL.
    pub fn new(
        address: Ipv4Addr,
        script: impl TryInto<BootUrl, Error: Into<Error>>,
    ) -> Result<Self, Error> {
        let script = script.try_into().map_err(Into::into)?;
        if !is_of_another_host(address) {
            let problem = DhcpProblem::Unreachable;
            return Err(Error::dhcp_setting(DhcpSetting::ServerAddress, address, problem));
        }
        let boot_files = BTreeMap::from([
            (ClientArchitecture::Bios, BootFilePath::of("undionly.kpxe")),
            (ClientArchitecture::EfiX64, BootFilePath::of("ipxe.efi")),
        ]);
        Ok(Self {
            address,
            script,
            boot_files,
            tftp_root: None,
            http_directory: None,
            boot_programs: BTreeMap::new(),
            is_https_only: false,
            ipxe_sign: IpxeSign::default(),
        })
    }

    /// Sets the boot file of an architecture. Machines of an architecture without a boot file get
    /// none.
    ///
    /// # Errors
    /// [`Error::InvalidDhcpSetting`] for a text that is not a path.
    pub fn with_boot_file<P: TryInto<BootFilePath>>(
        mut self,
        architecture: ClientArchitecture,
        path: P,
    ) -> Result<Self, P::Error> {
        self.boot_files.insert(architecture, path.try_into()?);
        Ok(self)
    }

    /// Removes the boot file of an architecture.
    #[must_use]
    pub fn without_boot_file(mut self, architecture: ClientArchitecture) -> Self {
        self.boot_files.remove(&architecture);
        self
    }

    /// Lets dnsmasq serve this directory by TFTP. Without it, and always with Kea and ISC's dhcpd,
    /// another program has to serve the boot files.
    ///
    /// # Errors
    /// [`Error::InvalidDhcpSetting`] for a text that is not such a directory.
    pub fn with_tftp_root<R: TryInto<TftpRoot>>(mut self, root: R) -> Result<Self, R::Error> {
        self.tftp_root = Some(root.try_into()?);
        Ok(self)
    }

    /// Also serves firmware that boots by HTTP (UEFI HTTP boot). The boot files are below
    /// `directory` under the same paths, which must end in `.efi`: most firmware knows a program by
    /// this (`HttpBootCheckImageType` in EDK II's `NetworkPkg/HttpBootDxe`). Firmware accepts plain
    /// HTTP only if its settings allow it, and HTTPS only with enrolled certificates.
    ///
    /// # Errors
    /// [`Error::InvalidDhcpSetting`] for a text that is not a URL.
    pub fn with_http_boot<U: TryInto<BootUrl>>(mut self, directory: U) -> Result<Self, U::Error> {
        self.http_directory = Some(directory.try_into()?);
        Ok(self)
    }

    /// Serves firmware of this architecture that boots by HTTP from a target: it gets the target's
    /// [program](netboot_core::layout::boot_program) for the architecture, whatever
    /// [`with_http_boot`](Self::with_http_boot) says. `directory` is the URL of the target, or of
    /// the directory of one profile below it.
    ///
    /// ```
    /// use netboot_core::Architecture;
    /// use netboot_ipxe::dhcp::{BootServer, ClientArchitecture};
    ///
    /// let server = BootServer::new("10.0.0.1".parse()?, "http://10.0.0.1/boot.ipxe")?
    ///     .with_boot_program("http://10.0.0.1/worker", Architecture::X86_64)?;
    /// let url = &server.http_boot_files()?[&ClientArchitecture::EfiX64];
    /// assert_eq!(url.as_str(), "http://10.0.0.1/worker/boot-x86_64.efi");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidDhcpSetting`] for a text that is not a URL, for a URL that is too long or
    /// has a query, and for an architecture whose firmware does not boot by HTTP.
    pub fn with_boot_program(
        mut self,
        directory: impl TryInto<BootUrl, Error: Into<Error>>,
        architecture: Architecture,
    ) -> Result<Self, Error> {
        let directory = directory.try_into().map_err(Into::into)?;
        let Some(client) = ClientArchitecture::with_http_boot(architecture) else {
            let (setting, problem) = (DhcpSetting::Architecture, DhcpProblem::NoHttpBoot);
            return Err(Error::dhcp_setting(setting, architecture, problem));
        };
        let program = BootFilePath::new(layout::boot_program(architecture).as_str())?;
        self.boot_programs.insert(client, directory.join(&program)?);
        Ok(self)
    }

    /// States that firmware boots by HTTPS only, as that of many servers does. Then a plain `http`
    /// URL for firmware is an error.
    #[must_use]
    pub fn with_https_only(mut self) -> Self {
        self.is_https_only = true;
        self
    }

    /// Sets how the server recognizes iPXE. The default is the user class.
    #[must_use]
    pub fn with_ipxe_sign(mut self, sign: IpxeSign) -> Self {
        self.ipxe_sign = sign;
        self
    }

    /// The address of the TFTP server.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The script of every iPXE without its own script.
    pub fn script(&self) -> &BootUrl {
        &self.script
    }

    /// The boot files by architecture.
    pub fn boot_files(&self) -> &BTreeMap<ClientArchitecture, BootFilePath> {
        &self.boot_files
    }

    /// The directory that dnsmasq serves by TFTP.
    pub fn tftp_root(&self) -> Option<&TftpRoot> {
        self.tftp_root.as_ref()
    }

    /// The way the server recognizes iPXE.
    pub fn ipxe_sign(&self) -> IpxeSign {
        self.ipxe_sign
    }

    /// The URLs of the boot files for firmware that boots by HTTP.
    ///
    /// # Errors
    /// [`Error::InvalidDhcpSetting`] for a URL that is too long or has a query, for a boot file
    /// whose name does not end in `.efi`, and for a plain `http` URL if firmware boots by HTTPS
    /// only.
    pub fn http_boot_files(&self) -> Result<BTreeMap<ClientArchitecture, BootUrl>, Error> {
        let mut urls = self.boot_programs.clone();
        urls.extend(self.files_by_http()?);
        let is_plain = |url: &&BootUrl| !url.as_str().starts_with("https:");
        match urls.values().find(is_plain).filter(|_| self.is_https_only) {
            Some(url) => {
                let (setting, problem) = (DhcpSetting::BootUrl, DhcpProblem::NotHttps);
                Err(Error::dhcp_setting(setting, url, problem))
            }
            None => Ok(urls),
        }
    }

    /// The URLs of the boot files by HTTP that no target has.
    fn files_by_http(&self) -> Result<BTreeMap<ClientArchitecture, BootUrl>, Error> {
        let Some(directory) = &self.http_directory else { return Ok(BTreeMap::new()) };
        self.boot_files
            .iter()
            .filter(|(architecture, _)| architecture.http_code().is_some())
            .filter(|(architecture, _)| !self.boot_programs.contains_key(architecture))
            .map(|(architecture, path)| {
                if !matches!(path.as_str().rsplit_once('.'), Some((_, "efi"))) {
                    let (setting, problem) = (DhcpSetting::BootFilePath, DhcpProblem::NotEfi);
                    return Err(Error::dhcp_setting(setting, path, problem));
                }
                Ok((*architecture, directory.join(path)?))
            })
            .collect()
    }
}
