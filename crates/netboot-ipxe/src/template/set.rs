//! All templates, compiled.

use std::collections::BTreeMap;

use ipxe_script::{Linter, SignedPrograms};
use netboot_core::layout::GENERATED_MARK;
use tera::{Context, ErrorKind, Tera};

use crate::error::Error;
use crate::menu_text::MenuText;
use crate::script_check;
use crate::template::name::TemplateName;
use crate::template::sources::TemplateSources;

/// All templates, compiled, and the variables that all of them have.
#[derive(Debug, Clone)]
pub(crate) struct Templates {
    tera: Tera,
    /// The name of each template in `tera`.
    effective: BTreeMap<TemplateName, String>,
    /// The common variables.
    common: Context,
    /// Checks the scripts for the machines that run them.
    linter: Linter,
}

impl Templates {
    /// Compiles the caller's templates, and the built-in ones that they do not replace.
    pub(crate) fn compile(
        sources: &TemplateSources,
        mut common: Context,
        own_variables: &BTreeMap<String, MenuText>,
        linter: Linter,
    ) -> Result<Self, Error> {
        let mut tera = Tera::new();
        // Values are validated for iPXE and must not be escaped for HTML.
        tera.autoescape_on(Vec::<&'static str>::new());
        let texts = sources.all();
        tera.add_raw_templates(texts.iter().map(|(name, text)| (name, text))).map_err(malformed)?;
        let effective: BTreeMap<TemplateName, String> =
            TemplateName::ALL.map(|name| (name, sources.effective(name))).into();
        for (template, name) in &effective {
            let used = tera.get_template_variables(name).map_err(malformed)?;
            let is_known = |variable: &str| {
                template.variables().contains(&variable)
                    || TemplateName::COMMON_VARIABLES.contains(&variable)
                    || own_variables.contains_key(variable)
                    || texts.iter().any(|(_, text)| gives(text, variable))
            };
            if let Some(variable) = used.into_iter().filter(|name| !is_known(name)).min() {
                let template = *template;
                let (file, line) = place_of(variable, name, &texts);
                let variable = variable.to_owned();
                return Err(Error::UnknownVariable { template, file, line, variable });
            }
        }
        common.insert("mark", GENERATED_MARK);
        for (name, value) in own_variables {
            common.insert(name.clone(), value);
        }
        Ok(Self { tera, effective, common, linter })
    }

    /// Renders a template, and checks the script.
    pub(crate) fn render(
        &self,
        template: TemplateName,
        own_values: Context,
    ) -> Result<String, Error> {
        self.render_and_lint(template, own_values, &self.linter)
    }

    /// Renders a template for machines with Secure Boot, which start these programs, and checks the
    /// script.
    pub(crate) fn render_for_secure_boot(
        &self,
        template: TemplateName,
        own_values: Context,
        signed: SignedPrograms,
    ) -> Result<String, Error> {
        let linter = self.linter.clone().with_secure_boot(signed);
        self.render_and_lint(template, own_values, &linter)
    }

    fn render_and_lint(
        &self,
        template: TemplateName,
        own_values: Context,
        linter: &Linter,
    ) -> Result<String, Error> {
        // The values of the template override the common ones.
        let mut values = self.common.clone();
        values.extend(own_values);
        let name = self.effective.get(&template).map_or(template.as_str(), String::as_str);
        let script = self.tera.render(name, &values).map_err(|error| {
            let (file, line) = place(&error).unwrap_or_else(|| (name.to_owned(), None));
            Error::Template { template, file, line, source: Box::new(error) }
        })?;
        match script_check::check(&script, linter) {
            Ok(()) => Ok(script),
            Err(problem) => Err(Error::NotAScript { template, problem }),
        }
    }
}

fn malformed(error: tera::Error) -> Error {
    let (file, line) = place(&error).unwrap_or_default();
    Error::MalformedTemplate { file, line, source: Box::new(error) }
}

/// The template in which Tera found a mistake, and the line, counted from 1.
fn place(error: &tera::Error) -> Option<(String, Option<usize>)> {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            Some((report.filename().to_owned(), Some(report.span().start_line)))
        }
        _ => None,
    }
}

/// Finds the place where a template uses a variable: the first line of its text, or else of any
/// other text, that has the word within braces.
fn place_of(variable: &str, template: &str, texts: &[(String, &str)]) -> (String, usize) {
    let own = texts.iter().filter(|(name, _)| name == template);
    let others = texts.iter().rev().filter(|(name, _)| name != template);
    let found = own.chain(others).find_map(|(name, text)| {
        let line = text.lines().position(|line| {
            let braces = line.split_once(['{', '%']).map_or("", |(_, rest)| rest);
            words(braces).any(|word| word == variable)
        })?;
        Some((name.clone(), line + 1))
    });
    found.unwrap_or_else(|| (template.to_owned(), 1))
}

/// Returns true if a text defines this variable itself, which Tera's list of variables does not
/// tell.
fn gives(text: &str, variable: &str) -> bool {
    let statements = text.split("{%").skip(1);
    let statements = statements.map(|rest| rest.split("%}").next().unwrap_or(rest));
    let gives = |statement: &str| {
        let mut words = words(statement).filter(|word| !word.is_empty());
        matches!(words.next(), Some("set" | "set_global" | "for"))
            && words.take(2).any(|word| word == variable)
    };
    statements.into_iter().any(gives)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
}
