//! The texts that identify machines.

use netboot_core::{TextProblem, validated_text};
use serde::{Deserialize, Serialize};

use crate::dispatch::shared_identity::is_shared_text;
use crate::error::{Error, ValueKind};

/// The largest length of a serial number or asset tag. Its hexadecimal digits are part of a file
/// name.
const IDENTITY_LIMIT: usize = 60;

/// The serial number in a machine's firmware: 1 to 60 printable ASCII characters, with spaces
/// exactly as the firmware has them. Texts that vendors leave in place, such as `Default string` or
/// `0123456789`, are refused: many machines share them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SerialNumber(String);

/// The asset tag in a machine's firmware. It follows the rules of a [`SerialNumber`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AssetTag(String);

/// The name of a setting of iPXE, such as `manufacturer`, `net0/next-server` or `smbios/2.5.0`. It
/// has parts of letters, digits, `.`, `_` and `-`, separated by `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SettingName(String);

/// The value of a setting as iPXE shows it: 1 to 128 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SettingValue(String);

/// The name of a machine, or of a group of machines that boot alike, for people, reports and
/// scripts: 1 to 63 lower-case letters, digits, `.`, `_` and `-`, such as `node-17.rack-3`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MachineName(String);

fn check_printable(text: &str, limit: usize) -> Result<(), TextProblem> {
    if text.is_empty() {
        return Err(TextProblem::Empty);
    }
    if text.len() > limit {
        return Err(TextProblem::TooLong { length: text.len(), limit });
    }
    let wrong = |(_, c): &(usize, char)| !(c.is_ascii_graphic() || *c == ' ');
    match text.char_indices().find(wrong) {
        Some((position, character)) => Err(TextProblem::ForbiddenCharacter { character, position }),
        None => Ok(()),
    }
}

/// Checks a serial number or an asset tag.
fn identity(kind: ValueKind) -> impl Fn(&str) -> Result<(), Error> {
    move |text| {
        validated_by(kind, |text| check_printable(text, IDENTITY_LIMIT))(text)?;
        if is_shared_text(text) { Err(Error::shared_identity(kind, text)) } else { Ok(()) }
    }
}

fn check_setting_name(text: &str) -> Result<(), TextProblem> {
    check_printable(text, 64)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if let Some((position, character)) = text.char_indices().find(|(_, c)| !allowed(*c)) {
        return Err(TextProblem::ForbiddenCharacter { character, position });
    }
    let edge = |part: &str| part.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if !text.split('/').all(edge) {
        let expected = "parts that begin with a letter or digit";
        return Err(TextProblem::Malformed { expected });
    }
    Ok(())
}

fn check_setting_value(text: &str) -> Result<(), TextProblem> {
    check_printable(text, 128)?;
    match text.find("${") {
        // iPXE expands the value of a setting too when it expands the setting.
        Some(position) => Err(TextProblem::ForbiddenCharacter { character: '$', position }),
        None => Ok(()),
    }
}

fn check_machine_name(text: &str) -> Result<(), TextProblem> {
    check_printable(text, 63)?;
    let allowed =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    if let Some((position, character)) = text.char_indices().find(|(_, c)| !allowed(*c)) {
        return Err(TextProblem::ForbiddenCharacter { character, position });
    }
    let edges = [text.chars().next(), text.chars().next_back()];
    match edges.into_iter().flatten().find(|c| !c.is_ascii_alphanumeric()) {
        Some(character) => Err(TextProblem::BadEdge { character }),
        None => Ok(()),
    }
}

/// Wraps `check` so that its error tells the kind of the refused text.
fn validated_by(
    kind: ValueKind,
    check: impl Fn(&str) -> Result<(), TextProblem>,
) -> impl Fn(&str) -> Result<(), Error> {
    move |text| check(text).map_err(|problem| Error::invalid_key(kind, text, problem))
}

validated_text!(SerialNumber, Error, identity(ValueKind::SerialNumber));
validated_text!(AssetTag, Error, identity(ValueKind::AssetTag));
validated_text!(SettingName, Error, validated_by(ValueKind::SettingName, check_setting_name));
validated_text!(SettingValue, Error, validated_by(ValueKind::SettingValue, check_setting_value));
validated_text!(MachineName, Error, validated_by(ValueKind::MachineName, check_machine_name));
