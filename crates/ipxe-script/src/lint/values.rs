//! The values that the settings of a script can have, as far as the text tells them.

use std::collections::HashMap;

use crate::lint::step::Step;
use crate::script::expansion::{Part, SettingReference};
use crate::script::token::Token;

/// The values of each setting.
pub(crate) struct Values {
    known: HashMap<Box<[u8]>, Possible>,
}

#[derive(Default)]
struct Possible {
    texts: Vec<String>,
    /// The ranges of items from which a person chooses the value.
    items: Vec<std::ops::Range<usize>>,
    others: bool,
    /// True if the command that was read last encodes the value.
    is_encoded: bool,
}

impl Values {
    pub(crate) fn new(steps: &[Step<'_>]) -> Self {
        let mut values = Self { known: HashMap::new() };
        let mut menu = 0;
        for (index, step) in steps.iter().enumerate() {
            match step.name {
                Some("menu") => menu = index,
                Some("set") => {
                    let Some(setting) = values.setting(step) else { continue };
                    match step.joined(1) {
                        Some(text) if !setting.is_encoded => setting.texts.push(text),
                        _ => setting.others = true,
                    }
                }
                Some("choose") => {
                    let Some(setting) = values.setting(step) else { continue };
                    setting.items.push(menu..index);
                }
                Some("read" | "inc" | "nslookup" | "pciscan" | "usbscan") => {
                    if let Some(setting) = values.setting(step) {
                        setting.others = true;
                    }
                }
                _ => {}
            }
        }
        values.fill_in(steps);
        values
    }

    /// The setting that a command changes.
    fn setting(&mut self, step: &Step<'_>) -> Option<&mut Possible> {
        let name = step.argument(0)?;
        let SettingReference { scope, name, setting_type } =
            SettingReference::parse(name.as_bytes());
        let setting = self.known.entry(name).or_default();
        // Encoded values and settings of one network card are not followed.
        setting.is_encoded = scope.is_some() || setting_type.is_some();
        setting.others |= setting.is_encoded;
        Some(setting)
    }

    /// Adds the items of menus to the settings that are chosen from them.
    fn fill_in(&mut self, steps: &[Step<'_>]) {
        // An item usually belongs to one `choose`, the next one after it, or to a few.
        let mut budget = 4 * steps.len() + 1000;
        for setting in self.known.values_mut() {
            for range in std::mem::take(&mut setting.items) {
                if range.len() > budget {
                    setting.others = true;
                    continue;
                }
                budget -= range.len();
                let items = steps.get(range).unwrap_or_default().iter();
                for item in items.filter(|step| step.is(&["item"]) && step.option("gap").is_none())
                {
                    match item.arguments.first() {
                        None => {}
                        Some(name) if name.is_literal() => {
                            setting.texts.push(name.text().into_owned());
                        }
                        Some(_) => setting.others = true,
                    }
                }
            }
        }
    }

    /// All texts that a word can expand to, if the script gives the setting of its only expansion
    /// all its values. Returns `None` if there are more than `limit`.
    pub(crate) fn of_word(&self, word: &Token, limit: usize) -> Option<Vec<String>> {
        let (before, possible, behind) = self.around(word)?;
        if possible.others || possible.texts.len() > limit {
            return None;
        }
        let mut texts = possible.texts.clone();
        texts.sort_unstable();
        texts.dedup();
        Some(texts.into_iter().map(|text| format!("{before}{text}{behind}")).collect())
    }

    /// Some of the texts that a word can expand to.
    pub(crate) fn some_of_word(&self, word: &Token) -> Vec<String> {
        const LIMIT: usize = 16;
        let Some((before, possible, behind)) = self.around(word) else { return Vec::new() };
        let texts = possible.texts.iter().take(LIMIT);
        texts.map(|text| format!("{before}{text}{behind}")).collect()
    }

    /// The values of the only expansion of a word, and the text around it.
    fn around(&self, word: &Token) -> Option<(String, &Possible, String)> {
        let (mut before, mut behind, mut setting) = (String::new(), String::new(), None);
        for part in word.parts() {
            match part {
                Part::Literal(text) => {
                    let text = std::str::from_utf8(text).ok()?;
                    if setting.is_none() { before.push_str(text) } else { behind.push_str(text) }
                }
                Part::Expansion(expansion) => {
                    if setting.replace(expansion.setting()?).is_some() {
                        return None;
                    }
                }
            }
        }
        let SettingReference { scope: None, name, setting_type: None } = setting? else {
            return None;
        };
        Some((before, self.known.get(&name)?, behind))
    }
}
