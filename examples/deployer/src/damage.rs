//! Records in the state directory that this version cannot read. They get another name, so that the
//! service works without them, and they are never deleted.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Follows the name of a record that was set aside. A number follows.
const MARK: &str = ".damaged-";
/// The number of names that a message lists.
const NAMED: usize = 5;

/// Opens a file for reading. Never waits, as opening a FIFO would.
///
/// # Errors
/// Also if it is not a regular file.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    netboot_core::open_regular_file(path).map_err(into_io)
}

/// Reads a file that has at most `limit` bytes.
///
/// # Errors
/// The errors of [`open_file`], and [`ErrorKind::InvalidData`] if the file is larger.
pub(crate) fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    netboot_core::read_regular_file(path, limit).map_err(into_io)
}

/// Keeps the kind of an error of the file system.
fn into_io(error: netboot_core::Error) -> io::Error {
    match error {
        netboot_core::Error::Io { source, .. } => source,
        other => io::Error::new(ErrorKind::InvalidData, other),
    }
}

/// Parses a JSON record. It must not have a field that this version does not know: the record is
/// then from a newer version, and writing it again would lose the field.
///
/// # Errors
/// [`ErrorKind::InvalidData`].
pub(crate) fn parse<T: Serialize + DeserializeOwned>(text: &[u8]) -> io::Result<T> {
    let invalid = |error| io::Error::new(ErrorKind::InvalidData, error);
    let found: Value = serde_json::from_slice(text).map_err(invalid)?;
    let record = T::deserialize(&found).map_err(invalid)?;
    let known = serde_json::to_value(&record).map_err(invalid)?;
    match unknown_field(&found, &known) {
        None => Ok(record),
        Some(name) => {
            let problem = format!("it has the field `{name}` of a newer version");
            Err(io::Error::new(ErrorKind::InvalidData, problem))
        }
    }
}

/// The first field of `found` that `known` does not have. A field without a value says nothing.
fn unknown_field<'a>(found: &'a Value, known: &Value) -> Option<&'a str> {
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    match (found, known) {
        (Value::Object(found), Value::Object(known)) => {
            found.iter().find_map(|(name, value)| match known.get(name) {
                Some(known) => unknown_field(value, known),
                None => (!is_empty(value)).then_some(name),
            })
        }
        (Value::Array(found), Value::Array(known)) => {
            found.iter().zip(known).find_map(|(found, known)| unknown_field(found, known))
        }
        _ => None,
    }
}

/// Renames a record.
///
/// # Errors
/// If the directory cannot be written. The record then keeps its name.
pub(crate) fn set_aside(path: &Path) -> io::Result<()> {
    fs::rename(path, name_aside(path)?)
}

/// The first name of the form `<name>.damaged-<n>` that does not exist. Only this process writes
/// here, because it holds the lock of the state directory.
///
/// # Errors
/// If the directory cannot be read.
pub(crate) fn name_aside(path: &Path) -> io::Result<PathBuf> {
    for number in 1_u32.. {
        let mut name = OsString::from(path);
        name.push(format!("{MARK}{number}"));
        let name = PathBuf::from(name);
        match fs::symlink_metadata(&name) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(name),
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// Tells which records in a directory are set aside. Returns `None` if there are none.
pub(crate) fn records_aside(directory: &Path) -> Option<String> {
    let entries = fs::read_dir(directory).ok()?.filter_map(Result::ok);
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.contains(MARK)).collect();
    names.sort();
    let more = match names.len() {
        0 => return None,
        count if count > NAMED => format!(", and {} more", count - NAMED),
        _ => String::new(),
    };
    names.truncate(NAMED);
    let (names, directory) = (names.join(", "), directory.display());
    Some(format!(
        "damaged records, or records of a newer version, are set aside in `{directory}`: \
         {names}{more}; move them away when nobody needs them"
    ))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Record {
        number: u32,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        parts: Vec<Self>,
    }

    #[test]
    fn a_record_with_an_unknown_field_at_any_depth_is_refused() {
        let parse = |text: &str| parse::<Record>(text.as_bytes());
        assert_eq!(parse(r#"{"number":7}"#).unwrap(), Record { number: 7, parts: vec![] });
        for known in ["{}", r#"{"parts":[]}"#, r#"{"parts":[{"number":1}]}"#] {
            assert!(parse(known).is_ok(), "{known}");
        }
        for other in [r#"{"version":2}"#, r#"{"parts":[{"colour":"red"}]}"#, "{", "", "7", "\0"] {
            let error = parse(other).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{other}: {error}");
        }
    }

    #[test]
    fn names_of_records_that_are_set_aside_are_never_reused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("7.json");
        for content in ["one", "two"] {
            fs::write(&path, content).unwrap();
            set_aside(&path).unwrap();
        }
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        assert_eq!([read("7.json.damaged-1"), read("7.json.damaged-2")], ["one", "two"]);
        let text = records_aside(directory.path()).unwrap();
        assert!(text.contains("7.json.damaged-1, 7.json.damaged-2;"), "{text}");
    }

    #[test]
    fn only_regular_files_of_a_limited_size_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("record");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        assert!(read_file(&path, 10).is_err() && read_file(directory.path(), 10).is_err());
        fs::remove_file(&path).unwrap();
        fs::write(&path, "0123456789").unwrap();
        assert_eq!(read_file(&path, 10).unwrap().len(), 10);
        assert_eq!(read_file(&path, 9).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
