//! The templates, and what each may print.

use std::fmt;

use netboot_core::layout::GENERATED_MARK;
use tera::{Context, ErrorKind, Tera};

use crate::{Error, script_check};

/// Names a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TemplateName {
    /// Starts one image. Variables: `mark`, `profile`, `kernel.name`, `kernel.url`, `arguments`
    /// (a list: the kernel's command line), `initrds` (a list, each with `name` and `url`),
    /// `attempts`, `pause_seconds`.
    Image,
    /// Lets a person choose among the images. Variables: `mark`, `images` (a list, each with
    /// `label`, `title` and `url`), `default` (a label), `timeout_milliseconds` (0: none),
    /// `pause_seconds`.
    Menu,
    /// Leads to the live release. Variables: `mark`, `release` (the first digits of its id),
    /// `release_url` (its directory, from the target's root).
    Pointer,
    /// The static entry for every machine. Variables: `mark`, `pointer_url`.
    BootEntry,
    /// The static entry of one profile. Variables: `mark`, `profile`, `pointer_url`.
    ProfileEntry,
}

impl TemplateName {
    /// Every template there is.
    pub const ALL: [Self; 5] =
        [Self::Image, Self::Menu, Self::Pointer, Self::BootEntry, Self::ProfileEntry];

    /// The name, such as `image`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Menu => "menu",
            Self::Pointer => "pointer",
            Self::BootEntry => "boot_entry",
            Self::ProfileEntry => "profile_entry",
        }
    }

    /// The built-in text, as a start for one of your own.
    pub fn built_in(self) -> &'static str {
        match self {
            Self::Image => include_str!("templates/image.ipxe"),
            Self::Menu => include_str!("templates/menu.ipxe"),
            Self::Pointer => include_str!("templates/pointer.ipxe"),
            Self::BootEntry => include_str!("templates/boot_entry.ipxe"),
            Self::ProfileEntry => include_str!("templates/profile_entry.ipxe"),
        }
    }

    /// The variables that the template may print.
    pub fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Image => {
                &["mark", "profile", "kernel", "arguments", "initrds", "attempts", "pause_seconds"]
            }
            Self::Menu => &["mark", "images", "default", "timeout_milliseconds", "pause_seconds"],
            Self::Pointer => &["mark", "release", "release_url"],
            Self::BootEntry => &["mark", "pointer_url"],
            Self::ProfileEntry => &["mark", "profile", "pointer_url"],
        }
    }
}

impl fmt::Display for TemplateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// All templates, compiled.
#[derive(Debug, Clone)]
pub(crate) struct Templates(Tera);

impl Templates {
    /// Compiles the built-in templates, or what `replacement` gives in the place of one.
    pub(crate) fn compile(
        replacement: impl Fn(TemplateName) -> Option<String>,
    ) -> Result<Self, Error> {
        let mut tera = Tera::new();
        // Values are validated for iPXE, whose rules are not those of HTML.
        tera.autoescape_on(Vec::<&'static str>::new());
        let texts = TemplateName::ALL.map(|template| {
            let text = replacement(template);
            (template, text.unwrap_or_else(|| template.built_in().to_owned()))
        });
        for (template, text) in &texts {
            tera.add_raw_template(template.as_str(), text)
                .map_err(|error| malformed(*template, error))?;
        }
        for (template, text) in &texts {
            let used = tera
                .get_template_variables(template.as_str())
                .map_err(|error| malformed(*template, error))?;
            let known = template.variables();
            let unknown = used.into_iter().filter(|name| !known.contains(name));
            if let Some(variable) = unknown.filter(|name| !assigns(text, name)).min() {
                let (template, variable) = (*template, variable.to_owned());
                return Err(Error::UnknownVariable { template, variable });
            }
        }
        Ok(Self(tera))
    }

    /// Fills in a template, and holds what comes out to what every script has to be.
    pub(crate) fn render(
        &self,
        template: TemplateName,
        mut values: Context,
    ) -> Result<String, Error> {
        values.insert("mark", GENERATED_MARK);
        let script = self.0.render(template.as_str(), &values).map_err(|error| {
            Error::Template { template, line: line_of(&error), source: Box::new(error) }
        })?;
        match script_check::check(&script) {
            Ok(()) => Ok(script),
            Err(problem) => Err(Error::NotAScript { template, problem }),
        }
    }
}

fn malformed(template: TemplateName, error: tera::Error) -> Error {
    Error::MalformedTemplate { template, line: line_of(&error), source: Box::new(error) }
}

/// The line of a template at which Tera found something wrong, counted from 1.
fn line_of(error: &tera::Error) -> Option<usize> {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            Some(report.span().start_line)
        }
        _ => None,
    }
}

/// Whether a template gives itself this variable, which Tera's list of variables does not say.
fn assigns(text: &str, variable: &str) -> bool {
    let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let mut assigned = false;
    words.any(|word| {
        let found = assigned && word == variable;
        assigned = matches!(word, "set" | "set_global") || (assigned && word.is_empty());
        found
    })
}
