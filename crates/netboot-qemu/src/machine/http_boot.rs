//! Boots by the HTTP of UEFI firmware, without iPXE.

use netboot_core::Context;
use url::Url;

use crate::boot_report::BootReport;
use crate::error::Error;
use crate::firmware::Firmware;
use crate::guest_url::GuestUrl;
use crate::machine::boot_source::NetworkLink;
use crate::machine::{Machine, Origin};
use crate::network_card::NetworkCard;

impl Machine {
    /// Lets UEFI firmware itself fetch and start the EFI program at `url`, without iPXE, and
    /// watches the console like [`boot`](Self::boot). The program is a unified kernel image, a boot
    /// loader or an iPXE. With [`Firmware::UefiSecureBoot`], a boot that succeeds proves that the
    /// firmware accepts the program's signature, and [`BootReport::refusals`] says what was
    /// refused. If nothing shows that Secure Boot was on, the boot fails with
    /// [`Error::SecureBootUnproven`].
    ///
    /// The machine's copy of the firmware's variables gets a boot option with the URL, so no DHCP
    /// server has to name it. As with `boot`, the machine reaches only the web server of the URL.
    /// The firmware asks it for the program's size by HEAD, and holds the whole program in memory.
    /// The URL's path must end in `.efi`, by which the firmware knows a program.
    ///
    /// ```no_run
    /// use netboot_core::Context;
    /// use netboot_qemu::{DirectoryServer, Firmware, Machine};
    ///
    /// # async fn boot() -> Result<(), netboot_qemu::Error> {
    /// let server = DirectoryServer::start("artifacts").await?;
    /// let machine = Machine::builder()
    ///     .firmware(Firmware::UefiSecureBoot)
    ///     .firmware_variables("keys.fd")
    ///     .expect("login:")
    ///     .build()?;
    /// let report = machine.boot_by_http(&server.url("worker.efi"), &Context::new()).await?;
    /// report.ensure_success()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The errors of [`boot`](Self::boot), and [`Error::InvalidSetting`] under BIOS and for a
    /// network card that the firmware has no driver for. The scheme of the URL must be `http`.
    pub async fn boot_by_http(&self, url: &Url, context: &Context) -> Result<BootReport, Error> {
        self.ensure_uefi()?;
        let guest_url = GuestUrl::of_program(url, self.network_access)
            .map_err(|problem| Error::unusable_url(url, problem))?;
        self.boot_again_if_emulation_failed(&Origin::Program(guest_url), context).await
    }

    /// Lets UEFI firmware boot by HTTP what the DHCP server of `link` names, and watches the
    /// console like [`boot`](Self::boot). The firmware asks with the vendor class `HTTPClient` and
    /// its own architecture (16 for `x86_64`), and accepts an answer with the same class and a URL.
    /// Its PXE is off.
    ///
    /// # Errors
    /// The errors of [`boot_by_http`](Self::boot_by_http) except [`Error::UnusableUrl`].
    pub async fn boot_by_dhcp_and_http(
        &self,
        link: &NetworkLink,
        context: &Context,
    ) -> Result<BootReport, Error> {
        self.ensure_uefi()?;
        self.boot_again_if_emulation_failed(&Origin::HttpLink(link), context).await
    }

    /// Fails unless the firmware can boot by HTTP, and drives the network card itself.
    fn ensure_uefi(&self) -> Result<(), Error> {
        if self.firmware() == Firmware::Bios {
            return Err(Error::InvalidSetting {
                setting: "firmware",
                value: self.firmware().to_string(),
                problem: "use UEFI, since BIOS cannot boot by HTTP",
            });
        }
        match self.network_card {
            None | Some(NetworkCard::Virtio) => Ok(()),
            Some(card) => Err(Error::InvalidSetting {
                setting: "network card",
                value: card.to_string(),
                problem: "use virtio, since UEFI has no driver for other cards to boot by HTTP",
            }),
        }
    }
}
