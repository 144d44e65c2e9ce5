//! Scripts for which every build must do what the evaluator predicts.
//!
//! They fetch [`files`](crate::oracle::comparison::files), and their output starts with `=`.

mod expansion;
mod flow;
mod images;
mod lines;
mod options;
mod settings;
mod tokens;
mod uris;

/// A script with a name.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) script: Vec<u8>,
}

/// A script of these bytes.
fn raw(name: &'static str, script: impl AsRef<[u8]>) -> Case {
    Case { name, script: script.as_ref().to_vec() }
}

/// A script of these lines, after the magic.
fn case(name: &'static str, lines: impl AsRef<[u8]>) -> Case {
    raw(name, [b"#!ipxe\n", lines.as_ref(), b"\n"].concat())
}

pub(crate) fn all() -> Vec<Case> {
    let topics = [
        lines::cases(),
        tokens::cases(),
        expansion::cases(),
        settings::cases(),
        options::cases(),
        images::cases(),
        flow::cases(),
        uris::cases(),
    ];
    topics.into_iter().flatten().collect()
}
