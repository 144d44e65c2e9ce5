//! Blocks of settings: the root, and one for each scope, such as `net0`.

use crate::settings::setting_type::SettingType;

/// Identifies a setting: by its DHCP option if it has one, or else by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) name: Box<[u8]>,
    pub(crate) tag: u64,
}

impl Key {
    /// The key of the setting that orders blocks.
    pub(crate) fn priority() -> Self {
        Self { name: b"priority".as_slice().into(), tag: (175 << 8) | 1 }
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        (self.tag != 0 && self.tag == other.tag)
            || (!self.name.is_empty() && self.name == other.name)
    }
}

/// A value with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) key: Key,
    pub(crate) setting_type: SettingType,
    pub(crate) bytes: Vec<u8>,
}

/// A block of settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Block {
    values: Vec<Stored>,
    /// The inner blocks, the one with the highest priority first.
    children: Vec<(Box<[u8]>, Self)>,
}

impl Block {
    /// The block of a scope such as `net0.dhcp`. A part without a name stands for the block itself.
    pub(crate) fn find(&self, scope: &[u8]) -> Option<&Self> {
        parts(scope).try_fold(self, |block, name| {
            let mut children = block.children.iter();
            children.find(|(child, _)| **child == *name).map(|(_, child)| child)
        })
    }

    /// The block of a scope, which is created if it does not exist.
    pub(crate) fn make(&mut self, scope: &[u8]) -> &mut Self {
        let mut block = self;
        for name in parts(scope) {
            let known = block.children.iter().position(|(child, _)| **child == *name);
            let index = known.unwrap_or(block.children.len());
            if known.is_none() {
                block.children.push((name.into(), Self::default()));
            }
            block = &mut block.children[index].1;
        }
        block
    }

    /// A setting of this block, or of the first inner block that has it.
    pub(crate) fn fetch(&self, key: &Key) -> Option<&Stored> {
        let own = self.values.iter().find(|stored| stored.key.is(key));
        own.or_else(|| self.children.iter().find_map(|(_, child)| child.fetch(key)))
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        if let Some(index) = self.values.iter().position(|stored| stored.key.is(key)) {
            self.values.remove(index);
        }
    }

    /// Stores a value in place of the old one. A value without bytes clears the setting.
    pub(crate) fn store(&mut self, stored: Stored) {
        self.remove(&stored.key);
        if !stored.bytes.is_empty() {
            self.values.insert(0, stored);
        }
    }

    /// Moves the blocks of a scope after those of the same or a higher priority.
    pub(crate) fn order(&mut self, scope: &[u8], priority: &dyn Fn(&Self) -> i64) {
        let mut names = parts(scope);
        let Some(name) = names.next() else { return };
        let Some(index) = self.children.iter().position(|(child, _)| **child == *name) else {
            return;
        };
        let mut entry = self.children.remove(index);
        let inner: Vec<&[u8]> = names.collect();
        entry.1.order(&inner.join(&b'.'), priority);
        let own = priority(&entry.1);
        let before = self.children.iter().take_while(|(_, child)| priority(child) >= own);
        let index = before.count();
        self.children.insert(index, entry);
    }

    pub(crate) fn names(&self) -> Vec<Vec<u8>> {
        let mut names: Vec<Vec<u8>> =
            self.values.iter().map(|stored| stored.key.name.to_vec()).collect();
        for (child, block) in &self.children {
            for name in block.names() {
                let separator = if name.contains(&b'/') { b'.' } else { b'/' };
                names.push([child, &[separator][..], &name].concat());
            }
        }
        names
    }
}

fn parts(scope: &[u8]) -> impl Iterator<Item = &[u8]> {
    scope.split(|byte| *byte == b'.').filter(|name| !name.is_empty())
}
