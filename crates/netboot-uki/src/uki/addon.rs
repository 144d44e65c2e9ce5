//! Additions to the command line of a UKI, as small programs that are signed by themselves.

use std::path::Path;

use netboot_core::{Architecture, COMMAND_LINE_LIMIT, Context, KernelParameter, Sha256Digest};

use crate::error::Error;
use crate::stub::AddonStub;
use crate::uki::part::Part;
use crate::uki::text;
use crate::uki::writing::Assembly;

/// The revocation data of an addon, as `ukify` writes it, which shim asks of every program.
const SBAT: &str = "\
sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md
uki-addon,1,UKI Addon,addon,1,https://www.freedesktop.org/software/systemd/man/latest/systemd-stub.html
\0";

/// Kernel parameters for one machine or one group, which systemd's stub (254 or later) adds to the
/// command line of a UKI. The stub asks the firmware to verify an addon like any other program.
///
/// The stub looks for addons in the file system that the UKI was started from: in
/// `<name of the UKI>.extra.d` beside it, and in `loader/addons` of the EFI system partition. A
/// UKI that the firmware fetched by HTTP or TFTP was started from no file system. The stub then
/// loads no addon, and says nothing about it (`load_addons` in `src/boot/stub.c` of systemd). Such
/// a machine needs a UKI with its own command line.
///
/// # Examples
/// ```no_run
/// use netboot_core::{Context, KernelParameter};
/// use netboot_uki::{Addon, AddonStub};
///
/// # async fn make() -> Result<(), Box<dyn std::error::Error>> {
/// let parameter = KernelParameter::new("systemd.hostname=node17")?;
/// let addon = Addon::new(AddonStub::read("addonx64.efi.stub")?, [&parameter], Some("6.12.30"))?;
/// addon.write("node17-unsigned.addon.efi", &Context::new()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Addon(Assembly);

impl Addon {
    /// Makes an addon with these parameters. A stub ignores an addon for another `uname` than the
    /// one of the UKI.
    ///
    /// # Errors
    /// [`Error::Text`] for no parameters, for more than
    /// [`COMMAND_LINE_LIMIT`] bytes of them, or for a malformed `uname`. [`Error::Stub`] if the
    /// stub has no room for them.
    pub fn new<'a>(
        stub: AddonStub,
        parameters: impl IntoIterator<Item = &'a KernelParameter>,
        uname: Option<&str>,
    ) -> Result<Self, Error> {
        let parameters: Vec<&str> = parameters.into_iter().map(KernelParameter::as_str).collect();
        let line = parameters.join(" ");
        text::check(".cmdline", &line, false)?;
        if line.len() > COMMAND_LINE_LIMIT {
            let problem = "it is longer than a kernel's command line can be";
            return Err(Error::Text { section: ".cmdline", problem });
        }
        let mut parts = vec![Part::text(".cmdline", line)];
        if let Some(uname) = uname {
            text::check(".uname", uname, false)?;
            parts.push(Part::text(".uname", uname.to_owned()));
        }
        parts.push(Part::text(".sbat", SBAT.to_owned()));
        Assembly::new(stub.0, parts, true).map(Self)
    }

    /// The architecture of the machines that load it.
    pub fn architecture(&self) -> Architecture {
        self.0.headers().architecture
    }

    /// Writes the addon to `path`, where nothing may be. Returns the digest that a signature of
    /// the addon covers.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written, [`Error::Core`] if the work was cancelled.
    pub async fn write(
        &self,
        path: impl AsRef<Path>,
        context: &Context,
    ) -> Result<Sha256Digest, Error> {
        self.0.write(path.as_ref(), context).await
    }
}
