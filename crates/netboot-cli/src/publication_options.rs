//! The options of commands that publish.

use std::time::Duration;

use clap::Args;
use netboot_core::{PointerName, ProfileName, Report};
use netboot_ipxe::{Fleet, Renderer, RendererBuilder};
use netboot_publish::ActivationPolicy;
use url::Url;

use crate::at_least_one::at_least_one;
use crate::configuration::Configuration;
use crate::firmware_options::FirmwareOptions;
use crate::machine_list::MachineOptions;
use crate::misuse::{Misuse, OfCommandLine, first_given};
use crate::proof_options::ProofOptions;
use crate::publication::{ListedMachines, Preparation, Publication, open_destinations};
use crate::publisher_options::PublisherOptions;
use crate::session::Session;
use crate::web_url::web_url;

/// The options of commands that publish.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct PublicationOptions {
    /// Make the release live at all targets or at none. If one target cannot make it live, the
    /// others are rolled back.
    #[arg(long, conflicts_with = "each")]
    all_or_none: bool,

    /// Make the release live at each target by itself, even if it cannot be published to another
    /// one. By default, nothing is built or sent if one of the targets cannot be used.
    #[arg(long)]
    each: bool,

    /// Send the release without making it live, so that others can look at it or sign it as well.
    /// `netboot activate` makes it live.
    #[arg(long, conflicts_with_all = ["all_or_none", "prove"])]
    stage: bool,

    /// Also keep the links of the old layout at the target, for boot scripts that name
    /// `bzImage-<profile>`. A machine that boots while the links change can get files of two
    /// releases.
    #[arg(long)]
    legacy_links: bool,

    /// The `http://` URL from which machines fetch closures. It serves the target. With
    /// `--secure-boot`, machines know only the URLs in the signed command line of their UKI.
    #[arg(long, value_name = "URL", value_parser = web_url)]
    closure_url: Option<Url>,

    /// The maximum time, in seconds, for each step at a target: connecting to it, checking that it
    /// takes the release, and sending the release and making it live. By default there is no limit.
    #[arg(long, value_name = "SECONDS", value_parser = at_least_one::<u64>)]
    timeout: Option<u64>,

    #[command(flatten)]
    firmware: FirmwareOptions,

    #[command(flatten)]
    machines: MachineOptions,

    #[command(flatten)]
    proof: ProofOptions,

    #[command(flatten)]
    publisher: PublisherOptions,
}

impl PublicationOptions {
    /// Checks that machines are listed, or left out on purpose.
    ///
    /// # Errors
    /// The errors of [`MachineOptions::require`].
    pub(crate) fn require_machines(&self, session: &Session) -> Result<(), Report> {
        self.machines.require(session)
    }

    /// Opens the targets that `texts` mean. Reads keys and connects to servers.
    ///
    /// # Errors
    /// If a text is no target, a target cannot be opened, or an option cannot be used or has no
    /// effect.
    pub(crate) async fn open(
        &self,
        session: &Session,
        texts: &[String],
    ) -> Result<Publication, Report> {
        if let Some(option) = self.given().filter(|_| texts.is_empty()) {
            return Err(Misuse::report(
                format!("`{option}` has no effect, because nothing is published"),
                format!("leave out `{option}`, or publish: `--to TARGET`, without `--check`"),
            ));
        }
        if let Some(option) = self.given_to_go_live().filter(|_| self.stage) {
            return Err(Misuse::report(
                format!("`{option}` has no effect with `--stage`: nothing goes live"),
                format!("leave out `{option}`, and give it to `netboot activate` if it has it"),
            ));
        }
        let settings = self.publisher.read(session)?;
        let prover = self.proof.prover(session)?;
        let configuration = session.configuration()?;
        // Without a target, nobody knows the profiles that machines boot.
        let fleet = if texts.is_empty() { None } else { self.machines.find(session)? };
        let listed = fleet.iter().flat_map(Fleet::assignments).map(|one| one.name().clone());
        let machines = ListedMachines {
            names: listed.collect(),
            // A file that lists no machine and says what unknown machines boot leaves them out.
            may_be_left_out: self.machines.may_be_left_out() || fleet.is_some(),
        };
        let renderer =
            self.renderer(settings.pointer(), fleet, self.closure_url.as_ref(), configuration)?;
        let renderer = self.firmware.apply(renderer, session).await?;
        let renderer = renderer.build().of_command_line()?;
        let preparation =
            Preparation { leaves_out: self.each, timeout: self.timeout.map(Duration::from_secs) };
        let destinations =
            open_destinations(session, texts, &settings, self.legacy_links, preparation).await?;
        let policy = if self.all_or_none {
            ActivationPolicy::AllOrNone
        } else {
            ActivationPolicy::EachByItself
        };
        let replaces_untrusted = settings.replace_untrusted
            || configuration.signing.as_ref().is_some_and(|signing| signing.replace_untrusted);
        Ok(Publication {
            destinations,
            policy,
            is_staging: self.stage,
            renderer,
            machines,
            replaces_untrusted,
            prover,
            preparation,
        })
    }

    /// The first of these options that is on the command line and that only a target needs.
    fn given(&self) -> Option<&'static str> {
        let options = [
            ("--all-or-none", self.all_or_none),
            ("--each", self.each),
            ("--stage", self.stage),
            ("--legacy-links", self.legacy_links),
            ("--timeout", self.timeout.is_some()),
            ("--prove", self.proof.is_given()),
        ];
        let given = first_given(options).or_else(|| self.firmware.given());
        given.or_else(|| self.machines.given()).or_else(|| self.publisher.given())
    }

    /// The first of these options that is on the command line and that only going live needs.
    fn given_to_go_live(&self) -> Option<&'static str> {
        let links = self.legacy_links.then_some("--legacy-links");
        links.or_else(|| self.publisher.given_to_go_live())
    }

    /// The URLs from which the machines of a UKI fetch closures. If nothing is published, `folder`
    /// is the profile whose folder `--closure-url` serves, as
    /// [`folder_renderer`](Self::folder_renderer) says.
    ///
    /// # Errors
    /// If netboot.toml cannot be read.
    pub(crate) fn closure_urls(
        &self,
        session: &Session,
        folder: Option<&ProfileName>,
    ) -> Result<Vec<Url>, Report> {
        let configuration = session.configuration()?;
        let of_file = configuration.secure_boot.as_ref().and_then(|it| it.closure_url.clone());
        let given = match folder {
            Some(profile) => self.folder_url(profile),
            None => self.closure_url.clone(),
        };
        let mirrors = configuration.closure_boot.iter().flat_map(|section| &section.mirrors);
        Ok(given.or(of_file).iter().chain(mirrors).cloned().collect())
    }

    /// The URL of a profile's folder, if `--closure-url` serves the output directory.
    fn folder_url(&self, profile: &ProfileName) -> Option<Url> {
        let mut url = self.closure_url.clone();
        if let Some(Ok(mut path)) = url.as_mut().map(Url::path_segments_mut) {
            path.pop_if_empty().push(profile.as_str()).push("");
        }
        url
    }

    /// The renderer of the script in a profile's folder, if nothing is published: `--closure-url`
    /// then serves the output directory.
    ///
    /// # Errors
    /// If an option cannot be used.
    pub(crate) fn folder_renderer(
        &self,
        session: &Session,
        profile: &ProfileName,
    ) -> Result<Renderer, Report> {
        let url = self.folder_url(profile);
        let renderer =
            self.renderer(&PointerName::default(), None, url.as_ref(), session.configuration()?)?;
        self.firmware.apply_to_folder(renderer).build().of_command_line()
    }

    fn renderer(
        &self,
        pointer: &PointerName,
        fleet: Option<Fleet>,
        closure_source: Option<&Url>,
        configuration: &Configuration,
    ) -> Result<RendererBuilder, Report> {
        let mut renderer = Renderer::builder().pointer_name(pointer.clone());
        if let Some(fleet) = fleet {
            renderer = renderer.fleet(fleet);
        }
        let mirrors = configuration.closure_boot.iter().flat_map(|section| &section.mirrors);
        // The signed command line of a UKI has the places of its closure.
        let sources = closure_source.into_iter().chain(mirrors);
        for url in sources.filter(|_| !self.firmware.starts_ukis()) {
            renderer = renderer.closure_source(url).of_command_line()?;
        }
        Ok(renderer)
    }
}
