//! Finds the word that somebody meant.

/// The closest of some words, if it is so close that it was probably meant.
pub(crate) fn closest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let written = written.to_lowercase().replace('_', "-");
    let distance = |known: &str| strsim::osa_distance(&written, known);
    let near = known.into_iter().filter(|known| distance(known) <= known.len().max(3) / 3);
    near.min_by_key(|known| distance(known))
}
