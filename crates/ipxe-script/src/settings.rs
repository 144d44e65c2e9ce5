//! Settings, which `set`, `clear` and `inc` change and `${…}` expands (iPXE's
//! `src/core/settings.c` and `src/hci/commands/nvo_cmd.c`).

mod block;
mod encoding;
pub(crate) mod predefined;
pub(crate) mod setting_type;

use std::fmt;

pub use self::setting_type::SettingType;
pub use crate::dialect::{Dialect, WordSize};
use crate::number;
use crate::script::expansion::SettingReference;
use crate::settings::block::{Block, Key, Stored};

/// A word that needs more expansions than this counts as one that never ends.
const EXPANSION_LIMIT: usize = 10_000;
/// The largest length of a word in bytes. iPXE's heap has half a megabyte.
const LENGTH_LIMIT: usize = 400_000;

/// The reason why a command cannot change a setting. The command fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SettingProblem {
    /// There is no such block of settings. `set` creates it, `inc` does not.
    UnknownScope,
    /// There is no such type.
    UnknownType,
    /// The text is not a value of the type, or no text is.
    MalformedValue,
    /// The type of the setting is not numeric.
    NotNumeric,
}

impl fmt::Display for SettingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownScope => "there is no block of settings for the scope",
            Self::UnknownType => "iPXE has no such type of settings",
            Self::MalformedValue => "the text is not a value of the type",
            Self::NotNumeric => "the type of the setting is not numeric",
        })
    }
}

/// The expansion of a word never ends because a value contains its own name. iPXE hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ExpansionLoop;

impl fmt::Display for ExpansionLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a setting in it refers to itself, so iPXE expands it forever")
    }
}

/// The values of settings.
///
/// They are empty at first. To learn what a script does on a machine, set the settings that the
/// machine has, such as `net0/mac`.
///
/// ```
/// use ipxe_script::Version;
/// use ipxe_script::settings::{Dialect, Settings};
///
/// let mut settings = Settings::new(Dialect::bios(Version::V2019));
/// settings.set("net0/mac:hex", "52:54:00:12:34:56").unwrap();
/// assert_eq!(settings.expand("mac-${mac:hexhyp}").unwrap(), b"mac-52-54-00-12-34-56");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    build: Dialect,
    root: Block,
}

/// The name of a setting, parsed.
struct Named {
    scope: Vec<u8>,
    key: Key,
    setting_type: Option<SettingType>,
}

impl Settings {
    /// Creates an empty set of settings.
    pub fn new(build: Dialect) -> Self {
        Self { build, root: Block::default() }
    }

    /// The dialect of iPXE.
    pub fn build(&self) -> Dialect {
        self.build
    }

    /// Does what `set name value` does. An empty text clears the setting.
    ///
    /// # Errors
    /// [`SettingProblem`] if the command fails.
    pub fn set(
        &mut self,
        name: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), SettingProblem> {
        let (named, value) = (self.named(name.as_ref())?, value.as_ref());
        // The block is created even if nothing is stored in it.
        if self.root.find(&named.scope).is_none() {
            self.root.make(&named.scope);
            self.order(&named.scope);
        }
        if value.is_empty() {
            self.root.make(&named.scope).remove(&named.key);
            return Ok(());
        }
        let setting_type = named.setting_type.unwrap_or(SettingType::String);
        let bytes = setting_type.parse(value, self.build).ok_or(SettingProblem::MalformedValue)?;
        self.store(&named.scope, Stored { key: named.key, setting_type, bytes });
        Ok(())
    }

    /// Does what `clear name` does.
    ///
    /// # Errors
    /// [`SettingProblem`] if the command fails.
    pub fn clear(&mut self, name: impl AsRef<[u8]>) -> Result<(), SettingProblem> {
        self.set(name, "")
    }

    /// Does what `inc name increment` does. It also creates a setting, of the type `int32`.
    ///
    /// # Errors
    /// [`SettingProblem`] if the command fails, for example for a setting without a numeric type.
    pub fn increment(
        &mut self,
        name: impl AsRef<[u8]>,
        increment: u32,
    ) -> Result<(), SettingProblem> {
        let named = self.named(name.as_ref())?;
        let block = self.root.find(&named.scope).ok_or(SettingProblem::UnknownScope)?;
        let int32 = SettingType::Integer { bytes: 4, signed: true };
        let (setting_type, number) = match block.fetch(&named.key) {
            Some(stored) => {
                let setting_type = named.setting_type.unwrap_or(stored.setting_type);
                let number = setting_type.numerate(&stored.bytes, self.build);
                (setting_type, number.unwrap_or(0))
            }
            None => (named.setting_type.unwrap_or(int32), 0),
        };
        let number = number.wrapping_add(u64::from(increment));
        let bytes = setting_type.denumerate(number).ok_or(SettingProblem::NotNumeric)?;
        self.store(&named.scope, Stored { key: named.key, setting_type, bytes });
        Ok(())
    }

    /// The value that `${name}` expands to, before expansions in that value. It is empty if the
    /// setting is not set.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Vec<u8> {
        self.fetch(name.as_ref()).unwrap_or_default()
    }

    /// Returns true if the setting has a value that iPXE can print, so that `show name` succeeds.
    pub fn is_set(&self, name: impl AsRef<[u8]>) -> bool {
        self.fetch(name.as_ref()).is_some()
    }

    /// Expands a word. The first `}` and the last `${` before it enclose a name. Its value replaces
    /// them, and this repeats until no expansion is left.
    ///
    /// # Errors
    /// [`ExpansionLoop`] if this would never end.
    pub fn expand(&self, word: impl AsRef<[u8]>) -> Result<Vec<u8>, ExpansionLoop> {
        let mut word = word.as_ref().to_vec();
        for _ in 0..EXPANSION_LIMIT {
            let Some((start, end)) = innermost(&word) else { return Ok(word) };
            let value = self.get(word.get(start + 2..end).unwrap_or_default());
            word.splice(start..=end, value);
            if word.len() > LENGTH_LIMIT {
                break;
            }
        }
        Err(ExpansionLoop)
    }

    /// The names of the settings that have a value, with their scopes, such as `net0/mac`.
    pub fn names(&self) -> Vec<Vec<u8>> {
        self.root.names()
    }

    /// The names, without a scope, of the settings that iPXE knows. Such a setting has its own
    /// type, and the machine or a DHCP server may have set it.
    pub fn predefined(&self) -> impl Iterator<Item = &'static str> + use<> {
        predefined::names(self.build.version)
    }

    fn fetch(&self, name: &[u8]) -> Option<Vec<u8>> {
        let named = self.named(name).ok()?;
        let stored = self.root.find(&named.scope)?.fetch(&named.key)?;
        let setting_type = named.setting_type.unwrap_or(stored.setting_type);
        let mut text = setting_type.format(&stored.bytes, self.build)?;
        // iPXE prints a C string, which ends at a NUL byte.
        if let Some(end) = text.iter().position(|byte| *byte == 0) {
            text.truncate(end);
        }
        Some(text)
    }

    fn store(&mut self, scope: &[u8], stored: Stored) {
        let is_priority = stored.key.is(&Key::priority());
        self.root.make(scope).store(stored);
        if is_priority {
            self.order(scope);
        }
    }

    /// Moves a block to its place among the others, by its setting `priority`.
    fn order(&mut self, scope: &[u8]) {
        let size = self.build.word_size;
        let priority = |block: &Block| {
            let stored = block.fetch(&Key::priority());
            let number = stored.and_then(|stored| number::of_bytes(&stored.bytes, true, size));
            number.map_or(0, |number| size.signed(number))
        };
        self.root.order(scope, &priority);
    }

    fn named(&self, name: &[u8]) -> Result<Named, SettingProblem> {
        let SettingReference { scope, name, setting_type } = SettingReference::parse(name);
        let version = self.build.version;
        let tag = tag(&name);
        let known = predefined::find(&name, tag, version);
        let key = known.map_or(Key { name, tag }, |setting| Key {
            name: setting.name.as_bytes().into(),
            tag: setting.tag,
        });
        let setting_type = match setting_type {
            Some(text) => {
                let found = SettingType::find(&text, version);
                Some(found.ok_or(SettingProblem::UnknownType)?)
            }
            None => known.map(|setting| setting.setting_type),
        };
        Ok(Named { scope: scope.unwrap_or_default().into(), key, setting_type })
    }
}

/// Reads a name of numbers as a DHCP option: `175.3` is option 3 within option 175. Any other name
/// is 0.
fn tag(name: &[u8]) -> u64 {
    let mut tag: u64 = 0;
    let mut rest = name;
    loop {
        let (number, length) = number::parse(rest, 0, WordSize::Bits32);
        tag = (tag << 8) | number;
        match rest.get(length) {
            None => return tag,
            Some(b'.') => rest = rest.get(length + 1..).unwrap_or_default(),
            Some(_) => return 0,
        }
    }
}

/// Finds the first `}` after a `${`, and the last `${` before it.
fn innermost(word: &[u8]) -> Option<(usize, usize)> {
    let mut start = None;
    for (index, byte) in word.iter().enumerate() {
        if *byte == b'$' && word.get(index + 1) == Some(&b'{') {
            start = Some(index);
        } else if *byte == b'}'
            && let Some(start) = start
        {
            return Some((start, index));
        }
    }
    None
}
